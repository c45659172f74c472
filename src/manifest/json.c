/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/choice.h"
#include "manifest/hook.h"

/*
 * Only numbers in the form in which JSON itself would print them: 0x10 and integers of more
 * than 63 bits stay texts, so that none changes on the way through.
 */
static json_t *scalar_to_json(const struct node *n)
{
	char back[32];
	long long v;

	if (n->quoted)
		return json_string(n->text);
	if (strcmp(n->text, "true") == 0 || strcmp(n->text, "false") == 0)
		return json_boolean(n->text[0] == 't');
	v = strtoll(n->text, NULL, 10);
	snprintf(back, sizeof(back), "%lld", v);
	return strcmp(back, n->text) == 0 ? json_integer(v) : json_string(n->text);
}

/* json_array() or json_object() with what was added to it; @failed frees it instead. */
static json_t *unless(bool failed, json_t *j)
{
	if (!failed)
		return j;
	json_decref(j);
	return NULL;
}

static json_t *list_to_json(const struct node *n)
{
	json_t *list = json_array();
	bool failed = !list;

	array_foreach (item, &n->items)
		failed = failed || json_array_append_new(list, node_to_json(*item));
	return unless(failed, list);
}

static json_t *map_to_json(const struct node *n)
{
	json_t *map = json_object();
	bool failed = !map;

	array_foreach (pair, &n->pairs)
		failed = failed || json_object_set_new(map, pair->key, node_to_json(pair->value));
	return unless(failed, map);
}

json_t *node_to_json(const struct node *n)
{
	switch (n->kind) {
	case NODE_NULL:
		return json_null();
	case NODE_SCALAR:
		return scalar_to_json(n);
	case NODE_LIST:
		return list_to_json(n);
	case NODE_MAP:
		return map_to_json(n);
	}
	return NULL;
}

static json_t *interface_to_json(const struct interface *i)
{
	if (!i->netns)
		return json_string(i->name);
	return json_pack("{s:s, s:s}", "name", i->name, "netns", i->netns);
}

static json_t *interfaces_to_json(const struct braid_pipeline *p)
{
	json_t *list = json_array();
	bool failed = !list;

	array_foreach (i, &p->interfaces)
		failed = failed || json_array_append_new(list, interface_to_json(i));
	return unless(failed, list);
}

static json_t *verdicts_to_json(enum hook hook, __u32 mask)
{
	json_t *list = json_array();
	bool failed = !list;

	for (unsigned int bit = 0; bit < 32; bit++) {
		const char *name = verdict_name(hook, verdict_of_bit(bit));

		if (mask & 1u << bit)
			failed = failed || json_array_append_new(list, json_string(name));
	}
	return unless(failed, list);
}

static json_t *constants_to_json(const struct constant *list, size_t n)
{
	json_t *map = json_object();
	bool failed = !map;

	for (size_t i = 0; i < n && !failed; i++)
		failed = json_object_set_new(map, list[i].name, node_to_json(list[i].value));
	return unless(failed, map);
}

static json_t *entry_to_json(const struct map_entry *e)
{
	json_t *map = json_object();
	bool failed = !map;

	if (e->key)
		failed = failed || json_object_set_new(map, "key", node_to_json(e->key));
	failed = failed || json_object_set_new(map, "value", node_to_json(e->value));
	return unless(failed, map);
}

static json_t *entries_to_json(const struct map_setup *m)
{
	json_t *list = json_array();
	bool failed = !list;

	array_foreach (e, &m->entries)
		failed = failed || json_array_append_new(list, entry_to_json(e));
	return unless(failed, list);
}

static json_t *setup_to_json(const struct map_setup *m)
{
	json_t *map = json_object();
	bool failed = !map;

	if (m->max_entries)
		failed = failed ||
			 json_object_set_new(map, "max-entries", json_integer(m->max_entries));
	if (m->entries.n)
		failed = failed || json_object_set_new(map, "entries", entries_to_json(m));
	if (m->has_on_change)
		failed = failed || json_object_set_new(map, "on-change",
						       json_string(on_change_names[m->on_change]));
	if (m->defaults.n)
		failed = failed ||
			 json_object_set_new(map, "defaults",
					     constants_to_json(m->defaults.v, m->defaults.n));
	return unless(failed, map);
}

