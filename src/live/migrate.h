/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The entries of one map brought into another one of a different layout, while a program
 * changes the old map, and from a certain moment on another program the new one.
 *
 *	migration_copy()    all entries, and again what changed meanwhile, until that is little
 *	(the switch; no packet is inside the old program any more)
 *	migration_finish()  what changed in between
 *
 * The old map is only read. What the new program has written is never written over: late
 * changes are made in place, each under the condition that nobody else has been there. Counters
 * (tagged so) are added up instead.
 */
#pragma once

#include "base/array.h"
#include "base/error.h"
#include "kernel/elements.h"
#include "live/shadow.h"
#include "object/layout_convert.h"

/* How often what changed meanwhile is copied again, at most, before the switch. */
#define MIGRATION_PASSES 8

struct migration_report {
	size_t copied;
	size_t passes[MIGRATION_PASSES]; /* entries that each found changed, added or deleted */
	unsigned int n_passes;
	size_t evicted;   /* of an LRU map: what it set free when it was nearly full */
	size_t late;      /* changed after the last pass, brought over nonetheless */
	size_t conflicts; /* and those of which something could not be: both programs wrote it */
	char *note;       /* owned; why in-place changes were not possible; NULL: they were */
};

struct migration {
	const char *where, *name; /* borrowed, for messages: "stage guard", "flows" */
	int from_fd;              /* owned; -1 when there is none */
	struct elements from, to;
	bool to_locked; /* values of the new map have a lock: set before migration_copy() */
	struct conversion key, value; /* owned */
	struct shadow shadow;         /* of the old map: what has been copied */
	__u32 pass;
	ARRAY(__u32) dirty; /* records that the pass found added or changed */
	struct migration_report report;
};

/**
 * migration_init() - nothing is copied yet.
 * @from: a map, whose fd stays the caller's; it is duplicated.
 * @key, @value: moved, also after an error.
 * @where, @name: borrowed.
 */
int migration_init(struct migration *m, const struct elements *from, struct conversion *key,
		   struct conversion *value, const char *where, const char *name,
		   struct braid_error *err);
void migration_done(struct migration *m);

/**
 * migration_copy() - @to: the new map, borrowed until migration_done(). Nobody else uses it.
 * Return: 0; -ENOSPC there is no room for all entries; -EMEDIUMTYPE two keys became one; -EAGAIN
 * it changes faster than it can be read; what bpf(2) says.
 */
int migration_copy(struct migration *m, int to, struct braid_error *err);
/** migration_finish() - when nobody changes the old map any more. What is lost is counted. */
int migration_finish(struct migration *m, struct braid_error *err);

/* migrate_late.c: the late changes, in place. */
struct late_change {
	size_t record; /* of the shadow: what was copied; all zero when it is @added */
	void *now;     /* owned; the old map's value */
	bool added;    /* both have made the entry */
	bool conflict;
};

struct late_changes {
	ARRAY(struct late_change) list;
};

int migration_merge(struct migration *m, struct late_changes *late, struct braid_error *err);
