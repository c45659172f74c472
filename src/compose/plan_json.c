/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The plan for people and programs. Fields: docs/json.md. */
#include <jansson.h>
#include <sha256.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/image.h"
#include "compose/plan_json.h"
#include "manifest/field.h"
#include "manifest/hook.h"
#include "manifest/json.h"
#include "object/dispatcher.h"

static json_t *verdicts_to_json(const struct braid_plan *plan, __u32 mask)
{
	json_t *list = json_array();

	for (unsigned int bit = 0; bit < 32; bit++)
		if (mask & 1u << bit) {
			__u32 v = verdict_of_bit(bit);
			const char *name = verdict_name(plan->pipeline->hook, v);

			json_array_append_new(list, name ? json_string(name) : json_integer(v));
		}
	return list;
}

static const char *origin_name(enum origin o)
{
	return o == FROM_MANIFEST ? "manifest" : o == FROM_ANNOTATION ? "object" : "default";
}

/* How control comes to a stage, and goes on. */
static const char *placement(const struct braid_plan *plan, const struct plan_stage *ps)
{
	if (ps->called)
		return "called";
	return plan->segments.v[ps->segment].n > 1 || plan->segments.n == 1 ? "spliced" : "alone";
}

/* "6 (tcp), 17 (udp)": what leads to a branch. */
static json_t *when_to_json(const struct braid_pipeline *p, const struct choice *c,
			    const struct branch *branch)
{
	char value[FIELD_TEXT_MAX];
	struct buf b = {};
	json_t *text;

	array_foreach (v, &branch->values)
		buf_fmt(&b, "%s%s", b.n ? ", " : "", field_text(c->field, p->hook, *v, value));
	text = json_string(b.v ?: "default");
	buf_done(&b);
	return text;
}

/* In which branch a stage stands. */
static void add_when(json_t *j, const struct braid_pipeline *p, const struct stage *s)
{
	const struct choice *c = s->choice ? &p->choices.v[s->choice - 1] : NULL;

	if (!c)
		return;
	json_object_set_new(j, "switch", json_string(c->name));
	json_object_set_new(j, "when", when_to_json(p, c, &c->branches.v[s->branch]));
}

static json_t *choices_to_json(const struct braid_pipeline *p)
{
	json_t *list = json_array();

	array_foreach (c, &p->choices) {
		json_t *cases = json_array();

		array_foreach (branch, &c->branches)
			json_array_append_new(cases, when_to_json(p, c, branch));
		json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "name", c->name, "switch",
						      field_names[c->field], "cases", cases));
	}
	return list;
}

json_t *plan_stage_to_json(const struct braid_plan *plan, const struct plan_stage *ps)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:I, s:I, s:I}", "name",
			      ps->stage->name, "object", ps->stage->object ?: "", "digest",
			      ps->digest, "program", ps->unit->funcs.v[ps->func].name, "proceed-on",
			      verdicts_to_json(plan, ps->proceed_on), "proceed-on-from",
			      origin_name(ps->proceed_from), "placed", placement(plan, ps),
			      "segment", (json_int_t)ps->segment, "stack",
			      (json_int_t)ps->facts.stack, "instructions",
			      (json_int_t)ps->facts.total_insns);

	json_object_set_new(j, "index", json_integer(ps - plan->stages.v));
	add_when(j, plan->pipeline, ps->stage);
	if (ps->why_called)
		json_object_set_new(j, "why-called", json_string(ps->why_called));
	if (ps->config.has_priority)
		json_object_set_new(j, "priority", json_integer(ps->config.priority));
	if (!ps->frags)
		json_object_set_new(j, "frags", json_false());
	return j;
}

/* SHA-256 over all keys and values, in order: whether entries changed. */
static void entries_digest(const struct image_map *m, char ret[65])
{
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	array_foreach (e, &m->entries) {
		SHA256Update(&ctx, e->key, m->def.key_size);
		SHA256Update(&ctx, e->value, m->def.value_size);
	}
	SHA256End(&ctx, ret);
}

