/* SPDX-License-Identifier: GPL-2.0-only */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tap.h"

extern char **environ;

/* A file in memory and not a pipe: the child never blocks on a reader, whatever it prints. */
static int sink_open(void)
{
	int fd = memfd_create("test-output", MFD_CLOEXEC);

	if (fd < 0)
		bail_out("memfd_create: %s", strerror(errno));
	return fd;
}

/* All that was written to @fd, which is closed. */
static char *sink_take(int fd)
{
	struct stat st;
	char *text;

	if (fstat(fd, &st))
		bail_out("fstat: %s", strerror(errno));
	text = calloc(1, st.st_size + 1);
	if (!text || pread(fd, text, st.st_size, 0) != st.st_size)
		bail_out("reading a command's output: %s", strerror(errno));
	close(fd);
	return text;
}

void run_done(struct run *r)
{
	if (r->pid > 0)
		kill(r->pid, SIGKILL);
	if (r->open)
		run_wait(r);
	free(r->out);
	free(r->err);
	*r = (struct run){};
}

void run_start(struct run *r, const char *const argv[])
{
	posix_spawn_file_actions_t files;
	int error;

	run_done(r);
	r->out_fd = sink_open();
	r->err_fd = sink_open();
	r->open = true;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, r->out_fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, r->err_fd, STDERR_FILENO);
	error = posix_spawnp(&r->pid, argv[0], &files, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (error) {
		r->pid = 0;
		dprintf(r->err_fd, "%s: %s\n", argv[0], strerror(error));
	}
}

bool run_has_ended(const struct run *r)
{
	siginfo_t info = {};

	return r->pid <= 0 || waitid(P_PID, r->pid, &info, WEXITED | WNOHANG | WNOWAIT) ||
	       info.si_pid;
}

int run_wait(struct run *r)
{
	int status = 127 << 8; /* what waitpid() would say of "cannot be started" */

	while (r->pid > 0 && waitpid(r->pid, &status, 0) < 0) {
		if (errno != EINTR)
			bail_out("waitpid: %s", strerror(errno));
	}
	r->pid = 0;
	r->open = false;
	r->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	r->out = sink_take(r->out_fd);
	r->err = sink_take(r->err_fd);
	return r->status;
}

void must_run(const char *fmt, ...)
{
	_cleanup_run_ struct run r = {};
	const char *argv[64] = {};
	char line[1024], shown[1024];
	char *rest = line;
	size_t argc = 0;
	va_list ap;
	char *word;

	va_start(ap, fmt);
	if (vsnprintf(line, sizeof(line), fmt, ap) >= (int)sizeof(line))
		bail_out("command line too long: %s", fmt);
	va_end(ap);
	strcpy(shown, line);
	while ((word = strsep(&rest, " "))) {
		if (argc + 1 == sizeof(argv) / sizeof(argv[0]))
			bail_out("too many words: %s", shown);
		if (*word)
			argv[argc++] = word;
	}
	run_start(&r, argv);
	if (run_wait(&r)) {
		diag("%s%s", r.out, r.err);
		bail_out("%s: status %d", shown, r.status);
	}
}

void run_wrong(const char *program, const char *line, const char *says)
{
	_cleanup_run_ struct run r = {};
	const char *argv[16] = {program};
	char copy[256], *rest = copy, *word;
	int n = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	while (n < 15 && (word = strsep(&rest, " ")))
		argv[n++] = word;
	run_start(&r, argv);
	is_int(run_wait(&r), 2, "%s: status 2", line);
	is_str(r.out, "", "nothing on standard output");
	ok(strstr(r.err, says), "the error says '%s': %s", says, r.err);
}
