/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/read.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/check.h"
#include "manifest/edit.h"
#include "manifest/number.h"

/* Every text of the manifest; quoted or not makes no difference here. */
static int read_text(struct reading *r, const struct node *n, const char *what, char **slot)
{
	int res = expect(r, n, NODE_SCALAR, what);
	char *copy;

	if (res)
		return res;
	copy = strdup(n->text);
	if (!copy)
		return error_oom(r->err);
	free(*slot);
	*slot = copy;
	return 0;
}

static int read_word(struct reading *r, const struct node *n, const char *what,
		     const char *const *words, unsigned int *ret)
{
	int res = expect(r, n, NODE_SCALAR, what);

	return res ?: word_parse(what, n->text, words, n->at, ret, r->err);
}

static int read_pipeline_name(struct reading *r, const struct node *n, void *pipeline)
{
	struct braid_pipeline *p = pipeline;
	int res = read_text(r, n, "name", &p->name);

	p->at = n->at;
	return res ?: check_name("pipeline", p->name, n->at, r->err);
}

static int read_hook(struct reading *r, const struct node *n, void *pipeline)
{
	struct braid_pipeline *p = pipeline;
	unsigned int i;
	int res = read_word(r, n, "hook", hook_names, &i);

	if (!res)
		p->hook = i;
	return res;
}

int read_mode(struct reading *r, const struct node *n, void *pipeline)
{
	struct braid_pipeline *p = pipeline;
	unsigned int i;
	int res = read_word(r, n, "mode", mode_names, &i);

	if (!res)
		p->mode = i;
	return res;
}

int read_strategy(struct reading *r, const struct node *n, void *pipeline)
{
	struct braid_pipeline *p = pipeline;
	unsigned int i;
	int res = read_word(r, n, "strategy", strategy_names, &i);

	if (!res)
		p->strategy = i;
	return res;
}

int read_final(struct reading *r, const struct node *n, void *pipeline)
{
	int res = expect(r, n, NODE_SCALAR, "final");

	return res ?: pipeline_set_final(pipeline, n->text, n->at, r->err);
}

static int read_interface_name(struct reading *r, const struct node *n, void *interface)
{
	struct interface *i = interface;

	i->at = n->at;
	return read_text(r, n, "name", &i->name);
}

static int read_netns(struct reading *r, const struct node *n, void *interface)
{
	return read_text(r, n, "netns", &((struct interface *)interface)->netns);
}

int read_interfaces(struct reading *r, const struct node *n, void *pipeline)
{
	struct braid_pipeline *p = pipeline;
	int res = expect(r, n, NODE_LIST, "interfaces");

	array_foreach (i, &p->interfaces)
		interface_done(i);
	p->interfaces.n = 0;
	array_foreach (item, &n->items) {
		_cleanup_(interface_done) struct interface i = {};

		if ((*item)->kind == NODE_SCALAR)
			res = res ?: read_interface_name(r, *item, &i);
		else
			res = res ?: read_map(r, *item, &interface_table, &i);
		res = res ?: pipeline_add_interface(p, &i, r->err);
	}
	return res;
}

static int read_stage_name(struct reading *r, const struct node *n, void *stage)
{
	struct stage *s = stage;

	s->at = n->at;
	return read_text(r, n, "name", &s->name);
}

int read_object(struct reading *r, const struct node *n, void *stage)
{
	struct stage *s = stage;
	int res = expect(r, n, NODE_SCALAR, "object");
	char *path;

	res = res ?: check_path("object", n->text, n->at, r->err);
	if (res)
		return res;
	path = text_sibling(r->file, n->text);
	if (!path)
		return error_oom(r->err);
	free(s->object);
	s->object = path;
	return check_path("object", path, n->at, r->err);
}

static int read_program(struct reading *r, const struct node *n, void *stage)
{
	struct stage *s = stage;
	int res = read_text(r, n, "program", &s->program);

	return res ?: check_symbol("program", s->program, n->at, r->err);
}

