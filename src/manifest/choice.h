/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Choices in a pipeline's flat list of stages: what stands where, and which order is right.
 * Choices are named by index + 1, as in struct stage; 0 is the pipeline itself.
 */
#pragma once

#include "manifest/model.h"

#define CHOICE_DEPTH 8u   /* in each other */
#define CHOICES_MAX  256u /* in a pipeline */

/* Through which branch of @outer leads the way to (@choice, @branch); -1: not through it. */
int branch_within(const struct braid_pipeline *p, __u32 choice, __u32 branch, __u32 outer);
/*
 * The step of the sequence (@choice, @branch) that is or holds @s. Return: 0: the stage itself
 * stands there; a choice that does and has the stage in it; -1: @s is not in the sequence.
 */
long step_of(const struct braid_pipeline *p, const struct stage *s, __u32 choice, __u32 branch);
/* All stages of @choice: [*ret_first, *ret_end) of the list; both its end if there are none. */
void choice_span(const struct braid_pipeline *p, __u32 choice, size_t *ret_first, size_t *ret_end);
/* The stage directly in front, whose result the choice can see; NULL: there is none. */
const struct stage *choice_classifier(const struct braid_pipeline *p, __u32 choice);
/* 0: none of that name. */
__u32 pipeline_choice(const struct braid_pipeline *p, const char *name);

/* That the next stage or choice of the list may stand at (@choice, @branch). */
int choice_check_next(const struct braid_pipeline *p, __u32 choice, __u32 branch, struct place at,
		      struct braid_error *err);
/* That @choice has stages; and if it looks at a result, that a stage gives one. */
int choice_check(const struct braid_pipeline *p, __u32 choice, struct braid_error *err);
/* The error that @c looks at the result of nothing. */
int choice_no_classifier(const struct choice *c, struct braid_error *err);
