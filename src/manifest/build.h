/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the parts of the builder share. */
#pragma once

#include "manifest/model.h"

/* The place of an error: @p. Return: @r. */
int build_within(const struct braid_pipeline *p, int r, struct braid_error *err);
/* Copies a string that may be NULL. Return: false: no memory. */
bool build_text(char **slot, const char *s);

/* @object is a label beside @bytes, and may be NULL then. */
int build_object(const char *object, const void *bytes, size_t size, char **ret_object,
		 void **ret_bytes, size_t *ret_size, struct braid_error *err);
/* Fills an empty stage, but not its place. */
int build_stage(struct stage *s, const struct braid_pipeline *p, const char *name,
		const struct braid_stage_opts *opts, struct braid_error *err);
/* @name NULL: the pipeline itself, and @branch must be 0. */
int build_find_branch(const struct braid_pipeline *p, const char *name, size_t branch,
		      __u32 *ret_choice, __u32 *ret_branch, struct braid_error *err);
