/* SPDX-License-Identifier: GPL-2.0-only */
/* Pipelines that somebody looks at, attached nowhere: what observers see of a packet. */
#pragma once

#include "seams.h"

struct seen {
	struct observe_event e;
	__u8 bytes[9216]; /* the first of those captured */
};

#define SEEN_MAX 512

struct look {
	struct seams s;
	struct ring_buffer *rings[OBSERVE_SLOTS];
	volatile struct observe_control *controls[OBSERVE_SLOTS];
};

/* The slot looks at all packets, or at those of the settings; for one more minute. */
void look_start(struct look *l, const struct seams_way *way, const struct observe_set *set,
		const char *pipeline, const char *stages);
void look_done(struct look *l);
/* The second half of look_start(), when l->s is loaded. */
void look_open(struct look *l, const struct observe_set *set);
/* A packet of any size; it stays as it is. Return: the verdict. */
__u32 look_run(const struct look *l, const void *packet, size_t n);
#define _cleanup_look_ _cleanup_(look_done)

/* Events since the last call, up to SEEN_MAX. Valid until the next call. */
size_t look_read(struct look *l, __u32 slot, struct seen **ret);
/* Nobody wants those that are there. */
void look_drain(struct look *l, __u32 slot);
/*
 * The same as text: "> m1:2 <m2 m2:1!" is the entry, behind stage m1, in front of m2, and behind
 * it, where the packet leaves. '$' is the end of the pipeline, '?' a lost tail call. Verdicts are
 * written as those of XDP.
 */
const char *look_text(struct look *l, __u32 slot);

struct observe_state look_state(const struct look *l, __u32 slot);
struct observe_times look_times(const struct look *l, __u32 slot, __u32 index);
