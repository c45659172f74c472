// SPDX-License-Identifier: GPL-2.0-only
#include "observe/watcher.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/sandbox.h"
#include "common/status.h"

#define OUTPUT SANDBOX "/watched"

static bool looks(struct braid *b)
{
	json_t *status = status_read(b, WATCHED);
	bool yes = json_is_true(json_object_get(json_object_get(status, "observed"), "looks"));

	json_decref(status);
	return yes;
}

/* What it prints goes into a file in memory. */
static pid_t spawn(const char *const argv[])
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, OUTPUT,
					     O_WRONLY | O_CREAT | O_TRUNC, 0600))
		err(1, "starting %s", argv[0]);
	errno = posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	if (errno)
		err(1, "%s", argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

void watcher_start(struct watcher *w, const struct kind *kind, struct braid *b)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	const char *argv[16] = {BRAID,    kind->command, "--state", SANDBOX_STATE,
				"--json", "--sample",    NULL,      WATCHED};
	uint64_t begin = now_ns();
	char sample[32];

	snprintf(sample, sizeof(sample), "1:%u", kind->sample);
	argv[6] = sample;
	for (size_t i = 0; i < 6 && kind->words[i]; i++)
		argv[8 + i] = kind->words[i];
	w->pid = spawn(argv);
	while (!looks(b)) {
		if (now_ns() - begin > 30000000000ull || waitpid(w->pid, NULL, WNOHANG))
			errx(1, "%s does not look", kind->name);
		nanosleep(&pause, NULL);
	}
}

/* The last object in the file; what is in front of it are packets. */
static json_t *last_object(void)
{
	static char text[4096];
	FILE *f = fopen(OUTPUT, "re");
	json_t *j = NULL, *next;
	size_t n;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 ||
	    fseek(f, size < (long)sizeof(text) ? 0 : size - (long)sizeof(text) + 1, SEEK_SET))
		err(1, "reading what a command has printed");
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	for (char *at = text; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
		next = json_loads(at, JSON_DISABLE_EOF_CHECK, NULL);
		if (!next)
			continue;
		json_decref(j);
		j = next;
		if (json_object_get(j, "pipeline")) /* one object on several lines */
			break;
	}
	if (!j)
		errx(1, "a command has printed no JSON");
	return j;
}

void watcher_end(struct watcher *w, const struct kind *kind, struct watched *ret)
{
	json_t *j, *totals;
	int status;

	kill(w->pid, SIGINT);
	if (waitpid(w->pid, &status, 0) != w->pid || !WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "%s has failed", kind->name);
	j = last_object();
	totals = json_object_get(j, "totals") ?: j;
	ret->looked_at = json_integer_value(json_object_get(totals, "looked-at"));
	ret->missed = json_integer_value(json_object_get(totals, "missed"));
	ret->events = ret->looked_at * EVENTS - ret->missed;
	json_decref(j);
}
