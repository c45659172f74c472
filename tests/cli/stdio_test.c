/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Standard input and output that are full, closed, or that nobody reads any more, which needs no
 * privilege to see. Arguments: the command; a folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"
#include "tap.h"
#include "wait.h"

enum { FDS = 8, UNREAD = 9, DEADLINE_MS = 20000 };

static const char *braid;

/* @line: for a shell, where $1 is the command and $2 is @arg. Return: the exit status. */
static int shell(struct run *r, const char *line, const char *arg)
{
	return run(r, "sh", "-c", line, "sh", braid, arg);
}

/* What comes at once, what comes when a buffer is full, what a command writes by itself. */
static void test_full(void)
{
	static const char *const lines[] = {
		"\"$1\" --help",
		"\"$1\" --version",
		"\"$1\" status --help",
		"yes 'r0 = 2' | head -3000 | sed '$s/.*/exit/' | \"$1\" asm -o - -",
	};
	_cleanup_run_ struct run r = {};
	char line[128];

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		is_int(shell(&r, lines[i], NULL), 0, "%s", lines[i]);
		snprintf(line, sizeof(line), "%s >/dev/full", lines[i]);
		is_int(shell(&r, line, NULL), 1, "%s", line);
		ok(strstr(r.err, "braid: standard output: cannot write"), "says so: %s", r.err);
	}
	is_int(shell(&r, "\"$1\" xdp-loader load --help >/dev/full", NULL), 1, "xdp-loader, too");
	ok(strstr(r.err, "standard output"), "says so: %s", r.err);
	is_int(shell(&r, "\"$1\" plan --json /nonexistent.yaml >/dev/full", NULL), 1,
	       "an error as JSON");
	ok(strstr(r.err, "standard output"), "is not lost without a word: %s", r.err);
	is_int(shell(&r, "\"$1\" nosuch >/dev/full", NULL), 2, "what prints nothing fails as ever");
	ok(!strstr(r.err, "standard output"), "and does not mind: %s", r.err);
}

static void test_closed(void)
{
	_cleanup_run_ struct run r = {};

	is_int(shell(&r, "\"$1\" --help >&-", NULL), 1, "standard output is closed");
	ok(strstr(r.err, strerror(EBADF)), "says so: %s", r.err);
	is_int(shell(&r, "\"$1\" nosuch <&- >&- 2>&-", NULL), 2, "all of them");
}

/* Whoever has read enough has gone. With SIGPIPE, and where that is ignored. */
static void test_unread(void)
{
	_cleanup_run_ struct run r = {};
	int ends[2];

	if (pipe(ends) || dup2(ends[1], UNREAD) < 0)
		bail_out("a pipe: %s", strerror(errno));
	close(ends[0]);
	close(ends[1]);
	is_int(shell(&r, "\"$1\" --help >&9", NULL), 128 + SIGPIPE, "nobody reads");
	is_str(r.err, "", "no word of it");
	is_int(shell(&r, "trap '' PIPE; \"$1\" --help >&9", NULL), 1, "without a signal");
	is_str(r.err, "", "no word of it either");
	close(UNREAD);
}

/* Which descriptor of @pid is @path. -1: none (yet). */
static int fd_of(pid_t pid, const char *path)
{
	char name[64], at[4096];

	for (int fd = 0; fd < FDS; fd++) {
		ssize_t n;

		snprintf(name, sizeof(name), "/proc/%d/fd/%d", pid, fd);
		n = readlink(name, at, sizeof(at) - 1);
		if (n > 0 && (at[n] = '\0', !strcmp(at, path)))
			return fd;
	}
	return -1;
}

/* A command that reads from a pipe for ever. */
static void test_taken(const char *folder)
{
	_cleanup_free_ char *real = realpath(folder, NULL);
	_cleanup_run_ struct run r = {};
	_cleanup_close_ int pipe = -1;
	char path[4096];

	snprintf(path, sizeof(path), "%s/stdio.fifo", real);
	unlink(path);
	if (mkfifo(path, 0600) || (pipe = open(path, O_RDWR | O_CLOEXEC)) < 0)
		bail_out("%s: %s", path, strerror(errno));
	run_start(&r, (const char *const[]){"sh", "-c", "exec \"$1\" asm -o - \"$2\" <&- >&- 2>&-",
					    "sh", braid, path, NULL});
	ok(wait_until(fd_of(r.pid, path) >= 0 || run_has_ended(&r), DEADLINE_MS), "it reads");
	ok(fd_of(r.pid, path) > STDERR_FILENO, "what it opens is no standard output: %d",
	   fd_of(r.pid, path));
	unlink(path);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		bail_out("usage: %s BRAID FOLDER", argv[0]);
	braid = argv[1];
	test_full();
	test_closed();
	test_unread();
	test_taken(argv[2]);
	return done();
}
