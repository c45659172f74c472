/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "compose/plan.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "object/splice.h"

void braid_plan_free(struct braid_plan *plan)
{
	if (!plan)
		return;
	array_foreach (ps, &plan->stages)
		plan_stage_done(ps);
	array_foreach (seg, &plan->segments)
		free(seg->name);
	array_done(&plan->stages);
	array_done(&plan->segments);
	free(plan->why);
	free(plan->license);
	free(plan);
}

/* Two name spaces of one name would mix two stages' symbols: "a-b" and "a_b". */
static int check_name_spaces(const struct braid_plan *plan, struct braid_error *err)
{
	array_foreach (a, &plan->stages)
		for (const struct plan_stage *b = plan->stages.v; b < a; b++)
			if (text_eq(a->ns, b->ns)) {
				_cleanup_free_ char *where = stage_where(a->stage);

				error_set(err, -EINVAL, where,
					  "the name is too like that of stage '%s'",
					  b->stage->name);
				error_why(err, "'-' and '_' are the same in a symbol");
				return -EINVAL;
			}
	return 0;
}

static int load_stages(struct braid_plan *plan, struct braid_error *err)
{
	const struct braid_pipeline *p = plan->pipeline;
	int r = 0;

	if (!p->stages.n) {
		error_set(err, -EINVAL, p->name, "the pipeline has no stages");
		return -EINVAL;
	}
	plan->frags = true;
	for (size_t i = 0; i < p->stages.n && !r; i++) {
		struct plan_stage *ps = array_push(&plan->stages);

		r = ps ? plan_stage_load(ps, p, &p->stages.v[i], err) : error_oom(err);
		if (!r)
			plan->frags &= ps->frags;
	}
	return r ?: check_name_spaces(plan, err);
}

/*
 * One licence for one object. The kernel looks at it only when a GPL-only helper is
 * called, so a mix is fine exactly when nobody calls one.
 */
static int combine_licenses(struct braid_plan *plan, struct braid_error *err)
{
	const struct plan_stage *closed = NULL, *gpl = NULL, *first = &plan->stages.v[0];
	const char *helper = NULL, *license = first->unit->license ?: "";

	array_foreach (ps, &plan->stages) {
		if (!text_eq(ps->unit->license ?: "", license))
			license = "GPL";
		if (!license_is_gpl_compatible(ps->unit->license))
			closed = closed ?: ps;
		if (!gpl && func_gpl_helper(ps->unit, ps->func, &helper))
			return error_oom(err);
		if (!gpl && helper)
			gpl = ps;
	}
	if (closed && gpl) {
		_cleanup_free_ char *where = stage_where(closed->stage);

		error_set(err, -EINVAL, where, "its licence '%s' does not go with stage '%s'",
			  closed->unit->license ?: "", gpl->stage->name);
		error_why(err,
			  "stage '%s' calls %s, which the kernel allows only when all of the "
			  "program is GPL-compatible",
			  gpl->stage->name, helper);
		error_hint(err, "put them into pipelines of their own, or change a licence");
		return -EINVAL;
	}
	if (closed)
		license = closed->unit->license ?: "";
	plan->license = strdup(license);
	return plan->license ? 0 : error_oom(err);
}

static void call_it(struct plan_stage *ps, const char *why)
{
	ps->called = true;
	ps->why_called = why;
}

/* What a stage cannot have when it is spliced, whatever stands beside it. */
static void place_alone(struct plan_stage *ps)
{
	ps->called = false;
	ps->why_called = NULL;
	if (ps->facts.tail_call)
		call_it(ps, "it makes tail calls of its own: their targets must return here");
	else if (!ps->facts.stack_known)
		call_it(ps, "its stack depth cannot be read off the code");
	else if (ps->unit->funcs.v[ps->func].insns.n > SPLICE_PART_LIMIT)
		call_it(ps, "it is longer than a jump reaches");
}

/* The most that frames above one that makes tail calls may have: Linux, the same place. */
#define TAIL_CALL_STACK 255

/* Linux, check_max_stack_depth(): frames count in steps of 32. */
static __u32 frame(__u32 bytes)
{
	return bytes < 32 ? 32 : (bytes + 31) & ~31u;
}

/* The stack that a segment's program needs, calls included, and the most its own frame may have. */
static __u32 segment_stack(const struct braid_plan *plan, const struct segment *seg,
			   __u32 *ret_limit)
{
	__u32 own = 0, kept = 0, below = 0;

	*ret_limit = STACK_LIMIT;
	for (__u32 i = seg->first; i < seg->first + seg->n; i++) {
		const struct plan_stage *ps = &plan->stages.v[i];
		__u32 chain = ps->facts.chain_stack;
		bool last = i + 1 == seg->first + seg->n && i + 1 == plan->stages.n;

		if (ps->called)
			chain += frame(ps->facts.stack);
		else if (ps->facts.stack > own)
			own = ps->facts.stack;
		if (!ps->called && !last && ps->facts.stack > kept)
			kept = ps->facts.stack;
		if (chain > below)
			below = chain;
		if (ps->facts.tail_call)
			*ret_limit = TAIL_CALL_STACK;
	}
	if (own < kept + 8)
		own = kept + 8;
	if (frame(own) > *ret_limit)
		return STACK_LIMIT + own; /* too much in any case */
	return frame(own) + below;
}

/* Whoever needs most of the stack is called, until the whole fits. */
static void place_stack(struct braid_plan *plan, const struct segment *seg)
{
	__u32 limit;

	while (segment_stack(plan, seg, &limit) > STACK_LIMIT) {
		struct plan_stage *most = NULL;

		for (__u32 i = seg->first; i < seg->first + seg->n; i++) {
			struct plan_stage *ps = &plan->stages.v[i];

			if (!ps->called && (!most || ps->facts.stack > most->facts.stack))
				most = ps;
		}
		if (!most)
			return; /* the verifier has the last word */
		call_it(most, "its stack leaves too little for what other stages call");
	}
}

