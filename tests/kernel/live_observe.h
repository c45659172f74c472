/* SPDX-License-Identifier: GPL-2.0-only */
/* Observers of `edge` in the process of the test, or in one of their own; what runs there. */
#pragma once

#include <braid/braid.h>
#include <sys/types.h>

#include "live_common.h"

/* A handle with that cause. Bails out if there is none. */
struct braid *observe_braid(const char *cause);
/* One that looks at events and times, at one packet of @every. Bails out if it cannot. */
struct braid_observer *observe_open(struct braid *b, unsigned int every);
void observe_close(struct braid_observer *o);

/* What an interface runs, and what of the pipeline is pinned. */
struct observed_run {
	long long program, link;
	size_t pins, size;
	char *xlated; /* @size bytes: the program as the verifier left it */
};

void observed_run_read(struct observed_run *ret);
void observed_run_done(struct observed_run *r);
#define _cleanup_observed_run_ __attribute__((cleanup(observed_run_done)))
/* The same program, instruction by instruction, by the same link; nothing else is pinned. */
bool observed_run_is(const struct observed_run *a, const struct observed_run *b);

/* What status says: "observed", or "" when nobody is said to look. */
const char *observe_state(void);
/* Observers by status: how many there are, and how many look. */
int observe_listed(void);
int observe_looking(void);

/*
 * A process that looks until it is told to end, or is killed. It tends once in 100 ms. Bails out
 * if it cannot look.
 */
struct looker {
	pid_t pid;
	int tell; /* a pipe: when it is closed the process leaves in order */
};

void looker_start(struct looker *l, unsigned int every);
/* Return: exit status; -1: a signal ended it. */
int looker_end(struct looker *l);
void looker_kill(struct looker *l);
