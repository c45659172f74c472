/* SPDX-License-Identifier: GPL-2.0-only */
/* A command that looks at packets of the pipeline, as a process. Errors end the bench. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "common/compose.h"

#define WATCHED "bench"
#define EVENTS  5 /* of a packet that is looked at: the entry, and behind four stages */

struct kind {
	const char *name;
	const char *command;  /* trace, capture; NULL: nobody looks */
	const char *words[6]; /* more of its arguments */
	unsigned int sample;  /* one of so many packets */
};

struct watcher {
	pid_t pid;
};

/* What it says when it ends. */
struct watched {
	uint64_t looked_at, missed; /* packets; events */
	uint64_t events;            /* that it has read */
};

/* Starts it, and waits until it looks. */
void watcher_start(struct watcher *w, const struct kind *kind, struct braid *b);
void watcher_end(struct watcher *w, const struct kind *kind, struct watched *ret);
