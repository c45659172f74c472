/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets on their way through a pipeline, put together from events: those of one packet come in
 * order, those of several CPUs mixed. Pure.
 */
#pragma once

#include <braid/observe.h>
#include <stdbool.h>

#include "base/array.h"

struct journey {
	uint64_t packet;
	ARRAY(struct braid_event) events; /* their bytes are owned */
	bool left;                        /* the last event is where it left */
};

/*
 * Each CPU has few packets under way: one, and those that a program in between has sent into the
 * pipeline again. So few are kept, and older ones are taken for those whose end was missed.
 */
#define JOURNEYS_AT_ONCE 4
#define JOURNEY_EVENTS   512

struct lane {
	struct journey under_way[JOURNEYS_AT_ONCE]; /* the oldest first */
	size_t n;
};

struct journeys {
	/* Of each packet that has left, or whose end is not to be expected. 0, or ends all. */
	int (*emit)(void *ctx, const struct journey *j);
	void *ctx;
	ARRAY(struct lane) lanes; /* by CPU */
};

/* Return: 0; what emit() said; -ENOMEM. */
int journeys_add(struct journeys *all, const struct braid_event *e);
/* All events that were there have been added: those that left are emitted. */
int journeys_round(struct journeys *all);
/* So are those whose last event is older than @before_ns; UINT64_MAX: all. */
int journeys_expire(struct journeys *all, uint64_t before_ns);
void journeys_done(struct journeys *all);
