/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Strategy dispatcher: which stages are one component of a libxdp dispatcher. A stage with a
 * priority of its own is one; those between two such are one together, of the pipeline's
 * priority. What leads from one to the next is the dispatcher: it knows verdicts, no branches.
 */
#include <errno.h>

#include "base/error.h"
#include "compose/plan.h"
#include "object/dispatcher.h"

/* The stage whose own component part @k is, or belongs to; NULL: it is in none. */
static const struct stage *alone(const struct braid_plan *plan, __u32 k)
{
	const struct plan_stage *ps = &plan->stages.v[k];

	if (ps->by_share)
		ps++; /* who sends packets to a stage and its candidate goes with them */
	else if (ps->is_candidate)
		ps--;
	return ps->stage->has_priority && !ps->internal ? ps->stage : NULL;
}

void components_cut(const struct braid_plan *plan, bool *cut)
{
	for (__u32 i = 1; i < plan->stages.n; i++) {
		const struct stage *before = alone(plan, i - 1), *here = alone(plan, i);

		cut[i] = here != before && (here || before);
	}
}

static int check_places(const struct braid_plan *plan, struct braid_error *err)
{
	array_foreach (ps, &plan->stages) {
		_cleanup_free_ char *where = NULL;

		if (ps->internal || !ps->stage->has_priority || !ps->stage->choice)
			continue;
		where = stage_where(ps->stage);
		error_set(err, -EINVAL, where, "a stage in a branch cannot have a priority");
		error_why(err, "it would be a component of its own, which all packets meet");
		error_hint(err, "give one to the stages around the choice, or none");
		return -EINVAL;
	}
	return 0;
}

/*
 * After which verdicts the dispatcher goes on: those of the component's stages, which must
 * agree. It cannot tell whose verdict it was.
 */
static int find_actions(const struct braid_plan *plan, struct segment *seg, struct braid_error *err)
{
	const struct plan_stage *first = NULL;

	for (__u32 i = seg->first; i < seg->first + seg->n; i++) {
		const struct plan_stage *ps = &plan->stages.v[i];
		_cleanup_free_ char *where = NULL;

		if (ps->internal || ps->chooses)
			continue;
		first = first ?: ps;
		if (ps->proceed_on == first->proceed_on)
			continue;
		where = stage_where(ps->stage);
		error_set(err, -EINVAL, where, "it goes on after other verdicts than stage '%s'",
			  first->stage->name);
		error_why(err, "they are one component of the dispatcher, which cannot tell whose "
			       "verdict it gets");
		error_hint(err,
			   "give one of them a priority, which makes it a component of its own");
		return -EINVAL;
	}
	seg->actions = first ? first->proceed_on : 0;
	return 0;
}

static int out_of_order(const struct braid_plan *plan, const struct segment *seg,
			struct braid_error *err)
{
	const struct segment *next = seg + 1;
	_cleanup_free_ char *where = stage_where(plan->stages.v[next->first].stage);

	error_set(err, -EINVAL, where, "a dispatcher would run '%s' in front of '%s'", next->name,
		  seg->name);
	error_why(err, "their priorities are %u and %u; of equal ones the names decide",
		  next->priority, seg->priority);
	error_hint(err, "give the stages priorities in the order in which they stand");
	return -EINVAL;
}

static int check_order(const struct braid_plan *plan, struct braid_error *err)
{
	for (size_t i = 0; i + 1 < plan->segments.n; i++) {
		const struct segment *seg = &plan->segments.v[i], *next = seg + 1;

		if (seg->priority > next->priority ||
		    (seg->priority == next->priority && strcmp(seg->name, next->name) >= 0))
			return out_of_order(plan, seg, err);
	}
	if (plan->segments.n <= DISPATCHER_SLOTS)
		return 0;
	error_set(err, -ENOSPC, plan->pipeline->name, "the pipeline takes %zu components",
		  plan->segments.n);
	error_why(err, "a dispatcher has room for %d", DISPATCHER_SLOTS);
	error_hint(err, "stages without priorities of their own share a component");
	return -ENOSPC;
}

int components_describe(struct braid_plan *plan, struct braid_error *err)
{
	const struct attach *attach = &plan->pipeline->attach;
	int r = check_places(plan, err);

	array_foreach (seg, &plan->segments) {
		const struct stage *own = alone(plan, seg->first);

		if (own)
			seg->priority = own->priority;
		else
			seg->priority = attach->has_priority ? attach->priority
							     : COMPONENT_PRIORITY;
		r = r ?: find_actions(plan, seg, err);
	}
	return r ?: check_order(plan, err);
}
