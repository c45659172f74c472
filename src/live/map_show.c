/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Keys and values as people read them. */
#include <errno.h>

#include "live/map.h"
#include "manifest/unfit.h"

json_t *map_key_json(const struct braid_map *m, const void *key)
{
	__u32 index;

	if (m->key_type)
		return unfit_value(m->btf, m->key_type, key, m->e.info.key_size);
	switch (m->e.info.type) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
	case BPF_MAP_TYPE_CPUMAP:
	case BPF_MAP_TYPE_SOCKMAP: /* an index, or used as one */
		memcpy(&index, key, sizeof(index));
		return json_integer(index);
	default:
		return unfit_hex(key, m->e.info.key_size);
	}
}

static json_t *one_json(const struct braid_map *m, const void *value)
{
	if (m->kind != MAP_ENTRIES && m->kind != MAP_QUEUE && m->kind != MAP_BLOOM)
		return special_json(m, value);
	if (!m->value_type)
		return unfit_hex(value, m->e.info.value_size);
	return unfit_globals(m->btf, m->value_type, m->prefix, value, m->e.info.value_size);
}

static json_t *cpus_json(const struct braid_map *m, const char *value)
{
	size_t stride = m->e.stride / m->e.cpus;
	json_t *list = json_array();

	for (__u32 i = 0; i < m->e.cpus && list; i++) {
		if (!json_array_append_new(list, one_json(m, value + i * stride)))
			continue;
		json_decref(list);
		list = NULL;
	}
	return list;
}

int map_put_value(const struct braid_map *m, json_t *to, const char *instead, const void *value,
		  bool per_cpu)
{
	struct unfit_sum sum = {m->e.cpus, m->e.stride / m->e.cpus, m->counters};
	const char *name = "value";
	json_t *j;

	if (m->e.cpus == 1) {
		j = one_json(m, value);
	} else if (per_cpu || !m->value_type) { /* bytes without a type cannot be added up */
		name = "cpus";
		j = cpus_json(m, value);
	} else {
		name = "sum";
		j = unfit_sum(m->btf, m->value_type, &sum, value, m->e.info.value_size);
	}
	return json_object_set_new(to, instead ?: name, j) ? -ENOMEM : 0;
}
