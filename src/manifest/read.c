/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/read.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/check.h"
#include "manifest/edit.h"
#include "manifest/hook.h"

int read_text(struct reading *r, const struct node *n, const char *what, char **slot)
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

int read_word(struct reading *r, const struct node *n, const char *what, const char *const *words,
	      unsigned int *ret)
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
	unsigned int i;
	int res = read_word(r, n, "hook", hook_names, &i);

	return res ?: pipeline_set_hook(pipeline, i, n->at, r->err);
}

int read_mode(struct reading *r, const struct node *n, void *pipeline)
{
	int res = expect(r, n, NODE_SCALAR, "mode");

	return res ?: pipeline_set_mode(pipeline, n->text, n->at, r->err);
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

int read_signals(struct reading *r, const struct node *n, void *pipeline)
{
	struct braid_pipeline *p = pipeline;
	unsigned int i;
	int res = read_word(r, n, "signals", signals_names, &i);

	if (!res)
		p->signals = i;
	return res;
}

int read_stats(struct reading *r, const struct node *n, void *pipeline)
{
	struct braid_pipeline *p = pipeline;
	unsigned int i;
	int res = read_word(r, n, "stats", stats_names, &i);

	if (!res)
		p->stats = i;
	return res;
}

int read_on_change(struct reading *r, const struct node *n, void *pipeline)
{
	struct braid_pipeline *p = pipeline;
	unsigned int i;
	int res = read_word(r, n, "on-change", on_change_names, &i);

	if (!res)
		p->on_change = i;
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

static int read_stages(struct reading *r, const struct node *n, void *pipeline)
{
	int res = expect(r, n, NODE_LIST, "stages");

	(void)pipeline; /* the one that is being read */
	if (!res && n->items.n == 0)
		res = error_code(place_error(r->err, n->at, "stages: the list is empty"));
	return res ?: read_steps(r, n, 0, 0);
}

static int read_members(struct reading *r, const struct node *n, void *shared)
{
	struct shared_map *s = shared;
	int res = expect(r, n, NODE_LIST, "shared-maps");

	array_foreach (item, &n->items) {
		res = res ?: expect(r, *item, NODE_SCALAR, "shared-maps");
		res = res ?: shared_map_add(s, (*item)->text, (*item)->at, r->err);
	}
	return res;
}

static int read_across(struct reading *r, const struct node *n, void *shared)
{
	return read_bool(r, n, "across-pipelines", &((struct shared_map *)shared)->across);
}

static int read_shared_maps(struct reading *r, const struct node *n, void *pipeline)
{
	int res = expect(r, n, NODE_MAP, "shared-maps");

	array_foreach (pair, &n->pairs) {
		_cleanup_(shared_map_done) struct shared_map s = {.at = pair->at};

		s.name = strdup(pair->key);
		if (!s.name)
			return error_oom(r->err);
		if (pair->value->kind == NODE_MAP)
			res = res ?: read_map(r, pair->value, &shared_map_table, &s);
		else
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
	{"signals", KEY_WORD, false, signals_names, read_signals},
	{"stats", KEY_WORD, false, stats_names, read_stats},
	{"optimize", KEY_WORD_OR_MAP, false, optimize_words, read_optimize},
	{"on-change", KEY_WORD, false, on_change_names, read_on_change},
	{"attach", KEY_WORD_OR_MAP, false, attach_words, read_attach},
	{"interfaces", KEY_LIST, false, .read = read_interfaces},
	{"stages", KEY_LIST, true, .read = read_stages},
	{"shared-maps", KEY_MAP, false, .read = read_shared_maps},
	{"final", KEY_WORD, false, final_names, read_final},
};
TABLE(pipeline, "a pipeline", "pipeline");

static const struct key shared_map_keys[] = {
	{"maps", KEY_LIST, true, .read = read_members},
	{"across-pipelines", KEY_BOOL, false, .read = read_across},
};
TABLE(shared_map, "a shared map", "shared-map");

static const struct key interface_keys[] = {
	{"name", KEY_TEXT, true, .read = read_interface_name},
	{"netns", KEY_TEXT, false, .read = read_netns},
};
TABLE(interface, "an interface", "interface");
