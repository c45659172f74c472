// SPDX-License-Identifier: GPL-2.0-only
#include "update/ways.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Takes ownership of what braid_apply() or the command reports. */
static bool was_slot(json_t *report)
{
	bool slot = json_object_get(report, "only");

	if (!json_is_true(json_object_get(report, "changed")))
		errx(1, "an update has changed nothing");
	json_decref(report);
	return slot;
}

/* braid_apply() of a pipeline that was read before. */
static bool update_by_call(const struct subject *s, unsigned int version)
{
	struct braid_apply_opts opts = {.sz = sizeof(opts)};
	struct braid_error error = BRAID_ERROR_INIT;
	json_t *report;
	char *text;

	braid_must(braid_apply(s->braid, braid_manifest_get(s->versions[version], 0), &opts, &text,
			       &error),
		   &error, "updating");
	report = json_loads(text, 0, NULL);
	free(text);
	return was_slot(report);
}

/* A process that writes into a pipe; @ret_out: where to read. */
static pid_t spawn(char *const argv[], FILE **ret_out)
{
	posix_spawn_file_actions_t actions;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) || posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO))
		err(1, "a pipe");
	errno = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	if (errno)
		err(1, "%s", argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	*ret_out = fdopen(fds[0], "r");
	return pid;
}

/* `braid update`, the whole process. */
static bool update_by_command(const struct subject *s, unsigned int version)
{
	char assignment[64];
	char *argv[] = {BRAID,    "update", "--state",  SANDBOX_STATE,
			"--json", SUBJECT,  assignment, NULL};
	json_t *report;
	FILE *out;
	int status;
	pid_t pid;

	snprintf(assignment, sizeof(assignment), "target=" SANDBOX "/%s_%u.bpf.o", s->kind->object,
		 version);
	pid = spawn(argv, &out);
	report = json_loadf(out, 0, NULL);
	fclose(out);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "braid update has failed: %s",
		     json_string_value(json_object_get(json_object_get(report, "error"), "what"))
			     ?: "no report");
	return was_slot(report);
}

const struct way ways[] = {
	{"call", update_by_call},
	{"command", update_by_command},
};

const unsigned int ways_n = sizeof(ways) / sizeof(*ways);
