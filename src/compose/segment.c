/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Which stages are one program, and which of them are called instead of spliced. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/control_abi.h"
#include "compose/count.h"
#include "compose/plan.h"
#include "object/frame.h"

static void call_it(struct plan_stage *ps, const char *why)
{
	ps->called = true;
	ps->why_called = why;
}

static bool is_off(const struct braid_plan *plan, enum optimization o)
{
	return plan->pipeline->not_optimized & 1u << o;
}

/* What a stage cannot have when it is spliced, whatever stands beside it. */
static void place_alone(const struct braid_plan *plan, struct plan_stage *ps)
{
	const struct func *f = &ps->unit->funcs.v[ps->func];
	bool own_frame = is_off(plan, OPTIMIZE_FRAME);
	__u32 more = 0;

	ps->called = false;
	ps->why_called = NULL;
	if (ps->facts.tail_call)
		call_it(ps, "it makes tail calls of its own: their targets must return here");
	else if (ps->facts.old_loads)
		call_it(ps, "it loads from packets by LD_ABS, which returns where a packet ends");
	else if (!ps->facts.stack_known)
		call_it(ps, "its stack depth cannot be read off the code");
	else if (own_frame && !frame_moves(f, &more))
		call_it(ps, "frame: off, and it uses the frame pointer in a way that cannot be "
			    "moved");
	else if (f->insns.n + more > SPLICE_PART_LIMIT)
		call_it(ps, "it is longer than a jump reaches");
	else if (is_off(plan, OPTIMIZE_SPLICE))
		call_it(ps, "the manifest says splice: off");
}

/* The most that frames above one that makes tail calls may have: Linux, the same place. */
#define TAIL_CALL_STACK 255

/* Linux, check_max_stack_depth(): frames count in steps of 32. */
static __u32 frame(__u32 bytes)
{
	return bytes < 32 ? 32 : (bytes + 31) & ~31u;
}

/* What functions that use the configuration take more: its address and their arguments. */
#define CONFIG_STACK 48

/* The frames below a segment's own that stage @ps needs. */
static __u32 stack_below(const struct plan_stage *ps)
{
	__u32 more = ps->uses_config ? CONFIG_STACK : 0;
	__u32 chain = ps->facts.chain_stack + frame(more) * ps->facts.chain_calls * !!more;

	return ps->called ? chain + frame(ps->facts.stack + more) : chain;
}

/*
 * The stack that a segment's program needs, calls included, and the most its own frame may have.
 * @more: bytes that outlive all stages.
 */
static __u32 segment_stack(const struct braid_plan *plan, const struct segment *seg, __u32 more,
			   __u32 *ret_limit)
{
	__u32 own = 0, kept = 0, below = 0;

	*ret_limit = STACK_LIMIT;
	for (__u32 i = seg->first; i < seg->first + seg->n; i++) {
		const struct plan_stage *ps = &plan->stages.v[i];
		__u32 chain = stack_below(ps);
		bool last = !ps->cases.n && ps->next == SPLICE_END;

		if (!ps->called && is_off(plan, OPTIMIZE_FRAME))
			kept = own += ps->facts.stack;
		else if (!ps->called && ps->facts.stack > own)
			own = ps->facts.stack;
		if (!ps->called && !last && ps->facts.stack > kept)
			kept = ps->facts.stack;
		if (chain > below)
			below = chain;
		if (ps->facts.tail_call)
			*ret_limit = TAIL_CALL_STACK;
	}
	if (plan->uses_config) /* its address lies below all stages */
		own += SPLICE_STACK;
	else if (plan->watch_stack)
		own += 8; /* what they are called with outlives the last stage, too */
	else if (more)
		own += 8; /* the context may lie below it */
	else if (own < kept + 8)
		own = kept + 8;
	own += more;
	if (plan->watch_stack)
		own += SPLICE_WATCH_STACK;
	if (plan->watch_stack > below)
		below = plan->watch_stack;
	if (frame(own) > *ret_limit)
		return STACK_LIMIT + own; /* too much in any case */
	return frame(own) + below;
}

bool segment_has_room(const struct braid_plan *plan, const struct segment *seg, __u32 bytes)
{
	__u32 limit;

	return segment_stack(plan, seg, bytes, &limit) <= STACK_LIMIT;
}

