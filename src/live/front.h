/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The front of a revision: the programs by which packets enter it. It is one, which the rest
 * of the pipeline lies in or behind; under strategy dispatcher it is the components.
 */
#pragma once

#include <jansson.h>

#include "base/array.h"
#include "kernel/ids.h"
#include "compose/image.h"
#include "kernel/load.h"

struct front_program {
	int fd;
	__u32 id;
	char *name; /* whole */
	/* of a component: when it runs, and after which verdicts the next one does */
	__u32 priority, actions;
	bool frags;
	bool bound; /* to the device; bound.c */
};

struct front {
	ARRAY(struct front_program) list; /* none: it is not pinned (any more) */
};

void front_done(struct front *f);
#define _cleanup_front_ _cleanup_(front_done)

/* As what @plan, JSON, runs: fused, tailcall or dispatcher. @otherwise: NULL, or it says nothing.
 */
enum strategy plan_strategy(const json_t *plan, enum strategy otherwise);

/* Of a revision, by what is pinned in its @folder. @plan: its own. */
int front_open(const json_t *plan, const char *folder, struct front *ret, struct braid_error *err);
/* Of an image that was loaded. @plan: with what front_note() put into it. */
int front_of_loaded(const json_t *plan, const struct loaded *loaded, struct front *ret,
		    struct braid_error *err);
/* Of one program, by its id, or where it is pinned. */
int front_by_id(__u32 id, struct front *ret, struct braid_error *err);
int front_by_pin(const char *pin, struct front *ret, struct braid_error *err);
int front_by_ids(const struct ids *ids, struct front *ret, struct braid_error *err);
int front_copy(const struct front *f, struct front *ret, struct braid_error *err);

/* Its only program, or the first: -1 and 0 when there is none. */
int front_fd(const struct front *f);
__u32 front_id(const struct front *f);
/* Are exactly these its programs? An empty front is nobody's. */
bool front_is(const struct front *f, const struct ids *ids);

bool ids_have(const struct ids *ids, __u32 id);
__u32 ids_first(const struct ids *ids); /* 0: none */
