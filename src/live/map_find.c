/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Maps by the names that people know them by. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/map.h"

void found_map_done(struct found_map *m)
{
	free(m->home);
	free(m->pipeline);
	json_decref(m->plan);
	json_decref(m->shares);
	free(m->name);
	free(m->pin);
	*m = (struct found_map){};
}

void found_maps_done(struct found_maps *m)
{
	array_foreach (f, &m->list)
		found_map_done(f);
	array_done(&m->list);
}

static const char *text_of(const struct found_map *m, const char *member)
{
	return json_string_value(json_object_get(m->plan, member));
}

bool found_map_is_own(const struct found_map *m)
{
	return json_is_true(json_object_get(m->plan, "braid"));
}

/* The members of the shared map @name: a list, or with across-pipelines a list within. */
static json_t *shares_of(const json_t *model, const char *name)
{
	json_t *p = json_array_get(json_object_get(model, "pipelines"), 0);
	json_t *shared = json_object_get(json_object_get(p, "shared-maps"), name);

	return json_incref(json_is_object(shared) ? json_object_get(shared, "maps") : shared);
}

static int add_map(const struct store_pipeline *p, json_t *plan, const json_t *model,
		   const char *folder, struct found_maps *to, struct braid_error *err)
{
	struct found_map *m = array_push(&to->list);
	const char *stage = json_string_value(json_object_get(plan, "stage"));
	const char *name = json_string_value(json_object_get(plan, "name"));

	if (!m)
		return error_oom(err);
	m->plan = json_incref(plan);
	m->home = strdup(p->home);
	m->pipeline = strdup(p->name);
	/* "guard.data", not "guard..data" */
	m->name = text_fmt("%s%s%s", stage ?: "", stage ? "." : "",
			   (name ?: "") + (stage && text_eq(name, ".data")));
	m->pin = path_map(folder, text_of(m, "symbol") ?: "");
	if (!stage && !found_map_is_own(m))
		m->shares = shares_of(model, name);
	return m->home && m->pipeline && m->name && m->pin ? 0 : error_oom(err);
}

static int add_pipeline(struct braid *b, const char *root, const struct store_pipeline *p,
			struct found_maps *to, struct braid_error *err)
{
	_cleanup_free_ char *path = path_pipeline(root, p->home, p->name);
	_cleanup_free_ char *folder = path ? path_revision(path, p->current) : NULL;
	_cleanup_json_ json_t *plan = NULL, *model = NULL;
	_cleanup_revision_ struct revision rev = {};
	json_t *map;
	size_t i;
	int r = folder ? revision_get(b->store, p->home, p->name, p->current, &rev, err)
		       : error_oom(err);

	if (r)
		return r;
	plan = json_loads(rev.plan, 0, NULL);
	model = json_loads(rev.manifest, 0, NULL);
	json_array_foreach (json_object_get(plan, "maps"), i, map)
		r = r ?: add_map(p, map, model, folder, to, err);
	return r;
}

static int unknown_pipeline(const struct store_pipelines *all, const char *pipeline,
			    const char *home, struct braid_error *err)
{
	const char *names[64], *near, *elsewhere = NULL;
	size_t n = 0;

	array_foreach (p, &all->list) {
		if (!p->current)
			continue;
		if (text_eq(p->name, pipeline))
			elsewhere = p->home;
		else if (n < 64 && text_eq(p->home, home))
			names[n++] = p->name;
	}
	near = text_nearest(pipeline, names, n);
	error_set(err, -ENOENT, NULL, "no pipeline '%s' runs", pipeline);
	if (elsewhere)
		error_hint(err, "one of that name has another home: --home %s", elsewhere);
	else if (near)
		error_hint(err, "did you mean '%s'?", near);
	return -ENOENT;
}

int maps_find(struct braid *b, const char *pipeline, const char *home, struct found_maps *ret,
	      struct braid_error *err)
{
	_cleanup_found_maps_ struct found_maps found = {};
	const char *only = home ?: pipeline ? b->home.name : NULL;
	_cleanup_free_ char *root = NULL;
	struct store_pipelines all = {};
	bool seen = false;
	int r = bpffs_root(&root, err) ?: store_pipelines(b->store, &all, err);

	array_foreach (p, &all.list) {
		if (r || !p->current || (only && !text_eq(p->home, only)) ||
		    (pipeline && !text_eq(p->name, pipeline)))
			continue;
		seen = true;
		r = add_pipeline(b, root, p, &found, err);
	}
	if (!r && pipeline && !seen)
		r = pipeline_elsewhere(b, only, pipeline, err)
			    ?: unknown_pipeline(&all, pipeline, only, err);
	store_pipelines_done(&all);
	if (r)
		return r;
	*ret = found;
	found = (struct found_maps){};
	return 0;
}

/* "guard.flows" of the shared map "flows" of which that is one. */
static bool is_share(const struct found_map *m, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach (m->shares, i, one)
		if (text_eq(json_string_value(one), name))
			return true;
	return false;
}

/*
 * How well: 3: that is its name, or of braid's own its symbol; 2: without its stage; 1: the name of
 * braid's own, which does not stand in the way of stages' maps; 0: not at all.
 */
static int match(const struct found_map *m, const char *name)
{
	const char *stage = text_of(m, "stage"), *map = text_of(m, "name");
	size_t n = stage ? strlen(stage) : 0;

	if (found_map_is_own(m))
		return text_eq(text_of(m, "symbol"), name) ? 3 : text_eq(m->name, name);
	if (text_eq(m->name, name) || is_share(m, name))
		return 3;
	if (!stage)
		return 0;
	if (!strncmp(name, stage, n) && name[n] == '.' && text_eq(name + n + 1, map))
		return 3;
	return text_eq(map, name) ? 2 : 0;
}

static int unknown_map(const struct found_maps *all, const char *pipeline, const char *name,
		       struct braid_error *err)
{
	_cleanup_(buf_done) struct buf list = {};
	const char *names[256], *near;
	size_t n = 0;

	array_foreach (m, &all->list) {
		if (found_map_is_own(m))
			continue;
		buf_fmt(&list, "%s%s", list.n ? ", " : "", m->name);
		if (n + 2 <= 256) {
			names[n++] = m->name;
			names[n++] = text_of(m, "name");
		}
	}
	near = text_nearest(name, names, n);
	error_set(err, -ENOENT, pipeline, "there is no map '%s'", name);
	error_why(err, "%s%s", list.v ? "its maps are " : "it has none", list.v ?: "");
	if (near)
		error_hint(err, "did you mean '%s'?", near);
	return -ENOENT;
}

static int ambiguous(const struct found_map *a, const struct found_map *b, const char *name,
		     struct braid_error *err)
{
	error_set(err, -ENOTUNIQ, a->pipeline, "several stages have a map '%s'", name);
	error_hint(err, "name the stage too: %s or %s", a->name, b->name);
	return -ENOTUNIQ;
}

int maps_pick(const struct found_maps *all, const char *pipeline, const char *name,
	      struct found_map **ret, struct braid_error *err)
{
	struct found_map *best = NULL, *second = NULL;
	int how = 0;

	array_foreach (m, &all->list) {
		int is = match(m, name);

		if (!is || is < how)
			continue;
		second = is == how ? m : NULL;
		best = is == how ? best : m;
		how = is;
	}
	if (!best)
		return unknown_map(all, pipeline, name, err);
	if (second)
		return ambiguous(best, second, name, err);
	*ret = best;
	return 0;
}
