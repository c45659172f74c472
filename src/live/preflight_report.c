/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What two pipelines made of the packets, as a document. Fields: docs/json.md. */
#include "base/error.h"
#include "base/text.h"
#include "live/preflight.h"
#include "manifest/hook.h"

static json_t *verdict_to_json(const struct braid_preflight *f, __u32 verdict)
{
	const char *name = verdict_name(f->is.p->hook, verdict);

	return name ? json_string(name) : json_sprintf("%u", verdict);
}

static json_t *pairs_to_json(const struct braid_preflight *f)
{
	json_t *list = json_array();

	array_foreach (p, &f->pairs)
		json_array_append_new(
			list, json_pack("{s:o, s:o, s:I}", "old", verdict_to_json(f, p->was), "new",
					verdict_to_json(f, p->is), "packets", (json_int_t)p->n));
	return list;
}

static json_t *maps_to_json(const struct side *side)
{
	json_t *list = json_array();

	array_foreach (m, &side->fates) {
		json_t *j = json_pack("{s:s?, s:s, s:s}", "stage", m->stage, "name", m->name, "how",
				      m->how);

		if (m->why)
			json_object_set_new(j, "why", json_string(m->why));
		if (text_eq(m->how, "copied") || text_eq(m->how, "migrated"))
			json_object_set_new(j, "entries", json_integer(m->entries));
		json_array_append_new(list, j);
	}
	return list;
}

static int side_to_json(const struct side *side, json_t **ret, struct braid_error *err)
{
	json_t *programs, *j;
	int r = side_programs(side, &programs, err);

	if (r)
		return r;
	j = json_pack("{s:s, s:s, s:o, s:o}", "strategy", strategy_names[side->base.plan->strategy],
		      "why", side->base.plan->why, "programs", programs, "maps",
		      maps_to_json(side));
	if (!j)
		return error_oom(err);
	if (side->revision)
		json_object_set_new(j, "revision", json_integer(side->revision));
	*ret = j;
	return 0;
}

static bool has_stage(const struct side *side, const char *name)
{
	array_foreach (ps, &side->base.plan->stages)
		if (!ps->internal && text_eq(ps->stage->name, name))
			return true;
	return false;
}

static void add_stages(const struct side *side, const struct side *other, const char *alone,
		       json_t *list)
{
	array_foreach (ps, &side->base.plan->stages) {
		bool both = !ps->internal && has_stage(other, ps->stage->name);

		if (!ps->internal && (!both || text_eq(alone, "new")))
			json_array_append_new(list,
					      json_pack("{s:s, s:s}", "stage", ps->stage->name,
							"in", both ? "both" : alone));
	}
}

/* As `braid diff` has it. */
static int changes_to_json(const struct braid_preflight *f, json_t **ret, struct braid_error *err)
{
	_cleanup_json_ json_t *was = NULL, *is = NULL, *list = json_array();
	int r = comparable(f->was.p, &was, err) ?: comparable(f->is.p, &is, err);

	if (!r && (!list || diff_values(was, is, "", list)))
		r = error_oom(err);
	if (!r)
		*ret = TAKE_PTR(list);
	return r;
}

static int report(struct braid_preflight *f, json_t *j, struct braid_error *err)
{
	json_t *was = NULL, *is = NULL, *changes = NULL, *cost = NULL, *stages = json_array();
	int r = preflight_cost(f, &cost, err);

	if (cost)
		json_object_set_new(j, "cost", cost);
	add_stages(&f->is, &f->was, "new", stages);
	add_stages(&f->was, &f->is, "old", stages);
	json_object_set_new(j, "stages", stages);
	json_object_set_new(j, "verdicts", pairs_to_json(f));
	r = r ?: side_to_json(&f->was, &was, err);
	if (was)
		json_object_set_new(j, "old", was);
	r = r ?: side_to_json(&f->is, &is, err);
	if (is)
		json_object_set_new(j, "new", is);
	r = r ?: changes_to_json(f, &changes, err);
	if (changes)
		json_object_set_new(j, "changes", changes);
	return r;
}

int braid_preflight_report(struct braid_preflight *f, char **ret_json, struct braid_error *err)
{
	_cleanup_json_ json_t *j =
		json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I}", "pipeline", f->is.p->name, "hook",
			  hook_names[f->is.p->hook], "empty", f->empty, "packets",
			  (json_int_t)f->packets, "differ", (json_int_t)f->differ, "differ-verdict",
			  (json_int_t)f->verdicts, "differ-bytes", (json_int_t)f->bytes);
	ERROR_SCRATCH(err);
	int r = j ? report(f, j, err) : error_oom(err);

	return r ?: json_give(j, ret_json, err);
}
