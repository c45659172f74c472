/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "compose/count.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/count_layout.h"
#include "manifest/choice.h"
#include "manifest/field.h"
#include "manifest/hook.h"

struct builder {
	const struct braid_plan *plan;
	struct count_layout layout;
	struct count_model *m;
	__u32 *group; /* by stage, and one for outside: which of them the tree holds together */
	struct braid_error *err;
};

bool plan_counts(const struct braid_plan *plan)
{
	return !plan->plain && plan->pipeline->stats == STATS_COUNTERS;
}

void count_model_done(struct count_model *m)
{
	array_foreach (s, &m->stages)
		free(s->name);
	array_foreach (e, &m->edges)
		free(e->text);
	array_done(&m->stages);
	array_done(&m->edges);
	*m = (struct count_model){};
}

static __u32 outside(const struct builder *b)
{
	return b->plan->stages.n;
}

static __u32 node(const struct builder *b, __u32 stage)
{
	return stage == COUNT_OUTSIDE ? outside(b) : stage;
}

/* Puts the edge into the tree. false: it would close a circle. */
static bool join(struct builder *b, __u32 from, __u32 to)
{
	__u32 keep = b->group[node(b, from)], lose = b->group[node(b, to)];

	for (__u32 i = 0; i <= outside(b); i++)
		if (b->group[i] == lose)
			b->group[i] = keep;
	return keep != lose;
}

static int add(struct builder *b, struct count_edge e)
{
	if (array_add(&b->m->edges, e))
		return 0;
	free(e.text);
	return error_oom(b->err);
}

/* What seams take for the end of the pipeline. */
static __u32 end_of(const struct builder *b)
{
	const struct braid_pipeline *p = b->plan->pipeline;

	return p->has_final ? p->final : hook_facts(p->hook)->pass;
}

/* Components: the stage that a packet meets next which leaves @segment with that verdict. */
static __u32 onward(const struct builder *b, __u32 segment, __u32 verdict)
{
	const struct braid_plan *plan = b->plan;
	const struct segment *seg = &plan->segments.v[segment];

	if (plan->strategy != STRATEGY_DISPATCHER || segment + 1 == plan->segments.n ||
	    !verdict_in(seg->actions, verdict))
		return COUNT_OUTSIDE;
	return seg[1].first;
}

static int leave(struct builder *b, __u32 k, enum count_kind kind, __u32 verdict, __u32 left,
		 __u32 counter)
{
	return add(b, (struct count_edge){.kind = kind,
					  .from = k,
					  .to = COUNT_OUTSIDE,
					  .counter = counter,
					  .verdict = verdict,
					  .left = left,
					  .onward = onward(b, b->plan->stages.v[k].segment, left)});
}

/* On to @next, which may be the end. @counter: 0: it is in the tree, if it is not the end. */
static int go_on(struct builder *b, __u32 k, enum count_kind kind, __u32 verdict, __u32 next,
		 __u32 counter, char *text)
{
	const struct plan_stage *ps = &b->plan->stages.v[k];
	bool ends = count_target(b->plan, ps->segment, next) == COUNT_OUTSIDE;
	__u32 left = end_of(b);

	return add(b, (struct count_edge){.kind = kind,
					  .from = k,
					  .to = ends ? COUNT_OUTSIDE : next,
					  .counter = counter,
					  .verdict = verdict,
					  .left = ends ? left : 0,
					  .onward = ends ? onward(b, ps->segment, left)
							 : COUNT_OUTSIDE,
					  .text = text});
}

/* Of the way that is in the tree, unless it is the end. */
static __u32 counter_of_next(const struct builder *b, __u32 k)
{
	const struct plan_stage *ps = &b->plan->stages.v[k];
	bool ends = count_target(b->plan, ps->segment, ps->next) == COUNT_OUTSIDE;

	return ends ? count_next_of(&b->layout, k) : 0;
}

/* Verdict @i of a row; the last one stands for all that the hook does not have. */
static __u32 verdict_at(const struct builder *b, __u32 i)
{
	return i < b->layout.n_verdicts ? (__u32)(b->layout.low + (__s32)i) : COUNT_OTHER;
}

/* What a stage returns leaves with the packet, whatever it is. */
static int add_last(struct builder *b, __u32 k)
{
	int r = 0;

	for (__u32 i = 0; i <= b->layout.n_verdicts; i++)
		r = r
			    ?: leave(b, k, COUNT_VERDICT, verdict_at(b, i), verdict_at(b, i),
				     count_row(&b->layout, k) + i);
	return r;
}

/* Some verdicts go on, others leave. */
static int add_checked(struct builder *b, __u32 k)
{
	const struct plan_stage *ps = &b->plan->stages.v[k];
	__u32 pass = hook_facts(b->plan->pipeline->hook)->pass;
	__u32 counted = count_proceeding(&b->layout, ps), row = count_row(&b->layout, k);
	__u32 silent = ps->proceed_on & ~counted;
	int r = 0;

	for (__u32 i = 0; i <= b->layout.n_verdicts; i++) {
		__u32 v = verdict_at(b, i);

		if (verdict_in(counted, v))
			r = r ?: go_on(b, k, COUNT_PROCEED, v, ps->next, row + i, NULL);
		else if (!verdict_in(silent, v))
			r = r ?: leave(b, k, COUNT_VERDICT, v, v, row + i);
		else if (v == pass)
			r = r ?: leave(b, k, COUNT_ACCEPT, v, v, row + i);
	}
	if (!r && silent)
		r = go_on(b, k, COUNT_PROCEED,
			  verdict_in(silent, pass) ? pass : verdict_of_bit(__builtin_ctz(silent)),
			  ps->next, counter_of_next(b, k), NULL);
	return r;
}

