/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Where counters are in a CPU's block, by the plan alone. In this order:
 *
 * - the length of the packet that is inside, where a packet goes through several programs;
 * - rows of `closed`: one, or one for each component;
 * - `lost`: one counter for each stage, as a segment may begin with it. So all is where it is
 *   in however many programs the stages run: a variant of what runs may have others;
 * - for each stage: a row by verdict, if it returns one; bypass; next; and one for each other
 *   stage that a case leads to.
 */
#pragma once

#include "compose/plan.h"

struct count_layout {
	const struct braid_plan *plan;
	__s32 low;        /* the first verdict of a row */
	__u32 n_verdicts; /* a row has so many, and one counter more for all others */
	__u32 closed, lost, stages;
	__u32 counters; /* all */
};

void count_layout_of(const struct braid_plan *plan, struct count_layout *ret);
/* Indexes of counters; of stage @k. */
__u32 count_row(const struct count_layout *l, __u32 k);
__u32 count_bypass_of(const struct count_layout *l, __u32 k);
__u32 count_next_of(const struct count_layout *l, __u32 k);
/* 0: another case leads to the same stage, or the default does. */
__u32 count_case_at(const struct count_layout *l, __u32 k, size_t i);
__u32 count_closed_row(const struct count_layout *l, __u32 segment);

/* Where a way leads, for code in @segment: a stage, or COUNT_OUTSIDE. */
__u32 count_target(const struct braid_plan *plan, __u32 segment, __u32 next);
/* Does whatever stage @k returns leave with the packet? */
bool count_is_last(const struct braid_plan *plan, __u32 k);
/* Verdicts with which packets go on from @ps that are counted: all but one. */
__u32 count_proceeding(const struct count_layout *l, const struct plan_stage *ps);