int read_proceed_on(struct reading *r, const struct node *n, void *stage)
{
	struct stage *s = stage;
	int res = 0;

	s->proceed_on = 0;
	if (n->kind == NODE_SCALAR)
		return stage_add_verdict(s, r->pipeline->hook, n->text, n->at, r->err);
	res = expect(r, n, NODE_LIST, "proceed-on");
	if (!res && n->items.n == 0) {
		place_error(r->err, n->at, "proceed-on: the list is empty");
		error_why(r->err, "no stage after this one would ever run");
		res = error_code(error_hint(r->err, "leave the key out for the default"));
	}
	array_foreach (item, &n->items) {
		res = res ?: expect(r, *item, NODE_SCALAR, "proceed-on");
		res = res
			      ?: stage_add_verdict(s, r->pipeline->hook, (*item)->text, (*item)->at,
						   r->err);
	}
	return res;
}

int read_constants(struct reading *r, const struct node *n, void *stage)
{
	int res = expect(r, n, NODE_MAP, "constants");

	array_foreach (pair, &n->pairs) {
		_cleanup_(constant_done) struct constant c = {.at = pair->at};

		if (res)
			return res;
		c.name = strdup(pair->key);
		c.value = node_copy(pair->value);
		if (!c.name || !c.value)
			return error_oom(r->err);
		res = stage_put_constant(stage, &c, r->err);
	}
	return res;
}

static int read_max_entries(struct reading *r, const struct node *n, void *map)
{
	struct number number;
	char found[128];

	if (n->kind != NODE_SCALAR || n->quoted || number_parse(n->text, &number) != NUMBER_WHOLE) {
		place_error(r->err, n->at, "max-entries: expected a whole number, found %s",
			    node_describe(n, found, sizeof(found)));
		return error_code(r->err);
	}
	/* Anything that is not a __u64 is out of range as much as 0 is. */
	if (!number_within(number, number_min(false, 64), number_max(false, 64)))
		number.magnitude = 0;
	return map_set_max_entries(map, number.magnitude, n->at, r->err);
}

static int read_entry_key(struct reading *r, const struct node *n, void *entry)
{
	struct map_entry *e = entry;

	e->key = node_copy(n);
	return e->key ? 0 : error_oom(r->err);
}

static int read_entry_value(struct reading *r, const struct node *n, void *entry)
{
	struct map_entry *e = entry;

	e->value = node_copy(n);
	return e->value ? 0 : error_oom(r->err);
}

static int read_entries(struct reading *r, const struct node *n, void *map)
{
	struct map_setup *m = map;
	int res = expect(r, n, NODE_LIST, "entries");

	array_foreach (e, &m->entries)
		map_entry_done(e);
	m->entries.n = 0;
	array_foreach (item, &n->items) {
		_cleanup_(map_entry_done) struct map_entry e = {.at = (*item)->at};

		res = res ?: read_map(r, *item, &entry_table, &e);
		res = res ?: map_add_entry(m, &e, r->err);
	}
	return res;
}

int read_maps(struct reading *r, const struct node *n, void *stage)
{
	int res = expect(r, n, NODE_MAP, "maps");

	array_foreach (pair, &n->pairs) {
		struct map_setup *m;

		res = res ?: stage_map(stage, pair->key, pair->at, &m, r->err);
		res = res ?: read_map(r, pair->value, &map_table, m);
	}
	return res;
}

static int read_stages(struct reading *r, const struct node *n, void *pipeline)
{
	int res = expect(r, n, NODE_LIST, "stages");

	if (!res && n->items.n == 0)
		res = error_code(place_error(r->err, n->at, "stages: the list is empty"));
	array_foreach (item, &n->items) {
		_cleanup_(stage_done) struct stage s = {};

		res = res ?: read_map(r, *item, &stage_table, &s);
		res = res ?: pipeline_add_stage(pipeline, &s, r->err);
	}
	return res;
}

static int read_members(struct reading *r, const struct node *n, struct shared_map *s)
{
	int res = expect(r, n, NODE_LIST, "shared-maps");

	array_foreach (item, &n->items) {
		res = res ?: expect(r, *item, NODE_SCALAR, "shared-maps");
		res = res ?: shared_map_add(s, (*item)->text, (*item)->at, r->err);
	}
	return res;
}