/* "tcp, udp": the values that lead to @next. NULL: no memory. */
static char *case_text(const struct builder *b, const struct plan_stage *ps, __u32 next)
{
	char value[FIELD_TEXT_MAX];
	struct buf text = {};

	if (ps->by_share)
		return strdup("new");
	array_foreach (c, &ps->cases)
		if (c->next == next)
			buf_fmt(&text, "%s%s", text.n ? ", " : "",
				field_text(ps->choice->field, b->plan->pipeline->hook, c->value,
					   value));
	return buf_take(&text);
}

/* The ways of what chooses: one for each next stage. */
static int add_ways(struct builder *b, __u32 k)
{
	const struct plan_stage *ps = &b->plan->stages.v[k];
	int r = go_on(b, k, COUNT_DEFAULT, 0, ps->next, counter_of_next(b, k), NULL);

	array_foreach (c, &ps->cases) {
		__u32 counter = count_case_at(&b->layout, k, c - ps->cases.v);
		char *text;

		if (r || !counter)
			continue;
		if (count_target(b->plan, ps->segment, c->next) != COUNT_OUTSIDE &&
		    join(b, k, c->next))
			counter = 0; /* nothing else leads there */
		text = case_text(b, ps, c->next);
		r = text ? go_on(b, k, COUNT_CASE, 0, c->next, counter, text) : error_oom(b->err);
	}
	return r;
}

static int add_stage(struct builder *b, __u32 k)
{
	const struct plan_stage *ps = &b->plan->stages.v[k];
	struct count_stage *s = array_push(&b->m->stages);
	const struct segment *seg = &b->plan->segments.v[ps->segment];
	int r = 0;

	if (!s)
		return error_oom(b->err);
	s->name = strdup(ps->stage->name);
	s->internal = ps->internal;
	if (!s->name)
		return error_oom(b->err);
	if (ps->chooses)
		r = add_ways(b, k);
	else if (count_is_last(b->plan, k))
		r = add_last(b, k);
	else
		r = add_checked(b, k);
	if (!r && plan_is_gated(b->plan, k))
		r = go_on(b, k, COUNT_BYPASS, 0, ps->next, count_bypass_of(&b->layout, k), NULL);
	if (!r && ps->segment && k == seg->first && b->plan->strategy != STRATEGY_DISPATCHER)
		r = leave(b, k, COUNT_LOST, 0, hook_facts(b->plan->pipeline->hook)->lost,
			  b->layout.lost + k);
	return r;
}

/* Where packets come in, and leave at once while the pipeline is closed. */
static int add_entry(struct builder *b, __u32 segment)
{
	__u32 first = b->plan->segments.v[segment].first;
	int r = add(b, (struct count_edge){.kind = COUNT_ENTER,
					   .from = COUNT_OUTSIDE,
					   .to = first,
					   .onward = COUNT_OUTSIDE});

	if (!plan_closes(b->plan))
		return r;
	for (__u32 i = 0; i <= b->layout.n_verdicts; i++)
		r = r
			    ?: add(b, (struct count_edge){
					      .kind = COUNT_CLOSED,
					      .from = COUNT_OUTSIDE,
					      .to = COUNT_OUTSIDE,
					      .counter = count_closed_row(&b->layout, segment) + i,
					      .verdict = verdict_at(b, i),
					      .left = verdict_at(b, i),
					      .onward = onward(b, segment, verdict_at(b, i)),
				      });
	return r;
}

/* The ways in, and from each stage to the next one: they never close a circle. */
static void join_all(struct builder *b)
{
	const struct braid_plan *plan = b->plan;

	for (__u32 i = 0; i <= outside(b); i++)
		b->group[i] = i;
	for (__u32 s = 0; s < plan->segments.n; s++)
		if (!s || plan->strategy == STRATEGY_DISPATCHER)
			join(b, COUNT_OUTSIDE, plan->segments.v[s].first);
	array_foreach (ps, &plan->stages)
		if (count_target(plan, ps->segment, ps->next) != COUNT_OUTSIDE &&
		    (ps->chooses || ps->proceed_on))
			join(b, ps - plan->stages.v, ps->next);
}

int count_model_new(const struct braid_plan *plan, struct count_model *ret, struct braid_error *err)
{
	_cleanup_count_model_ struct count_model m = {};
	_cleanup_free_ __u32 *group = calloc(plan->stages.n + 1, sizeof(*group));
	struct builder b = {.plan = plan, .m = &m, .group = group, .err = err};
	int r = 0;

	if (!group)
		return error_oom(err);
	count_layout_of(plan, &b.layout);
	m.counters = b.layout.counters;
	join_all(&b);
	for (__u32 s = 0; s < plan->segments.n && !r; s++)
		if (!s || plan->strategy == STRATEGY_DISPATCHER)
			r = add_entry(&b, s);
	for (__u32 k = 0; k < plan->stages.n && !r; k++)
		r = add_stage(&b, k);
	if (r)
		return r;
	*ret = m;
	m = (struct count_model){};
	return 0;
}
