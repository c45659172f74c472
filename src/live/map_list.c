/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Which maps there are. */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/probe.h"
#include "live/map.h"
#include "manifest/opts.h"
#include "manifest/unfit.h"
#include "object/mapdef.h"

static int put_types(const struct braid_map *m, json_t *j)
{
	_cleanup_free_ char *key = m->key_type ? type_text(m->btf, m->key_type) : NULL;
	_cleanup_free_ char *value = m->value_type && !m->globals ? type_text(m->btf, m->value_type)
								  : NULL;
	int r = 0;

	if (key)
		r |= json_object_set_new(j, "key-type", json_string(key));
	if (value)
		r |= json_object_set_new(j, "value-type", json_string(value));
	return r;
}

static int put_flags(const struct braid_map *m, json_t *j)
{
	int r = 0;

	if (m->info.frozen)
		r |= json_object_set_new(j, "frozen", json_true());
	if (m->e.info.map_flags & BPF_F_MMAPABLE)
		r |= json_object_set_new(j, "mmapable", json_true());
	if (m->e.info.map_flags & BPF_F_RDONLY_PROG)
		r |= json_object_set_new(j, "read-only-for-programs", json_true());
	if (found_map_is_own(&m->at))
		r |= json_object_set_new(j, "braid", json_true());
	if (json_is_true(json_object_get(m->at.plan, "parked")))
		r |= json_object_set_new(j, "parked", json_true());
	return r;
}

/* Of those whose number changes, and that can be walked along. */
static bool is_countable(const struct braid_map *m)
{
	return m->e.info.key_size && m->kind != MAP_OPAQUE && !elements_is_array(m->e.info.type) &&
	       m->e.info.type != BPF_MAP_TYPE_XSKMAP;
}

static json_t *map_describe(struct braid_map *m, bool count, struct braid_error *err)
{
	const struct bpf_map_info *info = &m->e.info;
	const char *type = m->globals ? "globals" : map_type_name(info->type);
	_cleanup_json_ json_t *j = json_pack(
		"{s:s, s:s, s:O, s:O, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:O*}",
		"pipeline", m->at.pipeline, "home", m->at.home, "stage",
		json_object_get(m->at.plan, "stage"), "name", json_object_get(m->at.plan, "name"),
		"map", m->at.name, "type", type ?: "", "id", (json_int_t)info->id, "key-size",
		(json_int_t)info->key_size, "value-size", (json_int_t)info->value_size,
		"max-entries", (json_int_t)info->max_entries, "flags", (json_int_t)info->map_flags,
		"bytes", (json_int_t)m->info.bytes, "pin", m->at.pin, "shared", m->at.shares);
	size_t n;

	if (!j || (!type && json_object_set_new(j, "type", json_integer(info->type))) ||
	    put_types(m, j) || put_flags(m, j)) {
		error_oom(err);
		return NULL;
	}
	json_object_set(j, "manifest-entries", json_object_get(m->at.plan, "entries"));
	if (count && is_countable(m)) {
		if (elements_count(&m->e, &n, err))
			return NULL;
		json_object_set_new(j, "entries", json_integer(n));
	}
	return json_incref(j);
}

int braid_map_json(struct braid_map *m, char **ret_json, struct braid_error *err)
{
	_cleanup_json_ json_t *j = NULL;
	ERROR_SCRATCH(err);

	j = map_describe(m, false, err);
	return j ? json_give(j, ret_json, err) : err->code;
}

static bool is_same_map(const json_t *a, const json_t *b)
{
	return a != b && json_equal(json_object_get(a, "id"), json_object_get(b, "id"));
}

/* "edge", or "blue/edge" of another home. */
static json_t *pipeline_text(const json_t *of, const json_t *from)
{
	const char *name = json_string_value(json_object_get(of, "pipeline"));

	return json_equal(json_object_get(of, "home"), json_object_get(from, "home"))
		       ? json_string(name)
		       : json_sprintf("%s/%s", json_string_value(json_object_get(of, "home")),
				      name);
}

/* The same map in several pipelines. */
static int put_pipelines(json_t *list, struct braid_error *err)
{
	json_t *a, *b;
	size_t i, k;

	json_array_foreach (list, i, a) {
		_cleanup_json_ json_t *others = json_array();

		json_array_foreach (list, k, b)
			if (is_same_map(a, b) && json_array_append_new(others, pipeline_text(b, a)))
				return error_oom(err);
		if (json_array_size(others) && json_object_set(a, "shared-with", others))
			return error_oom(err);
	}
	return 0;
}

static int list_one(struct braid *b, struct found_map *found, bool count, json_t *list,
		    struct braid_error *err)
{
	_cleanup_(braid_map_closep) struct braid_map *m = NULL;
	int r = map_new(b, found, &m, err);
	json_t *j;

	if (r == -ENOENT) { /* deleted, or replaced, a moment ago */
		braid_error_clear(err);
		return 0;
	}
	if (r)
		return r;
	j = map_describe(m, count, err);
	if (!j)
		return err->code;
	return json_array_append_new(list, j) ? error_oom(err) : 0;
}

/* All of them are looked at: a map may be another pipeline's, too. */
static int list_all(struct braid *b, const struct braid_maps_opts *opts, const char *pipeline,
		    json_t *list, struct braid_error *err)
{
	_cleanup_found_maps_ struct found_maps all = {};
	int r = maps_find(b, NULL, NULL, &all, err);

	array_foreach (m, &all.list) {
		bool is = (!opts->home || text_eq(m->home, opts->home)) &&
			  (!pipeline || text_eq(m->pipeline, pipeline));

		if (!r && (opts->own || !found_map_is_own(m)))
			r = list_one(b, m, opts->count && is, list, err);
	}
	return r ?: put_pipelines(list, err);
}

int braid_maps(struct braid *b, const char *pipeline, const struct braid_maps_opts *opts,
	       char **ret_json, struct braid_error *err)
{
	_cleanup_json_ json_t *list = json_array(), *kept = json_array(), *j = NULL;
	_cleanup_found_maps_ struct found_maps wanted = {};
	struct braid_maps_opts o;
	json_t *m;
	size_t i;
	ERROR_SCRATCH(err);
	int r = opts_take(&o, sizeof(o), opts, err) ?: probe_privileges(err);

	if (!r && pipeline && !o.home)
		o.home = b->home.name;
	r = r ?: maps_find(b, pipeline, o.home, &wanted, err) ?: list_all(b, &o, pipeline, list, err);
	if (r)
		return r;
	json_array_foreach (list, i, m) {
		const char *of = json_string_value(json_object_get(m, "pipeline"));
		const char *at = json_string_value(json_object_get(m, "home"));

		if ((!o.home || text_eq(at, o.home)) && (!pipeline || text_eq(of, pipeline)))
			json_array_append(kept, m);
	}
	j = json_pack("{s:O}", "maps", kept);
	return json_give(j, ret_json, err);
}
