/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Entries, written and deleted. */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "live/map.h"
#include "manifest/opts.h"

static int put(struct braid_map *m, const void *key, const void *value, __u64 flags)
{
	size_t done;

	switch (m->kind) {
	case MAP_QUEUE:
	case MAP_BLOOM:
		return bpf_map_update_elem(m->fd, NULL, value, BPF_ANY);
	case MAP_ENTRIES:
		return elements_put(&m->e, key, value, 1, flags | (m->e.locked ? BPF_F_LOCK : 0),
				    &done);
	default:
		return special_put(m, key, value, flags);
	}
}

static int check_settable(const struct braid_map *m, struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);

	if (m->kind != MAP_OPAQUE)
		return map_check_writable(m, err);
	error_set(err, -EOPNOTSUPP, where, "nothing can be put into it from outside");
	return -EOPNOTSUPP;
}

static int check_keys(const struct braid_map *m, const struct braid_map_set_opts *o,
		      struct braid_error *err)
{
	_cleanup_free_ char *where = NULL;

	if ((!o->create && !o->update) || (m->kind != MAP_QUEUE && m->kind != MAP_BLOOM))
		return 0;
	where = map_where(m);
	error_set(err, -EINVAL, where, "it has no keys: nothing can be there already, or not");
	return -EINVAL;
}

int braid_map_set(struct braid_map *m, const char *key, const char *value,
		  const struct braid_map_set_opts *opts, struct braid_error *err)
{
	_cleanup_free_ void *k = NULL, *v = NULL;
	struct braid_map_set_opts o;
	ERROR_SCRATCH(err);
	int r = opts_take(&o, sizeof(o), opts, err) ?: check_settable(m, err)
						    ?: check_keys(m, &o, err)
						    ?: map_key(m, key, &k, err)
						    ?: map_value(m, value, o.per_cpu, &v, err);

	if (r)
		return r;
	r = put(m, k, v, o.create ? BPF_NOEXIST : o.update ? BPF_EXIST : BPF_ANY);
	return r ? map_fail(m, r, key, err) : 0;
}

/* From a queue that is filled faster than this no more is taken than it can hold. */
static int take_out(struct braid_map *m, char **ret_json, struct braid_error *err)
{
	_cleanup_free_ void *value = calloc(1, m->e.stride ?: 1);
	_cleanup_json_ json_t *j = json_object();
	int r = value ? bpf_map_lookup_and_delete_elem(m->fd, NULL, value) : -ENOMEM;

	if (r)
		return map_fail(m, r, NULL, err);
	if (map_put_value(m, j, NULL, value, false))
		return error_oom(err);
	if (!ret_json)
		return 0;
	*ret_json = json_dumps(j, JSON_COMPACT);
	return *ret_json ? 0 : error_oom(err);
}

static int check_deletable(const struct braid_map *m, struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);
	bool is_array = elements_is_array(m->e.info.type) ||
			m->e.info.type == BPF_MAP_TYPE_ARRAY_OF_MAPS;
	int r = map_check_writable(m, err);

	if (r || (!is_array && m->kind != MAP_BLOOM && m->kind != MAP_OPAQUE))
		return r;
	error_set(err, -EOPNOTSUPP, where, "nothing can be deleted from a map of type %s",
		  json_string_value(json_object_get(m->at.plan, "type")) ?: "?");
	if (is_array)
		error_hint(err, "set the entry to 0: braid map set %s %s KEY hex:…", m->at.pipeline,
			   m->at.name);
	return -EOPNOTSUPP;
}

int braid_map_delete(struct braid_map *m, const char *key, char **ret_json, struct braid_error *err)
{
	_cleanup_free_ void *k = NULL;
	char *taken = NULL;
	ERROR_SCRATCH(err);
	int r = check_deletable(m, err) ?: map_key(m, key, &k, err);

	if (!r && m->kind == MAP_QUEUE)
		r = take_out(m, ret_json ? &taken : NULL, err);
	else if (!r && bpf_map_delete_elem(m->fd, k))
		r = map_fail(m, -errno, key, err);
	if (!r && ret_json)
		*ret_json = taken;
	return r;
}

struct keys {
	char *v;
	size_t n, cap, size;
};

static int keep_key(void *ctx, const void *key, const void *value)
{
	struct keys *k = ctx;
	char *room = array_grow(k->v, &k->cap, (k->n + 1) * k->size, 1);

	if (!room)
		return -ENOMEM;
	k->v = room;
	memcpy(k->v + k->n++ * k->size, key, k->size);
	return 0;
}

static int clear_queue(struct braid_map *m, size_t *ret_n, struct braid_error *err)
{
	_cleanup_free_ void *value = calloc(1, m->e.stride ?: 1);
	int r = value ? 0 : -ENOMEM;

	for (*ret_n = 0; !r && *ret_n < m->e.info.max_entries; ++*ret_n) {
		r = bpf_map_lookup_and_delete_elem(m->fd, NULL, value);
		if (r == -ENOENT)
			return 0;
	}
	return r ? map_fail(m, r, NULL, err) : 0;
}

int braid_map_clear(struct braid_map *m, size_t *ret_n, struct braid_error *err)
{
	struct keys keys = {.size = m->e.info.key_size};
	size_t ignored;
	ERROR_SCRATCH(err);
	int r = check_deletable(m, err);

	ret_n = ret_n ?: &ignored;
	if (!r && m->kind == MAP_QUEUE)
		return clear_queue(m, ret_n, err);
	r = r ?: map_check_walkable(m, err) ?: elements_each(&m->e, keep_key, &keys, err);
	if (!r) {
		r = elements_drop(&m->e, keys.v, keys.n);
		if (r)
			map_fail(m, r, NULL, err);
	}
	if (!r)
		*ret_n = keys.n;
	free(keys.v);
	return r;
}
