/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Observers of an image: each is a copy of bpf/observe.bpf.c in a name space of its own. What is
 * between it and whoever reads: observe_abi.h.
 *
 *	plan_observe(plan, set)           makes room for them: before anything looks at the plan
 *	image_new(plan, {.observe = set})
 *
 * Its maps are among the image's, with `observer` and `slot`, as symbols of the linked object:
 *
 *	OBSERVE_SYMBOL("events")          "_observe%u__events": if it wants OBSERVE_EVENTS
 *	OBSERVE_SYMBOL("times")           "_observe%u__times": if it wants OBSERVE_TIMES
 *	OBSERVE_SYMBOL("state")           "_observe%u__state"
 *	OBSERVE_CONTROL                   ".data._observe%u": struct observe_control, for mmap(2)
 *
 * What they start with looks at no packet: control.lease and control.sample are 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "braid/observe.h"
#include "compose/observe_abi.h"
#include "compose/plan.h"

#define OBSERVE_SYMBOL(map) "_observe%u__" map
#define OBSERVE_CONTROL     ".data._observe%u"

/* What an observer asks for. All is borrowed. */
struct observe_slot {
	bool used;
	struct observe_settings settings; /* what, snap, leaves: the rest is filled in */
	/* packets that it looks at: classic BPF over the packet as it comes in; 0: all */
	const struct braid_filter *filter;
	size_t n_filter;
	/* stages of the plan that have an event in front of them, too; ascending */
	const __u32 *before;
	size_t n_before;
	/* with settings.only, which goes without times: stages with an event behind them */
	const __u32 *behind;
	size_t n_behind;
	size_t ring; /* bytes: a power of 2, pages; 0: 4 MiB. Only with OBSERVE_EVENTS */
};

struct observe_set {
	struct observe_slot slots[OBSERVE_SLOTS];
};

/*
 * Makes room for observers: they take maps and stack, so stages may be in other programs than
 * without them, or called instead of spliced. NULL, or none that is used: nothing changes.
 */
int plan_observe(struct braid_plan *plan, const struct observe_set *set, struct braid_error *err);

/* For image.c: of an image that is being made. */
struct image;
struct splice_watch;
/*
 * Links the observers in. @ret_watches: room for OBSERVE_SLOTS. -EINVAL: a filter, or what a slot
 * asks for; as cbpf_compile().
 */
int observe_add(struct image *image, const struct observe_set *set,
		struct splice_watch *ret_watches, size_t *ret_n, struct braid_error *err);
/* Which of the watches want an event in front of stage @k, or behind it: bits. */
__u32 observe_before(const struct observe_set *set, __u32 k);
__u32 observe_behind(const struct observe_set *set, __u32 k);
