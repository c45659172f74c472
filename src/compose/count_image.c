/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The counters of an image: their section, and what seams must know of it. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/count.h"
#include "compose/count_layout.h"

/* A CPU's block begins with a cache line of its own. */
#define BLOCK_ALIGN 64

__u32 count_block_size(__u32 counters)
{
	return (counters * SPLICE_COUNTER + BLOCK_ALIGN - 1) & ~(__u32)(BLOCK_ALIGN - 1);
}

/* Blocks are chosen by a mask of the CPU's number. */
static __u32 blocks_for(__u32 cpus)
{
	__u32 n = 1;

	while (n < cpus)
		n *= 2;
	return n;
}

static int add_section(struct image *image, size_t size, __u64 mark, int *ret,
		       struct braid_error *err)
{
	int r = image_add_own_section(image, "counters", COUNT_SECTION, size, BLOCK_ALIGN, ret,
				      err);

	if (!r)
		memcpy(image->unit->sections.v[*ret].bytes.v + COUNT_MARK_OFFSET, &mark,
		       sizeof(mark));
	return r;
}

/* The cases of a stage that lead where @e does. */
static void fill_cases(const struct braid_plan *plan, const struct count_edge *e, __u32 *cases)
{
	const struct plan_stage *ps = &plan->stages.v[e->from];

	array_foreach (c, &ps->cases)
		if (count_target(plan, ps->segment, c->next) == e->to)
			cases[c - ps->cases.v] = e->counter * SPLICE_COUNTER;
}

static int add_parts(const struct count_layout *l, struct count_seams *c, struct braid_error *err)
{
	const struct braid_plan *plan = l->plan;

	array_foreach (ps, &plan->stages) {
		__u32 k = ps - plan->stages.v;
		struct splice_count_part part = {
			.verdicts = count_row(l, k) * SPLICE_COUNTER,
			.next = count_next_of(l, k) * SPLICE_COUNTER,
			.bypass = count_bypass_of(l, k) * SPLICE_COUNTER,
		};

		if (!ps->chooses && !count_is_last(plan, k))
			part.proceed = count_proceeding(l, ps);
		if (!array_add(&c->parts, part) || !array_reserve(&c->cases, ps->cases.n))
			return error_oom(err);
		c->cases.n += ps->cases.n;
	}
	for (__u32 s = 0; s < plan->segments.n; s++)
		if (!array_add(&c->lost, (l->lost + plan->segments.v[s].first) * SPLICE_COUNTER))
			return error_oom(err);
	return 0;
}

/* When no array grows any more. */
static void add_cases(const struct braid_plan *plan, const struct count_model *m,
		      struct count_seams *c)
{
	__u32 *cases = c->cases.v;

	array_foreach (part, &c->parts) {
		part->cases = cases;
		cases += plan->stages.v[part - c->parts.v].cases.n;
	}
	array_foreach (e, &m->edges)
		if (e->kind == COUNT_CASE)
			fill_cases(plan, e, c->cases.v + (c->parts.v[e->from].cases - c->cases.v));
}

int count_add(struct image *image, __u32 cpus, struct count_seams *ret, struct braid_error *err)
{
	const struct braid_plan *plan = image->plan;
	_cleanup_count_model_ struct count_model m = {};
	struct count_layout l;
	__u64 mark;
	int r;

	count_layout_of(plan, &l);
	ret->splice = (struct splice_count){
		.mask = blocks_for(cpus ?: 1) - 1,
		.block = count_block_size(l.counters),
		.low = l.low,
		.n_verdicts = l.n_verdicts,
	};
	r = count_model_new(plan, &m, err) ?: add_parts(&l, ret, err);
	r = r ?: count_model_mark(&m, &mark, err);
	if (r)
		return r;
	add_cases(plan, &m, ret);
	return add_section(image, (size_t)blocks_for(cpus ?: 1) * ret->splice.block, mark,
			   &ret->splice.section, err);
}

void count_seams_done(struct count_seams *c)
{
	array_done(&c->cases);
	array_done(&c->parts);
	array_done(&c->lost);
}

const struct splice_count *count_for_seams(struct count_seams *c, const struct image *image,
					   __u32 segment)
{
	const struct braid_plan *plan = image->plan;
	bool apart = plan->strategy == STRATEGY_DISPATCHER;
	struct count_layout l;

	if (!c->parts.n)
		return NULL;
	count_layout_of(plan, &l);
	c->splice.entry = !segment || apart;
	c->splice.stack = (plan->segments.n == 1 || apart) &&
			  segment_has_room(plan, &plan->segments.v[segment], 8);
	c->splice.closed = count_closed_row(&l, apart ? segment : 0) * SPLICE_COUNTER;
	c->splice.lost = c->lost.v;
	c->splice.parts = c->parts.v + plan->segments.v[segment].first;
	return &c->splice;
}
