/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "compose/plan.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/control_abi.h"
#include "manifest/edit.h"
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

bool plan_has_control(const struct braid_plan *plan)
{
	return plan->uses_config || plan->has_rollout ||
	       (!plan->plain && plan->pipeline->signals != SIGNALS_NONE);
}

bool plan_is_gated(const struct braid_plan *plan, __u32 k)
{
	return !plan->plain && !plan->stages.v[k].internal && k < CONTROL_STAGES &&
	       plan->pipeline->signals == SIGNALS_STAGES;
}

bool plan_closes(const struct braid_plan *plan)
{
	return !plan->plain && plan->pipeline->signals != SIGNALS_NONE;
}

/* Of components only the last one ends the pipeline. */
enum splice_end plan_end_of(const struct braid_plan *plan, __u32 segment)
{
	if (plan->strategy == STRATEGY_DISPATCHER && segment + 1 < plan->segments.n)
		return SPLICE_LAST;
	return plan->pipeline->has_final ? SPLICE_FIXED : SPLICE_LAST;
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
	int r = plan_add_stages(plan, err);

	if (!r && !plan->stages.n) {
		error_set(err, -EINVAL, plan->pipeline->name, "no packet would meet a stage");
		error_why(err, "the stages that are not disabled are in a choice by the result of "
			       "one that is");
		error_hint(err, "enable that one, or put a stage into the default");
		return -EINVAL;
	}
	plan->frags = true;
	array_foreach (ps, &plan->stages) {
		plan->frags &= ps->frags;
		plan->uses_config |= ps->uses_config;
		plan->has_rollout |= ps->by_share;
	}
	return r ?: check_name_spaces(plan, err);
}

/*
 * One licence for one object. The kernel looks at it only when a GPL-only helper is
 * called, so a mix is fine exactly when nobody calls one.
 */
static int combine_licenses(struct braid_plan *plan, struct braid_error *err)
{
	const struct plan_stage *closed = NULL, *gpl = NULL;
	const char *helper = NULL, *license = NULL;

	array_foreach (ps, &plan->stages) {
		if (ps->internal) /* goes with all */
			continue;
		license = license ?: ps->unit->license ?: "";
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

int plan_new(const struct braid_pipeline *p, enum strategy strategy, const char *why,
	     struct braid_plan **ret, struct braid_error *err)
{
	_cleanup_(braid_plan_freep) struct braid_plan *plan = calloc(1, sizeof(*plan));
	int r;

	if (!plan)
		return error_oom(err);
	plan->pipeline = p;
	r = pipeline_check(p, err) ?: load_stages(plan, err) ?: combine_licenses(plan, err) ?: plan_segment(plan, strategy, why, err);
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
