/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Changes of which stages a pipeline has, and in which order: for one that runs already. What
 * a choice looks at stays the same. After an error nothing has changed.
 */
#pragma once

#include "manifest/model.h"

/* Where a stage goes; @other: a stage or a choice, of BRAID_BEFORE and BRAID_AFTER. */
struct position {
	enum braid_where where;
	const char *other;
};

/* @s: moved on success. It goes into the branch of @at->other; first and last: into none. */
int pipeline_insert_stage(struct braid_pipeline *p, struct stage *s, const struct position *at,
			  struct braid_error *err);
/* Choices that become empty go, too, and its memberships in shared maps. */
int pipeline_remove_stage(struct braid_pipeline *p, const char *name, struct braid_error *err);
int pipeline_move_stage(struct braid_pipeline *p, const char *name, const struct position *at,
			struct braid_error *err);
int pipeline_enable_stage(struct braid_pipeline *p, const char *name, bool enabled,
			  struct braid_error *err);
/* -EBUSY: two versions of @s run. @what: "replaced". */
int stage_check_settled(const struct stage *s, const char *what, struct braid_error *err);