json_t *map_to_json(const struct image_map *m)
{
	const char *type = m->globals ? "globals" : map_type_name(m->def.type);
	json_t *j = json_pack("{s:s?, s:s, s:s}", "stage", m->stage, "name", m->name, "symbol",
			      m->symbol);

	json_object_set_new(j, "type", type ? json_string(type) : json_integer(m->def.type));
	if (m->braid)
		json_object_set_new(j, "braid", json_true());
	if (m->across)
		json_object_set_new(j, "across", json_true());
	if (m->globals)
		return j;
	json_object_set_new(j, "key-size", json_integer(m->def.key_size));
	json_object_set_new(j, "value-size", json_integer(m->def.value_size));
	json_object_set_new(j, "max-entries", json_integer(m->def.max_entries));
	json_object_set_new(j, "flags", json_integer(m->def.flags));
	if (m->entries.n) {
		char digest[65];

		entries_digest(m, digest);
		json_object_set_new(j, "entries", json_integer(m->entries.n));
		json_object_set_new(j, "entries-digest", json_string(digest));
	}
	return j;
}

/* What a packet-changing one means for others: docs/libxdp-protocol.md, V2. */
static int components_to_json(const struct image *image, json_t **ret, struct braid_error *err)
{
	json_t *list = json_array();
	int r = 0;

	array_foreach (seg, &image->plan->segments) {
		bool changes = false;
		json_t *j = json_pack("{s:s, s:I, s:I, s:o}", "program", seg->name, "priority",
				      (json_int_t)seg->priority, "actions",
				      (json_int_t)seg->actions, "proceed-on",
				      verdicts_to_json(image->plan, seg->actions));
		__u32 func = image->segments.v[seg - image->plan->segments.v].func;

		if (!r && dispatcher_changes_packets(image->unit, func, &changes))
			r = error_oom(err);
		json_object_set_new(j, "changes-packets", json_boolean(changes));
		json_array_append_new(list, j);
	}
	if (r)
		json_decref(list);
	else
		*ret = list;
	return r;
}

int plan_to_json(const struct image *image, json_t **ret, struct braid_error *err)
{
	const struct braid_plan *plan = image->plan;
	const struct braid_pipeline *p = plan->pipeline;
	const char *mode = hook_facts(p->hook)->is_tc ? NULL : mode_names[p->mode];
	json_t *stages = json_array(), *maps = json_array(), *components = NULL, *segments, *j;
	int r = segments_to_json(image, &segments, err);

	if (!r && plan->strategy == STRATEGY_DISPATCHER) {
		r = components_to_json(image, &components, err);
		if (r)
			json_decref(segments);
	}
	if (r)
		return r;
	array_foreach (ps, &plan->stages)
		if (!ps->internal)
			json_array_append_new(stages, plan_stage_to_json(plan, ps));
	array_foreach (m, &image->maps)
		json_array_append_new(maps, map_to_json(m));
	j = json_pack("{s:s, s:s, s:s*, s:s, s:s, s:s, s:s, s:b, s:I, s:o, s:o, s:o}", "pipeline",
		      p->name, "hook", hook_names[p->hook], "mode", mode, "strategy",
		      strategy_names[plan->strategy], "why", plan->why, "final",
		      p->has_final ? verdict_name(p->hook, p->final) : "last", "license",
		      plan->license, "frags", plan->frags, "size", (json_int_t)image->size,
		      "segments", segments, "stages", stages, "maps", maps);
	if (!j)
		return error_oom(err);
	json_object_set_new(j, "stats", json_string(stats_names[p->stats]));
	if (p->not_optimized)
		json_object_set_new(j, "optimize", optimize_to_json(p));
	if (!attach_is_default(&p->attach))
		json_object_set_new(j, "attach", attach_to_json(&p->attach));
	if (p->choices.n)
		json_object_set_new(j, "choices", choices_to_json(p));
	if (components)
		json_object_set_new(j, "components", components);
	*ret = j;
	return 0;
}

int braid_plan_json(const struct braid_plan *plan, char **ret, struct braid_error *err)
{
	_cleanup_(image_freep) struct image *image = NULL;
	ERROR_SCRATCH(err);
	json_t *j;
	int r;

	r = image_new(plan, NULL, &image, err) ?: plan_to_json(image, &j, err);
	if (r)
		return r;
	*ret = json_dumps(j, JSON_INDENT(2));
	json_decref(j);
	return *ret ? 0 : error_oom(err);
}
