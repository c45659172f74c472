/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* One observer, in the process that looks. */
#pragma once

#include "braid/observe.h"
#include "live/observe.h"

struct ring_buffer;

/* A stage of the variant. */
struct seen_stage {
	char *name, *program;
};

/* What it has of the variant that it is in. */
struct seat {
	__u32 revision, slot;
	char *pin; /* of the control block: as long as that is there, it is in */
	__u32 control_id;
	struct observe_control *control; /* shared with the kernel side; NULL: it has no seat */
	int times, state;                /* maps; -1: none */
	struct ring_buffer *ring;        /* NULL: it asked for no events */
	ARRAY(struct seen_stage) stages;
};

struct braid_observer {
	struct braid *b; /* borrowed */
	char *name;      /* of the pipeline */
	json_t *asks;
	enum hook hook;
	struct seat seat;
	struct braid_observer_count before; /* in earlier seats */
	struct braid_observer_gaps gaps;
	__u64 seen_ns;     /* CLOCK_MONOTONIC: it looked for sure */
	__u64 counted_ns;  /* when interfaces were counted */
	size_t interfaces; /* that it is attached to */
	/* while it reads */
	int (*fn)(void *ctx, const struct braid_event *e);
	void *ctx;
	int result;
	__u64 until; /* CLOCK_MONOTONIC, ns: reads no more events for now */
};

/* observer_seat.c: @v: the variant that was just put in. @ret: seat_done() it. */
int seat_take(const struct variant *v, const struct running *run, __u32 slot,
	      struct braid_observer *o, struct seat *ret, struct braid_error *err);
void seat_done(struct seat *s);
/* Is that what is pinned? Not if the variant was taken out, or its revision replaced. */
bool seat_is_kept(const struct seat *s);
void seat_renew(struct seat *s);
/* From now on no packet is looked at. */
void seat_leave(struct seat *s);

/*
 * observer.c: with the lock. @first: what it asks for must be there; later, stages may have gone.
 * After an error it has the seat that it had.
 */
int observer_join(struct braid_observer *o, bool first, struct braid_error *err);
/* observer_tend.c: it has a seat, and looks, on so many interfaces. */
void observer_begins(struct braid_observer *o, size_t interfaces);

/* observer_read.c */
/* For ring_buffer__new(): @ctx is the observer. */
int observer_take_event(void *ctx, void *data, size_t size);
bool observer_has_events(const struct braid_observer *o);
int observer_count_seat(const struct seat *s, struct braid_observer_count *ret,
			struct braid_error *err);
