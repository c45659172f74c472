/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Entries, read. */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "live/map.h"

static int give(json_t *j, char **ret, struct braid_error *err)
{
	*ret = j ? json_dumps(j, JSON_COMPACT) : NULL;
	return *ret ? 0 : error_oom(err);
}

static json_t *entry_json(const struct braid_map *m, const void *key, const void *value,
			  bool per_cpu)
{
	json_t *j = json_object();

	if (m->e.info.key_size && json_object_set_new(j, "key", map_key_json(m, key)))
		goto failed;
	if (map_put_value(m, j, NULL, value, per_cpu))
		goto failed;
	return j;
failed:
	json_decref(j);
	return NULL;
}

static int unreadable(const struct braid_map *m, const char *why, struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);

	error_set(err, -EOPNOTSUPP, where, "its entries cannot be read");
	return error_code(error_why(err, "%s", why));
}

static int check_readable(const struct braid_map *m, struct braid_error *err)
{
	switch (m->e.info.type) {
	case BPF_MAP_TYPE_RINGBUF:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
		return unreadable(m, "what is in there is on its way to whoever waits for it", err);
	case BPF_MAP_TYPE_SK_STORAGE:
	case BPF_MAP_TYPE_INODE_STORAGE:
	case BPF_MAP_TYPE_TASK_STORAGE:
		return unreadable(m,
				  "each belongs to a socket, file or task, which only a program "
				  "comes by",
				  err);
	case BPF_MAP_TYPE_XSKMAP:
		return unreadable(m, "the kernel does not tell which sockets are in it", err);
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
		return m->e.info.value_size == 8
			       ? 0
			       : unreadable(m,
					    "the kernel tells of sockets only in values of 8 "
					    "bytes",
					    err);
	default:
		return m->kind == MAP_OPAQUE
			       ? unreadable(m, "braid has no way to read this type of map", err)
			       : 0;
	}
}

int map_check_walkable(const struct braid_map *m, struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);
	int r = check_readable(m, err);

	if (r || m->e.info.key_size)
		return r;
	error_set(err, -EOPNOTSUPP, where, "it cannot be read without changing it");
	error_why(err, m->kind == MAP_BLOOM ? "a Bloom filter only knows what it is asked for"
					    : "only what comes out next can be looked at");
	error_hint(err,
		   m->kind == MAP_BLOOM ? "braid map get %s %s VALUE asks it"
					: "braid map get %s %s shows it",
		   m->at.pipeline, m->at.name);
	return -EOPNOTSUPP;
}

/* The value is what is asked for; the answer is yes, or -ENOENT. */
static int ask_filter(struct braid_map *m, const char *text, char **ret_json,
		      struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);
	_cleanup_free_ void *value = NULL;
	_cleanup_json_ json_t *j = NULL;
	int r;

	if (!text) {
		error_set(err, -EINVAL, where, "which value?");
		error_why(err, "a Bloom filter only knows what it is asked for");
		return -EINVAL;
	}
	r = map_value(m, text, false, &value, err);
	if (r)
		return r;
	r = bpf_map_lookup_elem(m->fd, NULL, value);
	if (r == -ENOENT)
		return error_code(error_set(err, r, where, "%s is certainly not in it", text));
	if (r)
		return map_fail(m, r, text, err);
	j = json_object();
	return map_put_value(m, j, NULL, value, false) ? error_oom(err) : give(j, ret_json, err);
}

int braid_map_get(struct braid_map *m, const char *key, int per_cpu, char **ret_json,
		  struct braid_error *err)
{
	_cleanup_free_ void *k = NULL, *value = calloc(1, m->e.stride ?: 1);
	_cleanup_json_ json_t *j = NULL;
	ERROR_SCRATCH(err);
	int r = value ? check_readable(m, err) : error_oom(err);

	if (!r && m->kind == MAP_BLOOM)
		return ask_filter(m, key, ret_json, err);
	r = r ?: map_key(m, key, &k, err);
	if (r)
		return r;
	r = m->e.info.key_size ? elements_get(&m->e, k, value)
			       : bpf_map_lookup_elem(m->fd, NULL, value);
	if (r)
		return map_fail(m, r, key, err);
	j = entry_json(m, k, value, per_cpu);
	return give(j, ret_json, err);
}

struct walk {
	struct braid_map *m;
	bool per_cpu;
	int (*visit)(void *ctx, const char *json);
	void *ctx;
	struct braid_error *err;
};

static int visit_entry(void *ctx, const void *key, const void *value)
{
	struct walk *w = ctx;
	_cleanup_json_ json_t *j = entry_json(w->m, key, value, w->per_cpu);
	_cleanup_free_ char *text = NULL;
	int r = give(j, &text, w->err);

	return r ?: w->visit(w->ctx, text);
}

int braid_map_each(struct braid_map *m, int per_cpu, int (*visit)(void *ctx, const char *json),
		   void *ctx, struct braid_error *err)
{
	ERROR_SCRATCH(err);
	struct walk w = {m, per_cpu, visit, ctx, err};
	int r = map_check_walkable(m, err);

	return r ?: elements_each(&m->e, visit_entry, &w, err);
}