static int read_shared_maps(struct reading *r, const struct node *n, void *pipeline)
{
	int res = expect(r, n, NODE_MAP, "shared-maps");

	array_foreach (pair, &n->pairs) {
		_cleanup_(shared_map_done) struct shared_map s = {.at = pair->at};

		s.name = strdup(pair->key);
		if (!s.name)
			return error_oom(r->err);
		res = res ?: read_members(r, pair->value, &s);
		res = res ?: pipeline_add_shared(pipeline, &s, r->err);
	}
	return res;
}

static int read_pipelines(struct reading *r, const struct node *n, void *manifest)
{
	struct braid_manifest *m = manifest;
	int res = expect(r, n, NODE_LIST, "pipelines");

	if (!res && n->items.n == 0)
		res = error_code(place_error(r->err, n->at, "pipelines: the list is empty"));
	array_foreach (item, &n->items) {
		_cleanup_(braid_pipeline_freep) struct braid_pipeline *p = calloc(1, sizeof(*p));

		if (!p)
			return error_oom(r->err);
		r->pipeline = p;
		res = res ?: read_map(r, *item, &pipeline_table, p);
		if (res)
			return res;
		if (!array_add(&m->pipelines, p))
			return error_oom(r->err);
		TAKE_PTR(p);
	}
	return res;
}

int read_manifest(const struct node *n, const char *file, struct braid_manifest *m,
		  struct braid_error *err)
{
	struct reading r = {.file = file, .err = err};
	int res;

	if (n->kind == NODE_MAP && node_get(n, "braid-values") && !node_get(n, "braid")) {
		place_error(err, n->at, "this is a values file, not a manifest");
		return error_code(error_hint(err, "give it with --values beside the manifest"));
	}
	res = check_version(&r, n, &manifest_table);
	return res ?: read_map(&r, n, &manifest_table, m);
}

/* In the order of reading: what later keys need comes first. */
static const struct key manifest_keys[] = {
	{"braid", KEY_VERSION, true},
	{"pipelines", KEY_LIST, true, .read = read_pipelines},
};
TABLE(manifest, "a manifest", NULL);

static const struct key pipeline_keys[] = {
	{"name", KEY_TEXT, true, .read = read_pipeline_name},
	{"hook", KEY_WORD, true, hook_names, read_hook},
	{"mode", KEY_WORD, false, mode_names, read_mode},
	{"strategy", KEY_WORD, false, strategy_names, read_strategy},
	{"interfaces", KEY_LIST, false, .read = read_interfaces},
	{"stages", KEY_LIST, true, .read = read_stages},
	{"shared-maps", KEY_MAP, false, .read = read_shared_maps},
	{"final", KEY_WORD, false, final_names, read_final},
};
TABLE(pipeline, "a pipeline", "pipeline");

static const struct key interface_keys[] = {
	{"name", KEY_TEXT, true, .read = read_interface_name},
	{"netns", KEY_TEXT, false, .read = read_netns},
};
TABLE(interface, "an interface", "interface");

static const struct key stage_keys[] = {
	{"name", KEY_TEXT, true, .read = read_stage_name},
	{"object", KEY_TEXT, true, .read = read_object},
	{"program", KEY_TEXT, false, .read = read_program},
	{"proceed-on", KEY_WORDS, false, verdict_names, read_proceed_on},
	{"constants", KEY_MAP, false, .read = read_constants},
	{"maps", KEY_MAP, false, .read = read_maps},
};
TABLE(stage, "a stage", "stage");

static const struct key map_keys[] = {
	{"max-entries", KEY_NUMBER, false, .read = read_max_entries},
	{"entries", KEY_LIST, false, .read = read_entries},
};
TABLE(map, "the setup of a map", "map");

static const struct key entry_keys[] = {
	{"key", KEY_ANY, false, .read = read_entry_key},
	{"value", KEY_ANY, true, .read = read_entry_value},
};
TABLE(entry, "an entry of a map", "entry");
