/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Reader of how a pipeline is attached: a word, or a map. */
#include "base/error.h"
#include "manifest/edit.h"
#include "manifest/read.h"

static int read_order(struct reading *r, const struct node *n, void *attach)
{
	int res = expect(r, n, NODE_SCALAR, "order");

	return res ?: attach_set_order(attach, n->text, n->at, r->err);
}

static int read_before(struct reading *r, const struct node *n, void *attach)
{
	int res = expect(r, n, NODE_SCALAR, "before");

	return res ?: attach_set_relative(attach, ATTACH_BEFORE, n->text, n->at, r->err);
}

static int read_after(struct reading *r, const struct node *n, void *attach)
{
	int res = expect(r, n, NODE_SCALAR, "after");

	return res ?: attach_set_relative(attach, ATTACH_AFTER, n->text, n->at, r->err);
}

static int read_via(struct reading *r, const struct node *n, void *attach)
{
	int res = expect(r, n, NODE_SCALAR, "via");

	return res ?: attach_set_via(attach, n->text, n->at, r->err);
}

static int read_priority(struct reading *r, const struct node *n, void *attach)
{
	struct number number;
	int res = read_whole(r, n, "priority", &number);

	if (res)
		return res;
	/* Anything that is not a __u64 is out of range. */
	if (!number_within(number, number_min(false, 64), number_max(false, 64)))
		number.magnitude = UINT64_MAX;
	return attach_set_priority(attach, number.magnitude, n->at, r->err);
}

int read_attach(struct reading *r, const struct node *n, void *pipeline)
{
	_cleanup_(attach_done) struct attach a = {.at = n->at};
	int res = n->kind == NODE_SCALAR ? read_order(r, n, &a) : read_map(r, n, &attach_table, &a);

	if (!res)
		pipeline_set_attach(pipeline, &a);
	return res;
}

static const struct key attach_keys[] = {
	{"order", KEY_WORD, false, attach_words, read_order},
	{"before", KEY_TEXT, false, .read = read_before},
	{"after", KEY_TEXT, false, .read = read_after},
	{"via", KEY_WORD, false, via_names, read_via},
	{"priority", KEY_NUMBER, false, .read = read_priority},
};
TABLE(attach, "attach", "attach");
