/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

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

	for (__u32 v = 0; v < 32; v++) {
		if (mask & 1u << v)
			failed = failed ||
				 json_array_append_new(list, json_string(verdict_name(hook, v)));
	}
	return unless(failed, list);
}

static json_t *constants_to_json(const struct stage *s)
{
	json_t *map = json_object();
	bool failed = !map;

	array_foreach (c, &s->constants)
		failed = failed || json_object_set_new(map, c->name, node_to_json(c->value));
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

static json_t *stage_to_json(const struct braid_pipeline *p, const struct stage *s)
{
	json_t *map = json_pack("{s:s, s:s}", "name", s->name, "object", s->object);
	bool failed = !map;

	if (s->program)
		failed = failed || json_object_set_new(map, "program", json_string(s->program));
	if (s->has_proceed_on)
		failed = failed || json_object_set_new(map, "proceed-on",
						       verdicts_to_json(p->hook, s->proceed_on));
	if (s->constants.n)
		failed = failed || json_object_set_new(map, "constants", constants_to_json(s));
	if (s->maps.n)
		failed = failed || json_object_set_new(map, "maps", maps_to_json(s));
	return unless(failed, map);
}

static json_t *stages_to_json(const struct braid_pipeline *p)
{
	json_t *list = json_array();
	bool failed = !list;

	array_foreach (s, &p->stages)
		failed = failed || json_array_append_new(list, stage_to_json(p, s));
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

static json_t *shared_to_json(const struct braid_pipeline *p)
{
	json_t *map = json_object();
	bool failed = !map;

	array_foreach (s, &p->shared)
		failed = failed || json_object_set_new(map, s->name, members_to_json(s));
	return unless(failed, map);
}

int pipeline_to_json(const struct braid_pipeline *p, json_t **ret, struct braid_error *err)
{
	json_t *map = json_pack("{s:s, s:s, s:s, s:s}", "name", p->name, "hook",
				hook_names[p->hook], "mode", mode_names[p->mode], "strategy",
				strategy_names[p->strategy]);
	const char *final = p->has_final ? verdict_name(p->hook, p->final) : "last";
	bool failed = !map;

	failed = failed || json_object_set_new(map, "interfaces", interfaces_to_json(p));
	failed = failed || json_object_set_new(map, "stages", stages_to_json(p));
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