static json_t *maps_to_json(const struct stage *s)
{
	json_t *map = json_object();
	bool failed = !map;

	array_foreach (m, &s->maps)
		failed = failed || json_object_set_new(map, m->name, setup_to_json(m));
	return unless(failed, map);
}

/* Not "s*" of json_pack(): a text for which there is no memory would be left out. */
static bool set_text(json_t *map, const char *key, const char *text)
{
	return json_object_set_new(map, key, json_string(text));
}

static json_t *candidate_to_json(const struct candidate *c)
{
	json_t *map = json_pack("{s:s}", "object", c->object);
	bool failed = !map || (c->program && set_text(map, "program", c->program)) ||
		      set_text(map, "key", rollout_key_names[c->key]) ||
		      json_object_set_new(map, "share-maps", json_boolean(c->share_maps)) ||
		      json_object_set_new(map, "seed", json_integer(c->seed));

	return unless(failed, map);
}

static json_t *stage_to_json(const struct braid_pipeline *p, const struct stage *s)
{
	json_t *map = json_pack("{s:s, s:s}", "name", s->name, "object", s->object);
	bool failed = !map;

	if (s->program)
		failed = failed || json_object_set_new(map, "program", json_string(s->program));
	if (s->has_proceed_on)
		failed = failed || json_object_set_new(map, "proceed-on",
						       verdicts_to_json(p->hook, s->proceed_on));
	if (s->has_priority)
		failed = failed || json_object_set_new(map, "priority", json_integer(s->priority));
	if (s->constants.n)
		failed = failed ||
			 json_object_set_new(map, "constants",
					     constants_to_json(s->constants.v, s->constants.n));
	if (s->maps.n)
		failed = failed || json_object_set_new(map, "maps", maps_to_json(s));
	if (s->disabled)
		failed = failed || json_object_set_new(map, "disabled", json_true());
	if (s->candidate)
		failed = failed ||
			 json_object_set_new(map, "rollout", candidate_to_json(s->candidate));
	return unless(failed, map);
}

static json_t *values_to_json(const struct branch *b)
{
	json_t *list = json_array();
	bool failed = !list;

	array_foreach (v, &b->values)
		failed = failed || json_array_append_new(list, json_integer(*v));
	return unless(failed, list);
}

static json_t *steps_to_json(const struct braid_pipeline *p, __u32 choice, __u32 branch,
			     size_t *next);

static json_t *case_to_json(const struct braid_pipeline *p, __u32 choice, __u32 branch,
			    size_t *next)
{
	const struct branch *b = &p->choices.v[choice - 1].branches.v[branch];
	json_t *map = json_object();
	bool failed = !map;

	failed = failed || json_object_set_new(map, "when", values_to_json(b));
	failed = failed ||
		 json_object_set_new(map, "stages", steps_to_json(p, choice, branch, next));
	return unless(failed, map);
}

static json_t *choice_to_json(const struct braid_pipeline *p, __u32 choice, size_t *next)
{
	const struct choice *c = &p->choices.v[choice - 1];
	json_t *map = json_pack("{s:s, s:s, s:[]}", "name", c->name, "switch",
				field_names[c->field], "cases");
	json_t *cases = map ? json_object_get(map, "cases") : NULL;
	bool failed = !cases;
	__u32 last = c->branches.n - 1;

	for (__u32 i = 0; i < last && !failed; i++)
		failed = json_array_append_new(cases, case_to_json(p, choice, i, next));
	failed = failed ||
		 json_object_set_new(map, "default", steps_to_json(p, choice, last, next));
	return unless(failed, map);
}

/* What stands at (@choice, @branch), from stage *@next on; *@next is then the one behind it. */
static json_t *steps_to_json(const struct braid_pipeline *p, __u32 choice, __u32 branch,
			     size_t *next)
{
	json_t *list = json_array(), *step;
	bool failed = !list;

	while (*next < p->stages.n && !failed) {
		const struct stage *s = &p->stages.v[*next];
		long at = step_of(p, s, choice, branch);

		if (at < 0)
			break;
		step = at ? choice_to_json(p, at, next) : stage_to_json(p, s);
		*next += !at;
		failed = json_array_append_new(list, step);
	}
	return unless(failed, list);
}

