/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What an observer asks for, as the document in the store has it: {"what": ["events"],
 * "every": 1000, "snap": 96, "ring": 4194304, "only": false, "behind": [], "filter": [[40, 0, 0,
 * 12], …], "verdicts":
 * ["drop"], "before": ["acl"]}. Stages are named, as another revision may have others.
 */
#pragma once

#include <jansson.h>

#include "braid/observe.h"
#include "compose/observe.h"

/* Checks @o, too. */
int ask_new(const struct braid_observe_opts *o, json_t **ret, struct braid_error *err);
/* Does the pipeline have all that it names? @plan: of the revision. */
int ask_check(const json_t *asks, const json_t *plan, struct braid_error *err);
json_t *ask_what_to_json(const json_t *asks);

/* Of all observers, for the image. What a revision does not have (any more) is left out. */
struct observers;
struct asked {
	struct observe_set set;
	struct {
		struct braid_filter *filter;
		__u32 *before, *behind;
	} slots[OBSERVE_SLOTS]; /* what it points to */
};

int asked_new(const struct observers *observers, const json_t *plan, struct asked *ret,
	      struct braid_error *err);
void asked_done(struct asked *a);
#define _cleanup_asked_ _cleanup_(asked_done)