static bool segment_is_there(const struct braid_plan *plan, const char *name)
{
	array_foreach (seg, &plan->segments)
		if (text_eq(seg->name, name))
			return true;
	return false;
}

/* The first is called as the pipeline, the others as their first stages: if need be, nearly. */
static char *segment_name(const struct braid_plan *plan, __u32 first)
{
	struct buf b = {};

	buf_str(&b, first ? plan->stages.v[first].ns : plan->pipeline->name);
	for (char *c = b.v; c && *c; c++)
		if (*c == '-')
			*c = '_';
	while (b.v && !b.failed && segment_is_there(plan, b.v))
		buf_str(&b, "_");
	return buf_take(&b);
}

static int add_segment(struct braid_plan *plan, __u32 first, __u32 n, struct braid_error *err)
{
	char *name = segment_name(plan, first);

	if (!name || !array_add(&plan->segments, ((struct segment){first, n, name}))) {
		free(name);
		return error_oom(err);
	}
	for (__u32 i = first; i < first + n; i++) {
		plan->stages.v[i].segment = plan->segments.n - 1;
		place_alone(&plan->stages.v[i]);
	}
	place_stack(plan, &plan->segments.v[plan->segments.n - 1]);
	return 0;
}

/* Maps of a program made of stages [first, end). */
static __u32 count_maps(const struct braid_plan *plan, __u32 first, __u32 end)
{
	bool rodata = false, kconfig = false, jumps = end - first < plan->stages.n;
	__u32 n = 0;

	for (__u32 i = first; i < end; i++) {
		n += plan->stages.v[i].n_maps;
		rodata |= plan->stages.v[i].uses_rodata;
		kconfig |= plan->stages.v[i].uses_kconfig;
	}
	return n + rodata + kconfig + jumps;
}

/* As few programs as the kernel's limits allow. */
static int segment_fused(struct braid_plan *plan, struct braid_error *err)
{
	bool whole = count_maps(plan, 0, plan->stages.n) <= PROGRAM_MAPS;
	__u32 first = 0;
	int r = 0;

	for (__u32 i = 1; i < plan->stages.n && !r; i++) {
		const struct plan_stage *ps = &plan->stages.v[i];
		bool full = !whole && count_maps(plan, first, i + 1) > PROGRAM_MAPS;

		/* an exception ends the whole program, so what throws is one of its own */
		if (full || ps->facts.throws || ps[-1].facts.throws) {
			r = add_segment(plan, first, i - first, err);
			first = i;
		}
	}
	return r ?: add_segment(plan, first, plan->stages.n - first, err);
}

/* A program per stage; beyond the limit of tail calls neighbours share one, evenly. */
static int segment_tailcall(struct braid_plan *plan, struct braid_error *err)
{
	__u32 n = plan->stages.n, programs = n > TAIL_CALLS + 1 ? TAIL_CALLS + 1 : n;
	int r = 0;

	for (__u32 k = 0; k < programs && !r; k++) {
		__u32 first = (__u64)n * k / programs, end = (__u64)n * (k + 1) / programs;

		r = add_segment(plan, first, end - first, err);
	}
	return r;
}

static int too_big_to_fuse(const struct braid_plan *plan, struct braid_error *err)
{
	error_set(err, -E2BIG, plan->pipeline->name,
		  "the pipeline does not fit into one program: it takes %zu", plan->segments.n);
	error_why(err, "a program may use %d maps, and a program that throws must stand alone",
		  PROGRAM_MAPS);
	error_hint(err, "use strategy: auto");
	return -E2BIG;
}

static int choose(struct braid_plan *plan, enum strategy strategy, const char *why,
		  struct braid_error *err)
{
	int r;

	if (strategy == STRATEGY_TAILCALL) {
		plan->strategy = STRATEGY_TAILCALL;
		plan->why = strdup(why ?: "the manifest says so");
		r = segment_tailcall(plan, err);
		return r ?: plan->why ? 0 : error_oom(err);
	}
	plan->strategy = STRATEGY_FUSED;
	r = segment_fused(plan, err);
	if (!r && strategy == STRATEGY_FUSED && plan->segments.n > 1)
		return too_big_to_fuse(plan, err);
	if (why)
		plan->why = strdup(why);
	else if (strategy == STRATEGY_FUSED)
		plan->why = strdup("the manifest says so");
	else if (plan->segments.n > 1)
		plan->why = text_fmt("auto: fastest; %zu programs, as one may use %d maps at most",
				     plan->segments.n, PROGRAM_MAPS);
	else
		plan->why = strdup("auto: one program is fastest");
	return r ?: plan->why ? 0 : error_oom(err);
}

int plan_new(const struct braid_pipeline *p, enum strategy strategy, const char *why,
	     struct braid_plan **ret, struct braid_error *err)
{
	_cleanup_(braid_plan_freep) struct braid_plan *plan = calloc(1, sizeof(*plan));
	int r;

	if (!plan)
		return error_oom(err);
	plan->pipeline = p;
	r = load_stages(plan, err) ?: combine_licenses(plan, err) ?: choose(plan, strategy, why, err);
	if (r)
		return r;
	*ret = TAKE_PTR(plan);
	return 0;
}

int braid_plan_new(const struct braid_pipeline *p, struct braid_plan **ret, struct braid_error *err)
{
	ERROR_SCRATCH(err);

	return plan_new(p, p->strategy, NULL, ret, err);
}