static json_t *members_to_json(const struct shared_map *s)
{
	json_t *list = json_array();
	bool failed = !list;

	array_foreach (ref, &s->members)
		failed = failed ||
			 json_array_append_new(list, json_sprintf("%s.%s", ref->stage, ref->map));
	return unless(failed, list);
}

static json_t *shared_map_to_json(const struct shared_map *s)
{
	json_t *maps = members_to_json(s);

	return s->across && maps ? json_pack("{s:o, s:b}", "maps", maps, "across-pipelines", 1)
				 : maps;
}

static json_t *shared_to_json(const struct braid_pipeline *p)
{
	json_t *map = json_object();
	bool failed = !map;

	array_foreach (s, &p->shared)
		failed = failed || json_object_set_new(map, s->name, shared_map_to_json(s));
	return unless(failed, map);
}

/* NULL: no memory. */
json_t *attach_to_json(const struct attach *a)
{
	bool relative = a->order == ATTACH_BEFORE || a->order == ATTACH_AFTER;
	json_t *map = json_object();
	bool failed = !map;

	if (relative)
		failed = failed || json_object_set_new(map, attach_order_names[a->order],
						       json_string(a->relative));
	else
		failed = failed || json_object_set_new(map, "order",
						       json_string(attach_order_names[a->order]));
	failed = failed || json_object_set_new(map, "via", json_string(via_names[a->via]));
	if (a->has_priority)
		failed = failed || json_object_set_new(map, "priority", json_integer(a->priority));
	return unless(failed, map);
}

bool attach_is_default(const struct attach *a)
{
	return a->order == ATTACH_LAST && a->via == VIA_AUTO && !a->has_priority;
}

static json_t *words_to_json(const struct braid_pipeline *p)
{
	json_t *map = json_pack("{s:s, s:s}", "name", p->name, "hook", hook_names[p->hook]);
	bool failed = !map ||
		      (!hook_facts(p->hook)->is_tc && set_text(map, "mode", mode_names[p->mode])) ||
		      set_text(map, "strategy", strategy_names[p->strategy]) ||
		      set_text(map, "signals", signals_names[p->signals]) ||
		      set_text(map, "stats", stats_names[p->stats]) ||
		      set_text(map, "on-change", on_change_names[p->on_change]);

	return unless(failed, map);
}

int pipeline_to_json(const struct braid_pipeline *p, json_t **ret, struct braid_error *err)
{
	json_t *map = words_to_json(p);
	const char *final = p->has_final ? verdict_name(p->hook, p->final) : "last";
	bool failed = !map;
	size_t next = 0;

	if (p->not_optimized)
		failed = failed || json_object_set_new(map, "optimize", optimize_to_json(p));
	if (!attach_is_default(&p->attach))
		failed = failed || json_object_set_new(map, "attach", attach_to_json(&p->attach));
	failed = failed || json_object_set_new(map, "interfaces", interfaces_to_json(p));
	failed = failed || json_object_set_new(map, "stages", steps_to_json(p, 0, 0, &next));
	if (p->shared.n)
		failed = failed || json_object_set_new(map, "shared-maps", shared_to_json(p));
	failed = failed || json_object_set_new(map, "final", json_string(final));
	map = unless(failed, map);
	if (!map)
		return error_oom(err);
	*ret = map;
	return 0;
}

int pipeline_to_text(const struct braid_pipeline *p, char **ret, struct braid_error *err)
{
	json_t *pipeline, *whole;
	char *text = NULL;
	int r = pipeline_to_json(p, &pipeline, err);

	if (r)
		return r;
	whole = json_pack("{s:i, s:[o]}", "braid", 1, "pipelines", pipeline);
	if (whole)
		text = json_dumps(whole, JSON_INDENT(2));
	json_decref(whole);
	if (!text)
		return error_oom(err);
	*ret = text;
	return 0;
}
