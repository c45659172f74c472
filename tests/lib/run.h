/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands as a test runs them: no shell, standard input empty, output kept.
 *
 *	_cleanup_run_ struct run r = {};
 *
 *	is_int(run(&r, "braid", "plan", path), 0, "plan succeeds");
 *	ok(strstr(r.out, "fused"), "and says how");
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <sys/types.h>

/* What became of a command. Start with {}; one that is used again is emptied first. */
struct run {
	pid_t pid;  /* 0: not running */
	bool open;  /* started and not waited for yet: @out_fd and @err_fd are files */
	int status; /* exit status; 128 + number when a signal ended it */
	char *out;  /* owned, NUL-terminated: all of standard output */
	char *err;  /* the same of standard error */
	int out_fd, err_fd;
};

/* Ends the command if it still runs, and frees. */
void run_done(struct run *r);
#define _cleanup_run_ _cleanup_(run_done)

/* Starts it and returns. A command that cannot be started exits 127, as in a shell. */
void run_start(struct run *r, const char *const argv[]);
/* Waits for its end. Return: the status. */
int run_wait(struct run *r);
/* Would run_wait() return at once? */
bool run_has_ended(const struct run *r);

#define run(r, ...)                                                                                \
	({                                                                                         \
		struct run *run_ = (r);                                                            \
		run_start(run_, (const char *const[]){__VA_ARGS__, NULL});                         \
		run_wait(run_);                                                                    \
	})

/* For set-up: splits the formatted line at blanks, runs it, and bails out unless it succeeds. */
void must_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Arguments of @program, split at blanks, that it refuses with status 2 and a message with @says.
 */
void run_wrong(const char *program, const char *line, const char *says);
