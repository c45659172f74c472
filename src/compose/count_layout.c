/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "compose/count_layout.h"

#include <linux/bpf.h>

#include "compose/count.h"
#include "manifest/hook.h"

/* Is it the first case that leads there, and does the default lead elsewhere? */
static bool is_way(const struct plan_stage *ps, size_t i)
{
	for (size_t before = 0; before < i; before++)
		if (ps->cases.v[before].next == ps->cases.v[i].next)
			return false;
	return ps->cases.v[i].next != ps->next;
}

static __u32 row_size(const struct count_layout *l, const struct plan_stage *ps)
{
	return ps->chooses ? 0 : l->n_verdicts + 1;
}

static __u32 stage_size(const struct count_layout *l, const struct plan_stage *ps)
{
	__u32 n = row_size(l, ps) + 2;

	for (size_t i = 0; i < ps->cases.n; i++)
		n += is_way(ps, i);
	return n;
}

__u32 count_row(const struct count_layout *l, __u32 k)
{
	__u32 at = l->stages;

	for (__u32 i = 0; i < k; i++)
		at += stage_size(l, &l->plan->stages.v[i]);
	return at;
}

__u32 count_bypass_of(const struct count_layout *l, __u32 k)
{
	return count_row(l, k) + row_size(l, &l->plan->stages.v[k]);
}

__u32 count_next_of(const struct count_layout *l, __u32 k)
{
	return count_bypass_of(l, k) + 1;
}

__u32 count_case_at(const struct count_layout *l, __u32 k, size_t i)
{
	const struct plan_stage *ps = &l->plan->stages.v[k];
	__u32 at = count_next_of(l, k) + 1;

	for (size_t before = 0; before < i; before++)
		at += is_way(ps, before);
	return is_way(ps, i) ? at : 0;
}

__u32 count_closed_row(const struct count_layout *l, __u32 segment)
{
	return l->closed + segment * (l->n_verdicts + 1);
}

void count_layout_of(const struct braid_plan *plan, struct count_layout *ret)
{
	bool tc = hook_facts(plan->pipeline->hook)->is_tc;
	__u32 entries = plan->strategy == STRATEGY_DISPATCHER ? plan->segments.n : 1;

	*ret = (struct count_layout){
		.plan = plan,
		.low = tc ? -1 : 0,
		.n_verdicts = tc ? 10 : XDP_REDIRECT + 1, /* to TC_ACT_TRAP */
		.closed = 1,
	};
	ret->lost = count_closed_row(ret, entries);
	ret->stages = ret->lost + plan->stages.n;
	ret->counters = count_row(ret, plan->stages.n);
}

__u32 count_target(const struct braid_plan *plan, __u32 segment, __u32 next)
{
	if (next == SPLICE_END)
		return COUNT_OUTSIDE;
	/* the dispatcher goes on */
	if (plan->strategy == STRATEGY_DISPATCHER && plan->stages.v[next].segment != segment)
		return COUNT_OUTSIDE;
	return next;
}

bool count_is_last(const struct braid_plan *plan, __u32 k)
{
	const struct plan_stage *ps = &plan->stages.v[k];

	return !ps->chooses && count_target(plan, ps->segment, ps->next) == COUNT_OUTSIDE &&
	       plan_end_of(plan, ps->segment) == SPLICE_LAST;
}

__u32 count_proceeding(const struct count_layout *l, const struct plan_stage *ps)
{
	__u32 pass = verdict_bit(hook_facts(l->plan->pipeline->hook)->pass), known = 0;
	__u32 silent = ps->proceed_on & pass ?: ps->proceed_on & -ps->proceed_on;

	for (__u32 i = 0; i < l->n_verdicts; i++)
		known |= verdict_bit(l->low + i);
	return ps->proceed_on & known & ~silent;
}