/* Whoever needs most of the stack is called, until the whole fits. */
static void place_stack(struct braid_plan *plan, const struct segment *seg)
{
	__u32 limit;

	while (segment_stack(plan, seg, 0, &limit) > STACK_LIMIT) {
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

/*
 * The first is called as the pipeline, the others as their first stages: if need be, nearly. Of
 * components those that are one stage are called as that, the others as the pipeline.
 */
static char *segment_name(const struct braid_plan *plan, __u32 first)
{
	const struct plan_stage *ps = &plan->stages.v[first];
	bool as_stage = plan->strategy == STRATEGY_DISPATCHER ? ps->stage->has_priority : first > 0;
	struct buf b = {};

	buf_str(&b, as_stage ? ps->ns : plan->pipeline->name);
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

	if (!name ||
	    !array_add(&plan->segments, ((struct segment){.first = first, .n = n, .name = name}))) {
		free(name);
		return error_oom(err);
	}
	for (__u32 i = first; i < first + n; i++) {
		plan->stages.v[i].segment = plan->segments.n - 1;
		place_alone(plan, &plan->stages.v[i]);
	}
	place_stack(plan, &plan->segments.v[plan->segments.n - 1]);
	return 0;
}

/* Maps of a program made of stages [first, end). */
static __u32 count_maps(const struct braid_plan *plan, __u32 first, __u32 end)
{
	bool rodata = plan->watch_maps, kconfig = false;
	bool jumps = end - first < plan->stages.n && plan->strategy != STRATEGY_DISPATCHER;
	/* braid's own: control block, counters, configuration, which version a packet uses */
	__u32 n = plan_has_control(plan) + plan_counts(plan) + 2 * plan->uses_config +
		  plan->watch_maps;

	for (__u32 i = first; i < end; i++) {
		const struct plan_stage *ps = &plan->stages.v[i];

		n += ps->n_maps;
		/* who counts is the sender's */
		n += ps->in_rollout && (ps->sender < first || ps->sender >= end);
		rodata |= plan->stages.v[i].uses_rodata;
		kconfig |= plan->stages.v[i].uses_kconfig;
	}
	return n + rodata + kconfig + jumps;
}

/* As few programs as the kernel's limits allow. @cut: by stage: a segment begins with it. */
static void cut_fused(const struct braid_plan *plan, bool *cut)
{
	bool whole = count_maps(plan, 0, plan->stages.n) <= PROGRAM_MAPS;
	__u32 first = 0;

	for (__u32 i = 1; i < plan->stages.n; i++) {
		const struct plan_stage *ps = &plan->stages.v[i];
		bool full = !whole && count_maps(plan, first, i + 1) > PROGRAM_MAPS;

		/* an exception ends the whole program, so what throws is one of its own */
		cut[i] = full || ps->facts.throws || ps[-1].facts.throws;
		if (cut[i])
			first = i;
	}
}

/* The segment of each stage, by the cuts in front of it. */
static void number_segments(const struct braid_plan *plan, const bool *cut, __u32 *segment)
{
	for (__u32 i = 1; i < plan->stages.n; i++)
		segment[i] = segment[i - 1] + cut[i];
}

/* Whatever a way from another segment leads to must begin one: tail calls lead there. */
static bool cut_at(bool *cut, const __u32 *segment, __u32 from, __u32 to)
{
	if (to == SPLICE_END || segment[from] == segment[to] || cut[to])
		return false;
	cut[to] = true;
	return true;
}

static int cut_targets(const struct braid_plan *plan, bool *cut, struct braid_error *err)
{
	_cleanup_free_ __u32 *segment = calloc(plan->stages.n, sizeof(*segment));
	bool changed;

	if (!segment)
		return error_oom(err);
	do {
		changed = false;
		number_segments(plan, cut, segment);
		for (__u32 i = 0; i < plan->stages.n; i++) {
			const struct plan_stage *ps = &plan->stages.v[i];

			changed |= cut_at(cut, segment, i, ps->next);
			array_foreach (c, &ps->cases)
				changed |= cut_at(cut, segment, i, c->next);
		}
	} while (changed);
	return 0;
}

static void longer(const __u32 *segment, __u32 *calls, __u32 from, __u32 to)
{
	__u32 here;

	if (to == SPLICE_END)
		return;
	here = calls[from] + (segment[from] != segment[to]);
	if (here > calls[to])
		calls[to] = here;
}

/* The most tail calls that a packet can make between segments. */
static int count_calls(const struct braid_plan *plan, const bool *cut, __u32 *ret,
		       struct braid_error *err)
{
	_cleanup_free_ __u32 *calls = calloc(plan->stages.n, sizeof(*calls));
	_cleanup_free_ __u32 *segment = calloc(plan->stages.n, sizeof(*segment));

	if (!calls || !segment)
		return error_oom(err);
	number_segments(plan, cut, segment);
	*ret = 0;
	for (__u32 i = 0; i < plan->stages.n; i++) {
		const struct plan_stage *ps = &plan->stages.v[i];

		longer(segment, calls, i, ps->next);
		array_foreach (c, &ps->cases)
			longer(segment, calls, i, c->next);
		if (calls[i] > *ret)
			*ret = calls[i];
	}
	return 0;
}

/*
 * A program per stage; braid's own code goes with the stage in front of it. Where a packet
 * would need more tail calls than it has, neighbours share one, evenly, as few as will do.
 */
static int cut_tailcall(const struct braid_plan *plan, bool *cut, struct braid_error *err)
{
	__u32 n = plan->stages.n, calls;
	int r;

	for (__u32 i = 1; i < n; i++)
		cut[i] = !plan->stages.v[i].internal; /* unless ways lead there: cut_targets() */
	r = cut_targets(plan, cut, err) ?: count_calls(plan, cut, &calls, err);
	for (__u32 programs = TAIL_CALLS + 1; !r && calls > TAIL_CALLS; programs--) {
		memset(cut, 0, n * sizeof(*cut));
		for (__u32 k = 1; k < programs; k++)
			cut[(__u64)n * k / programs] = true;
		r = cut_targets(plan, cut, err) ?: count_calls(plan, cut, &calls, err);
	}
	return r;
}

static int check_calls(const struct braid_plan *plan, const bool *cut, struct braid_error *err)
{
	__u32 calls;
	int r = count_calls(plan, cut, &calls, err);

	if (r || calls <= TAIL_CALLS)
		return r;
	error_set(err, -E2BIG, plan->pipeline->name,
		  "a packet would need %u tail calls on its way through the pipeline", calls);
	error_why(err,
		  "the kernel allows %d; a program may use %d maps, and one that throws must stand "
		  "alone",
		  TAIL_CALLS, PROGRAM_MAPS);
	error_hint(err, "put some of its stages into another pipeline");
	return -E2BIG;
}

static int cut_up(struct braid_plan *plan, struct braid_error *err)
{
	_cleanup_free_ bool *cut = calloc(plan->stages.n, sizeof(*cut));
	__u32 first = 0;
	int r = 0;

	if (!cut)
		return error_oom(err);
	if (plan->strategy == STRATEGY_TAILCALL) {
		r = cut_tailcall(plan, cut, err);
	} else if (plan->strategy == STRATEGY_DISPATCHER) {
		components_cut(plan, cut);
	} else {
		cut_fused(plan, cut);
		r = cut_targets(plan, cut, err) ?: check_calls(plan, cut, err);
	}
	for (__u32 i = 1; i < plan->stages.n && !r; i++)
		if (cut[i]) {
			r = add_segment(plan, first, i - first, err);
			first = i;
		}
	return r ?: add_segment(plan, first, plan->stages.n - first, err);
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

static int segment_components(struct braid_plan *plan, const char *why, struct braid_error *err)
{
	int r = 0;

	plan->strategy = STRATEGY_DISPATCHER;
	plan->why = strdup(why ?: "the manifest says so");
	r = plan->why ? cut_up(plan, err) : error_oom(err);
	return r ?: components_describe(plan, err);
}

int plan_segment(struct braid_plan *plan, enum strategy strategy, const char *why,
		 struct braid_error *err)
{
	int r;

	if (strategy == STRATEGY_DISPATCHER)
		return segment_components(plan, why, err);

	if (strategy == STRATEGY_TAILCALL) {
		plan->strategy = STRATEGY_TAILCALL;
		plan->why = strdup(why ?: "the manifest says so");
		r = cut_up(plan, err);
		return r ?: plan->why ? 0 : error_oom(err);
	}
	plan->strategy = STRATEGY_FUSED;
	r = cut_up(plan, err);
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
