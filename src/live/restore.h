/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Putting back what the store wants: one pipeline, and what came of it. */
#pragma once

#include "kernel/linkwatch.h"
#include "live/live.h"

/* What was found, or done. */
enum restored {
	RESTORED_NONE,    /* the store wants nothing of that name any more */
	RESTORED_RUNS,    /* already, on all interfaces that exist */
	RESTORED_DONE,    /* now */
	RESTORED_WAITS,   /* none of its interfaces exists, or its home does not */
	RESTORED_SKIPPED, /* its home had no name by which it could be found again */
	RESTORED_FAILED
};

/* @b, @root, @watch and @sp are borrowed; the caller frees the rest. */
struct restoring {
	struct braid *b;
	const char *root; /* of bpffs */
	struct linkwatch *watch;
	const struct store_pipeline *sp;
	enum restored state;
	__u32 revision;
	json_t *attached, *missing; /* lists */
	char *recovered;
	struct braid_error error;
};

/*
 * Does what can be done for one pipeline; what went wrong with it is in @r, too.
 * Return: 0; what keeps all others as well: -EBUSY the lock, -ENOMEM, what @watch says.
 */
int restore_pipeline(struct restoring *r, struct braid_error *err);
void restoring_done(struct restoring *r);
