/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A map with its types, as far as somebody knows them. */
#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/probe.h"
#include "live/map.h"

static enum map_kind map_kind_of(__u32 type)
{
	switch (type) {
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
		return MAP_DEVICES;
	case BPF_MAP_TYPE_CPUMAP:
		return MAP_CPUS;
	case BPF_MAP_TYPE_PROG_ARRAY:
		return MAP_PROGRAMS;
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		return MAP_MAPS;
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
		return MAP_SOCKETS;
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
		return MAP_QUEUE;
	case BPF_MAP_TYPE_BLOOM_FILTER:
		return MAP_BLOOM;
	default:
		return elements_class(type) == ELEMENTS_VALUES ? MAP_ENTRIES : MAP_OPAQUE;
	}
}

char *map_where(const struct braid_map *m)
{
	return text_fmt("%s %s", m->at.pipeline, m->at.name);
}

/*
 * The kernel has no types of some kinds of maps (queues, devmaps, maps of maps); the object
 * has. Where it cannot be linked again, bytes are just bytes.
 */
static void types_of_object(struct braid_map *m)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	const char *symbol = json_string_value(json_object_get(m->at.plan, "symbol"));

	if (!text_eq(m->at.home, m->b->home.name) ||
	    rebuild(m->b, m->at.pipeline, &m->rebuilt, &ignored))
		return;
	array_foreach (map, &m->rebuilt.image->maps) {
		if (!text_eq(map->symbol, symbol) || map->globals ||
		    map->def.key_size != m->e.info.key_size ||
		    map->def.value_size != m->e.info.value_size)
			continue;
		m->btf = m->rebuilt.image->unit->btf;
		m->key_type = map->def.key_type;
		m->value_type = map->def.value_type;
	}
}

static int read_types(struct braid_map *m, struct braid_error *err)
{
	int r = elements_btf(&m->e, &m->own_btf, err);

	if (r == -EPERM || r == -ENOENT) { /* by id: that takes CAP_SYS_ADMIN */
		braid_error_clear(err);
		r = 0;
	}
	m->btf = m->own_btf;
	if (m->btf) {
		m->key_type = m->e.info.btf_key_type_id;
		m->value_type = m->e.info.btf_value_type_id;
	} else if (!r && m->kind != MAP_ENTRIES && m->kind != MAP_OPAQUE) {
		types_of_object(m);
	}
	return r;
}

/* In an array within an array …: for each element. */
static void mark(bool *counters, const struct leaf *l, __u32 dim, __u32 bit)
{
	if (dim == l->n_dims) {
		counters[bit / 8] = true;
		return;
	}
	for (__u32 i = 0; i < l->dims[dim].n; i++)
		mark(counters, l, dim + 1, bit + i * l->dims[dim].stride);
}

static bool is_lock(const struct leaf *l)
{
	return l->kind == LEAF_LOCK && strstr(l->type, "bpf_spin_lock");
}

/* Types that are too strange to be laid out have no members, no locks and no counters. */
static int read_layout(struct braid_map *m, struct braid_error *err)
{
	bool tagged = false;
	int r;

	if (!m->value_type)
		return 0;
	r = layout_read(m->btf, m->value_type, m->prefix, &m->layout, err);
	if (r == -EINVAL) {
		braid_error_clear(err);
		return 0;
	}
	array_foreach (l, &m->layout.leaves) {
		tagged |= l->counter;
		m->e.locked |= is_lock(l);
	}
	if (r || !tagged)
		return r;
	m->counters = calloc(m->layout.size + 1, sizeof(*m->counters));
	if (!m->counters)
		return error_oom(err);
	array_foreach (l, &m->layout.leaves)
		if (l->counter)
			mark(m->counters, l, 0, l->bit);
	return 0;
}

static int fill(struct braid_map *m, struct braid_error *err)
{
	const char *symbol = json_string_value(json_object_get(m->at.plan, "symbol")) ?: "";
	int r = bpffs_get(m->at.pin, BPFFS_MAP, &m->fd, err) ?: elements_open(m->fd, &m->e, err);

	if (r)
		return r;
	m->kind = map_kind_of(m->e.info.type);
	mapinfo_read(m->fd, &m->info);
	m->globals = text_eq(json_string_value(json_object_get(m->at.plan, "type")), "globals");
	if (m->globals && text_has_prefix(symbol, ".data.")) {
		m->prefix = text_fmt("%s__", symbol + strlen(".data."));
		if (!m->prefix)
			return error_oom(err);
	}
	return read_types(m, err) ?: read_layout(m, err);
}

int map_new(struct braid *b, struct found_map *found, struct braid_map **ret,
	    struct braid_error *err)
{
	_cleanup_(braid_map_closep) struct braid_map *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return error_oom(err);
	m->b = b;
	m->fd = -1;
	m->at = *found;
	*found = (struct found_map){};
	r = fill(m, err);
	if (!r)
		*ret = TAKE_PTR(m);
	return r;
}

int braid_map_open(struct braid *b, const char *pipeline, const char *name, const char *home,
		   struct braid_map **ret, struct braid_error *err)
{
	_cleanup_found_maps_ struct found_maps all = {};
	struct found_map *found = NULL;
	ERROR_SCRATCH(err);
	int r = probe_privileges(err) ?: maps_find(b, pipeline, home, &all, err)
				      ?: maps_pick(&all, pipeline, name, &found, err);

	return r ?: map_new(b, found, ret, err);
}

void braid_map_close(struct braid_map *m)
{
	if (!m)
		return;
	inplace_close(m->inplace);
	closep(&m->fd);
	btf__free(m->own_btf);
	rebuilt_done(&m->rebuilt);
	layout_done(&m->layout);
	free(m->counters);
	free(m->prefix);
	free(m->before.v);
	found_map_done(&m->at);
	free(m);
}
