/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What people type, as the bytes of keys and values; and what the kernel says to them. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/control_abi.h"
#include "compose/count.h"
#include "live/map.h"
#include "manifest/fit.h"

int map_node(const struct braid_map *m, const char *text, const char *what, struct node **ret,
	     struct braid_error *err)
{
	_cleanup_(node_freep) struct node *n = NULL;
	_cleanup_free_ char *where = map_where(m);
	int r = node_parse(text, strlen(text), what, &n, err);

	if (r)
		return error_code(error_within(err, "%s", where ?: ""));
	node_unplace(n); /* "line 1 of the value" helps nobody */
	*ret = TAKE_PTR(n);
	return 0;
}

/* fit's errors have no place but the member in front. */
static int at_map(const struct braid_map *m, int r, struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);

	if (r && r != -ENOMEM)
		error_within(err, "%s", where ?: "");
	return r;
}

static int no_key(const struct braid_map *m, struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);

	error_set(err, -EINVAL, where, "which entry?");
	error_why(err, "it has place for %u", m->e.info.max_entries);
	error_hint(err, "braid map dump %s %s shows the keys", m->at.pipeline, m->at.name);
	return -EINVAL;
}

static int needs_no_key(const struct braid_map *m, struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);

	error_set(err, -EINVAL, where, "it has no keys");
	error_hint(err, "leave the key out");
	return -EINVAL;
}

int map_key(const struct braid_map *m, const char *text, void **ret, struct braid_error *err)
{
	_cleanup_(node_freep) struct node *n = NULL;
	_cleanup_free_ void *key = calloc(1, m->e.info.key_size ?: 1);
	bool one = m->e.info.max_entries == 1 && elements_is_array(m->e.info.type);
	int r;

	if (!key)
		return error_oom(err);
	if (text && !m->e.info.key_size)
		return needs_no_key(m, err);
	if (!text && m->e.info.key_size && !one)
		return no_key(m, err);
	if (!text) {
		*ret = TAKE_PTR(key);
		return 0;
	}
	r = map_node(m, text, "key", &n, err)
		    ?: at_map(m,
			      fit_value(n, "key", m->btf, m->key_type, key, m->e.info.key_size,
					err),
			      err);
	if (!r)
		*ret = TAKE_PTR(key);
	return r;
}

static int fit_one(const struct braid_map *m, const struct node *n, const char *name, void *out,
		   struct braid_error *err)
{
	if (m->kind != MAP_ENTRIES && m->kind != MAP_QUEUE && m->kind != MAP_BLOOM)
		return special_value(m, n, out, err);
	return at_map(m,
		      fit_globals(n, name, m->btf, m->value_type, m->prefix, out,
				  m->e.info.value_size, err),
		      err);
}

static int fit_cpus(const struct braid_map *m, const struct node *n, char *out,
		    struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);
	size_t stride = m->e.stride / m->e.cpus;
	int r = 0;

	if (m->e.cpus == 1)
		return error_code(error_set(err, -EINVAL, where, "it has one value for all CPUs"));
	if (n->kind != NODE_LIST || n->items.n != m->e.cpus) {
		error_set(err, -EINVAL, where, "a list of %u values is needed: one for each CPU",
			  m->e.cpus);
		return -EINVAL;
	}
	for (__u32 i = 0; i < m->e.cpus && !r; i++) {
		_cleanup_free_ char *name = text_fmt("cpus[%u]", i);

		r = name ? fit_one(m, n->items.v[i], name, out + i * stride, err) : error_oom(err);
	}
	return r;
}

int map_value(const struct braid_map *m, const char *text, bool per_cpu, void **ret,
	      struct braid_error *err)
{
	_cleanup_(node_freep) struct node *n = NULL;
	_cleanup_free_ char *value = calloc(1, m->e.stride ?: 1);
	size_t stride = m->e.stride / m->e.cpus;
	int r = value ? map_node(m, text, "value", &n, err) : error_oom(err);

	if (r)
		return r;
	r = per_cpu ? fit_cpus(m, n, value, err) : fit_one(m, n, "value", value, err);
	for (__u32 i = 1; i < m->e.cpus && !r && !per_cpu; i++)
		memcpy(value + i * stride, value, m->e.info.value_size);
	if (!r)
		*ret = TAKE_PTR(value);
	return r;
}

static int error_full(const struct braid_map *m, const char *where, struct braid_error *err)
{
	error_set(err, -ENOSPC, where, "there is no room for another entry");
	error_why(err, "it takes %u", m->e.info.max_entries);
	error_hint(err, "delete some, or give it a larger max-entries in the manifest and apply: "
			"its entries go on");
	return -ENOSPC;
}

static int error_index(const struct braid_map *m, const char *where, const char *key,
		       struct braid_error *err)
{
	error_set(err, -ENOENT, where, "there is no entry %s", key ?: "0");
	return error_code(error_why(err, "it has the entries 0 to %u", m->e.info.max_entries - 1));
}

int map_fail(const struct braid_map *m, int code, const char *key, struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);
	bool is_array = elements_is_array(m->e.info.type);

	switch (code) {
	case -ENOMEM:
		return error_oom(err);
	case -E2BIG:
	case -ENOSPC:
		return is_array ? error_index(m, where, key, err) : error_full(m, where, err);
	case -ENOENT:
		if (is_array)
			return error_index(m, where, key, err);
		if (!m->e.info.key_size)
			return error_code(error_set(err, code, where, "it is empty"));
		return error_code(error_set(err, code, where, "there is no entry %s", key ?: ""));
	case -EEXIST:
		error_set(err, code, where, "entry %s is there already", key ?: "");
		return error_code(error_hint(err, "without --create it is replaced"));
	case -EPERM:
		error_set(err, code, where, "the kernel does not allow it");
		return error_code(error_why(err, "its flags are 0x%x%s", m->e.info.map_flags,
					    m->info.frozen ? ", and it is frozen" : ""));
	case -EINVAL:
		if (m->kind == MAP_MAPS) {
			error_set(err, code, where, "that map cannot be put into it");
			return error_code(error_why(err,
						    "it takes maps like those it was made for: "
						    "type, sizes, flags"));
		}
		/* fall through */
	default:
		return error_errno(err, code, where, "the kernel refuses that");
	}
}

/* Whom to ask for what stands in braid's own maps. */
static int refuse_own(const struct braid_map *m, const char *where, struct braid_error *err)
{
	const char *symbol = json_string_value(json_object_get(m->at.plan, "symbol"));

	error_set(err, -EPERM, where, "it is braid's own");
	error_why(err, "what stands in it follows from the store");
	if (text_eq(symbol, CONTROL_SECTION))
		error_hint(err, "braid signal and braid rollout change it");
	else if (text_eq(symbol, CONFIG_SECTION))
		error_hint(err, "braid config set %s FIELD=VALUE changes it", m->at.pipeline);
	else if (text_eq(symbol, COUNT_SECTION))
		error_hint(err, "braid status and braid metrics show what it counts");
	else
		error_hint(err, "another revision changes it: braid apply, update, stage");
	return -EPERM;
}

int map_check_writable(const struct braid_map *m, struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);

	if (found_map_is_own(&m->at))
		return refuse_own(m, where, err);
	if (m->info.frozen) {
		error_set(err, -EPERM, where, "the map is frozen");
		return error_code(error_why(err, "whoever made it has given up writing for ever; "
						 "only its programs still may"));
	}
	if (m->e.info.map_flags & BPF_F_RDONLY) {
		error_set(err, -EPERM, where, "the map is read-only");
		return error_code(error_why(err, "it was made so, with BPF_F_RDONLY"));
	}
	return 0;
}
