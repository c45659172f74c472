/* SPDX-License-Identifier: GPL-2.0-only */
/* The chain as braid runs it: planned, linked and loaded, attached nowhere. */
#pragma once

#include "trail.h"

enum way {
	FUSED,    /* one program, each stage spliced where that is possible */
	CALLED,   /* one program, each stage a function of it */
	TAILCALL, /* a program for each stage */
	MIXED,    /* programs of several stages, some spliced and some called; seams record */
	WATCHED,  /* one program or one for each stage, with observers that look at each packet */
	ONE_OFF,  /* as FUSED, with one optimisation turned off */
	SOME_OFF, /* one program or one for each stage, with some turned off */
	WAYS
};
extern const char *const way_words[WAYS];

struct composed;

/* @c: borrowed, as @p. Return: 0, or what planning, linking and loading return. */
int composed_new(const struct chain *c, const struct braid_pipeline *p, enum way way,
		 struct composed **ret, struct braid_error *err);
void composed_free(struct composed *composed);
struct runner composed_runner(struct composed *composed);
