/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Comparing two layouts, and saying how they differ. */
#include "base/error.h"
#include "base/text.h"
#include "object/layout_index.h"

static bool same_dims(const struct leaf *a, const struct leaf *b)
{
	for (__u32 i = 0; i < a->n_dims && i < b->n_dims; i++)
		if (a->dims[i].n != b->dims[i].n || a->dims[i].stride != b->dims[i].stride)
			return false;
	return a->n_dims == b->n_dims;
}

/* Names of types do not matter: __u32 is unsigned int. Of a union all that is in it does. */
static bool same_leaf(const struct leaf *a, const struct leaf *b)
{
	return a->kind == b->kind && a->bit == b->bit && a->bits == b->bits &&
	       a->bitfield == b->bitfield && text_eq(a->path, b->path) && same_dims(a, b) &&
	       (a->kind != LEAF_UNION || text_eq(a->inside, b->inside));
}

bool layout_equal(const struct layout *a, const struct layout *b)
{
	if (a->size != b->size || a->leaves.n != b->leaves.n)
		return false;
	for (size_t i = 0; i < a->leaves.n; i++)
		if (!same_leaf(&a->leaves.v[i], &b->leaves.v[i]))
			return false;
	return true;
}

bool layout_has(const struct layout *l, enum leaf_kind kind)
{
	array_foreach (leaf, &l->leaves)
		if (leaf->kind == kind)
			return true;
	return false;
}

const struct leaf *layout_find(const struct layout *l, const char *name)
{
	const struct leaf *found = NULL;

	array_foreach (leaf, &l->leaves) {
		if (!text_eq(leaf->name, name))
			continue;
		if (found)
			return NULL;
		found = leaf;
	}
	return found;
}

/* "rules[4].hits": the path with the sizes of its arrays. */
static void add_path(struct buf *b, const struct leaf *leaf)
{
	__u32 dim = 0;

	for (const char *c = leaf->path; *c; c++)
		if (c[0] == '[' && dim < leaf->n_dims)
			buf_fmt(b, "[%u", leaf->dims[dim++].n);
		else
			buf_add(b, c, 1);
}

void leaf_describe(struct buf *b, const struct leaf *leaf)
{
	buf_fmt(b, "%s%s", leaf->type, *leaf->path ? " " : "");
	add_path(b, leaf);
	if (leaf->bitfield)
		buf_fmt(b, ":%u", leaf->bits);
}

static void add_line(struct buf *b, char sign, const struct leaf *leaf)
{
	buf_fmt(b, "%s%c ", b->n ? "\n" : "", sign);
	leaf_describe(b, leaf);
	buf_fmt(b, " at %u", leaf->bit / 8);
	if (leaf->bitfield)
		buf_fmt(b, ", bit %u", leaf->bit % 8);
}

static int compare(const void *a, const void *b)
{
	const struct leaf *x = *(const struct leaf *const *)a;
	const struct leaf *y = *(const struct leaf *const *)b;

	return strcmp(x->name, y->name) ?: (x->bit > y->bit) - (x->bit < y->bit);
}

int layout_index(const struct layout *l, struct layout_index *ret)
{
	*ret = (struct layout_index){calloc(l->leaves.n ?: 1, sizeof(*ret->v)), l->leaves.n};
	if (!ret->v)
		return -1;
	for (size_t i = 0; i < l->leaves.n; i++)
		ret->v[i] = &l->leaves.v[i];
	qsort(ret->v, ret->n, sizeof(*ret->v), compare);
	return 0;
}

void layout_index_done(struct layout_index *index)
{
	free(index->v);
}

long layout_index_find(const struct layout_index *index, const char *name)
{
	size_t low = 0, high = index->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(index->v[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < index->n && text_eq(index->v[low]->name, name) ? (long)low : -1;
}

/* Is a leaf just like it in the other one? */
static bool has_same(const struct layout_index *index, const struct leaf *leaf)
{
	long at = layout_index_find(index, leaf->name);

	for (; at >= 0 && at < index->n && text_eq(index->v[at]->name, leaf->name); at++)
		if (same_leaf(index->v[at], leaf))
			return true;
	return false;
}

char *layout_diff(const struct layout *from, const struct layout *to)
{
	_cleanup_(layout_index_done) struct layout_index a = {}, b = {};
	struct buf text = {};
	size_t i = 0, k = 0;

	if (layout_index(from, &a) || layout_index(to, &b))
		return NULL;
	/* both are nearly in the order of their bytes: what went stands beside what came */
	while (i < from->leaves.n || k < to->leaves.n) {
		const struct leaf *x = i < from->leaves.n ? &from->leaves.v[i] : NULL;
		const struct leaf *y = k < to->leaves.n ? &to->leaves.v[k] : NULL;

		if (x && (!y || x->bit <= y->bit)) {
			if (!has_same(&b, x))
				add_line(&text, '-', x);
			i++;
		} else {
			if (!has_same(&a, y))
				add_line(&text, '+', y);
			k++;
		}
	}
	if (from->size != to->size)
		buf_fmt(&text, "%s%u bytes became %u", text.n ? "\n" : "", from->size, to->size);
	return buf_take(&text);
}
