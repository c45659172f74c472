/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside of layout: leaves by their names. */
#pragma once

#include "base/text.h"
#include "object/layout.h"

struct layout_index {
	const struct leaf **v; /* sorted by name */
	size_t n;
};

/* -1: no memory. */
int layout_index(const struct layout *l, struct layout_index *ret);
void layout_index_done(struct layout_index *index);
/* The first of that name, those of the same follow; -1: none. */
long layout_index_find(const struct layout_index *index, const char *name);

/* "__u32 rules[4].hits" */
void leaf_describe(struct buf *b, const struct leaf *leaf);
