/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* From what was counted to what every way had: what comes to a stage leaves it. */
#include <errno.h>
#include <stdint.h>

#include "compose/count.h"

/* What is known of a stage: what comes, less what goes, by edges that are known. */
struct balance {
	__u64 packets, bytes;
	__u32 unknown; /* edges */
	size_t edge;   /* one of them */
};

static void note(struct balance *b, size_t edge, bool known, const struct count_value *v, bool in)
{
	if (!known) {
		b->unknown++;
		b->edge = edge;
		return;
	}
	b->packets += in ? v->packets : -v->packets;
	b->bytes += in ? v->bytes : -v->bytes;
}

/* Stage @k's, over all edges. */
static struct balance balance_of(const struct count_model *m, const bool *known,
				 const struct count_value *values, __u32 k)
{
	struct balance b = {};

	array_foreach (e, &m->edges) {
		size_t i = e - m->edges.v;

		if (e->from == k)
			note(&b, i, known[i], &values[i], false);
		if (e->to == k)
			note(&b, i, known[i], &values[i], true);
	}
	return b;
}

/* Where but one way of a stage is known, that follows. */
static bool solve(const struct count_model *m, bool *known, struct count_value *values, __u32 k)
{
	struct balance b = balance_of(m, known, values, k);
	bool comes;

	if (b.unknown != 1)
		return false;
	comes = m->edges.v[b.edge].to == k;
	values[b.edge].packets = comes ? -b.packets : b.packets;
	values[b.edge].bytes = comes ? -b.bytes : b.bytes;
	known[b.edge] = true;
	return true;
}

/* What was read while packets came may be less than none. */
static __u64 at_least_none(__u64 v)
{
	return v > INT64_MAX ? 0 : v;
}

int count_derive(const struct count_model *m, const struct count_value *block,
		 struct count_value *ret)
{
	_cleanup_free_ bool *known = calloc(m->edges.n + 1, sizeof(*known));
	bool changed = true;

	if (!known)
		return -ENOMEM;
	array_foreach (e, &m->edges) {
		size_t i = e - m->edges.v;

		known[i] = e->counter;
		ret[i] = known[i] ? block[e->counter] : (struct count_value){};
	}
	while (changed) {
		changed = false;
		for (__u32 k = m->stages.n; k-- > 0;)
			changed |= solve(m, known, ret, k);
	}
	for (size_t i = 0; i < m->edges.n; i++) {
		ret[i].packets = at_least_none(ret[i].packets);
		ret[i].bytes = at_least_none(ret[i].bytes);
	}
	return 0;
}
