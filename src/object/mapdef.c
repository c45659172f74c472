/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/mapdef.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "object/types.h"

static const char *const type_names[] = {
	[BPF_MAP_TYPE_HASH] = "hash",
	[BPF_MAP_TYPE_ARRAY] = "array",
	[BPF_MAP_TYPE_PROG_ARRAY] = "prog_array",
	[BPF_MAP_TYPE_PERF_EVENT_ARRAY] = "perf_event_array",
	[BPF_MAP_TYPE_PERCPU_HASH] = "percpu_hash",
	[BPF_MAP_TYPE_PERCPU_ARRAY] = "percpu_array",
	[BPF_MAP_TYPE_STACK_TRACE] = "stack_trace",
	[BPF_MAP_TYPE_CGROUP_ARRAY] = "cgroup_array",
	[BPF_MAP_TYPE_LRU_HASH] = "lru_hash",
	[BPF_MAP_TYPE_LRU_PERCPU_HASH] = "lru_percpu_hash",
	[BPF_MAP_TYPE_LPM_TRIE] = "lpm_trie",
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = "array_of_maps",
	[BPF_MAP_TYPE_HASH_OF_MAPS] = "hash_of_maps",
	[BPF_MAP_TYPE_DEVMAP] = "devmap",
	[BPF_MAP_TYPE_SOCKMAP] = "sockmap",
	[BPF_MAP_TYPE_CPUMAP] = "cpumap",
	[BPF_MAP_TYPE_XSKMAP] = "xskmap",
	[BPF_MAP_TYPE_SOCKHASH] = "sockhash",
	[BPF_MAP_TYPE_QUEUE] = "queue",
	[BPF_MAP_TYPE_STACK] = "stack",
	[BPF_MAP_TYPE_SK_STORAGE] = "sk_storage",
	[BPF_MAP_TYPE_DEVMAP_HASH] = "devmap_hash",
	[BPF_MAP_TYPE_RINGBUF] = "ringbuf",
	[BPF_MAP_TYPE_INODE_STORAGE] = "inode_storage",
	[BPF_MAP_TYPE_TASK_STORAGE] = "task_storage",
	[BPF_MAP_TYPE_BLOOM_FILTER] = "bloom_filter",
};

const char *map_type_name(__u32 type)
{
	return type < sizeof(type_names) / sizeof(*type_names) ? type_names[type] : NULL;
}

static __u32 strip(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t))) {
		id = t->type;
		t = btf__type_by_id(btf, id);
	}
	return id;
}

static const struct btf_type *definition(const struct unit *u, __u32 map)
{
	const struct btf_type *var = btf__type_by_id(u->btf, u->maps.v[map].type_id);

	return btf__type_by_id(u->btf, strip(u->btf, var->type));
}

/* __uint(name, N): a pointer to an array of N. */
static bool read_uint(const struct btf *btf, __u32 type_id, __u32 *ret)
{
	const struct btf_type *ptr = btf__type_by_id(btf, strip(btf, type_id));
	const struct btf_type *arr = ptr && btf_is_ptr(ptr) ? btf__type_by_id(btf, ptr->type)
							    : NULL;

	if (!arr || !btf_is_array(arr))
		return false;
	*ret = btf_array(arr)->nelems;
	return true;
}

/* __type(name, T): a pointer to T. */
static bool read_type(const struct btf *btf, __u32 type_id, __u32 *ret_type, __u32 *ret_size)
{
	const struct btf_type *ptr = btf__type_by_id(btf, strip(btf, type_id));
	__s64 size = ptr && btf_is_ptr(ptr) ? btf__resolve_size(btf, ptr->type) : -1;

	if (size < 0 || size > INT32_MAX)
		return false;
	*ret_type = ptr->type;
	*ret_size = size;
	return true;
}

static bool read_member(const struct btf *btf, const char *name, __u32 type, struct map_def *def)
{
	static const struct {
		const char *name;
		size_t at;
	} uints[] = {
		{"type", offsetof(struct map_def, type)},
		{"max_entries", offsetof(struct map_def, max_entries)},
		{"map_flags", offsetof(struct map_def, flags)},
		{"key_size", offsetof(struct map_def, key_size)},
		{"value_size", offsetof(struct map_def, value_size)},
		{"pinning", offsetof(struct map_def, pinning)},
	};

	for (size_t i = 0; i < sizeof(uints) / sizeof(*uints); i++)
		if (text_eq(name, uints[i].name))
			return read_uint(btf, type, (__u32 *)((char *)def + uints[i].at));
	if (text_eq(name, "key"))
		return read_type(btf, type, &def->key_type, &def->key_size);
	if (text_eq(name, "value"))
		return read_type(btf, type, &def->value_type, &def->value_size);
	if (text_eq(name, "values")) /* of maps or programs: an id each */
		def->value_size = sizeof(__u32);
	return true; /* numa_node, map_extra: libbpf's business */
}

int map_def_read(const struct unit *u, __u32 map, struct map_def *ret, struct braid_error *err)
{
	const struct btf_type *def = definition(u, map);
	struct map_def d = {};

	if (!def || !btf_is_struct(def))
		goto broken;
	for (int i = 0; i < btf_vlen(def); i++) {
		const struct btf_member *m = btf_members(def) + i;

		if (!read_member(u->btf, btf__name_by_offset(u->btf, m->name_off), m->type, &d))
			goto broken;
	}
	*ret = d;
	return 0;
broken:
	error_set(err, -EINVAL, u->name, "the definition of map '%s' cannot be read",
		  u->maps.v[map].name);
	error_hint(err, "define it with __uint() and __type() of bpf_helpers.h");
	return -EINVAL;
}

/* The type of an __uint(…, n). Negative errno when memory ran out. */
static int add_uint(struct btf *btf, __u32 n)
{
	int base = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int arr = base < 0 ? base : btf__add_array(btf, base, base, n);

	return arr < 0 ? arr : btf__add_ptr(btf, arr);
}

int map_def_set_max_entries(struct unit *u, __u32 map, __u32 max_entries, struct braid_error *err)
{
	struct map *m = &u->maps.v[map];
	__u32 old = strip(u->btf, btf__type_by_id(u->btf, m->type_id)->type);
	__u32 size = btf__type_by_id(u->btf, old)->size;
	int n = btf_vlen(btf__type_by_id(u->btf, old));
	int count = add_uint(u->btf, max_entries);
	int id = btf__add_struct(u->btf, NULL, size + 8);
	bool found = false, failed = count < 0 || id < 0;

	for (int i = 0; i < n && !failed; i++) {
		/* looked up anew each time: adding moves the types */
		struct btf_member member = btf_members(btf__type_by_id(u->btf, old))[i];
		const char *name = btf__name_by_offset(u->btf, member.name_off);
		bool hit = text_eq(name, "max_entries");
		_cleanup_free_ char *copy = strdup(name);

		found |= hit;
		failed = !copy || btf__add_field(u->btf, copy, hit ? count : (int)member.type,
						 member.offset, 0);
	}
	if (!failed && !found)
		failed = btf__add_field(u->btf, "max_entries", count, size * 8, 0);
	if (failed)
		return error_oom(err);
	type_edit(u->btf, id)->size = found ? size : size + 8;
	type_edit(u->btf, m->type_id)->type = id;
	if (!found)
		m->size += 8;
	return 0;
}

#define PROG_ARRAY_VALUES 24 /* offset of "values" in the struct below, bytes */

/* struct { __uint(type, PROG_ARRAY); …; __array(values, int (void *)); } name; */
static int add_prog_array_type(struct btf *btf, const char *name, __u32 slots)
{
	int type = add_uint(btf, BPF_MAP_TYPE_PROG_ARRAY);
	int key = add_uint(btf, sizeof(__u32));
	int entries = add_uint(btf, slots);
	int integer = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int arg = btf__add_ptr(btf, 0);
	int proto = btf__add_func_proto(btf, integer);
	int func, values, id, var;

	if (type < 0 || key < 0 || entries < 0 || integer < 0 || arg < 0 || proto < 0 ||
	    btf__add_func_param(btf, "", arg))
		return -ENOMEM;
	func = btf__add_ptr(btf, proto);
	values = btf__add_array(btf, integer, func, 0);
	id = btf__add_struct(btf, NULL, PROG_ARRAY_VALUES);
	if (func < 0 || values < 0 || id < 0 || btf__add_field(btf, "type", type, 0, 0) ||
	    btf__add_field(btf, "key_size", key, 64, 0) ||
	    btf__add_field(btf, "max_entries", entries, 128, 0) ||
	    btf__add_field(btf, "values", values, 192, 0))
		return -ENOMEM;
	var = btf__add_var(btf, name, BTF_VAR_GLOBAL_ALLOCATED, id);
	return var < 0 ? -ENOMEM : var;
}

int map_def_add_prog_array(struct unit *u, const char *name, __u32 slots, __u32 *ret_map,
			   struct braid_error *err)
{
	int var = add_prog_array_type(u->btf, name, slots);
	struct map *m = var < 0 ? NULL : array_push(&u->maps);

	if (!m)
		return error_oom(err);
	m->name = strdup(name);
	m->type_id = var;
	m->size = PROG_ARRAY_VALUES + slots * 8;
	if (!m->name)
		return error_oom(err);
	*ret_map = m - u->maps.v;
	return 0;
}

/* struct { __uint(type, …); … } name; of what is not 0. @ret_size: its bytes. */
static int add_def_type(struct btf *btf, const char *name, const struct map_def *def,
			__u32 *ret_size)
{
	const struct {
		const char *name;
		__u32 value;
	} uints[] = {
		{"type", def->type},
		{"key_size", def->key_size},
		{"value_size", def->value_size},
		{"max_entries", def->max_entries},
		{"map_flags", def->flags},
		{"pinning", def->pinning},
	};
	enum { N = sizeof(uints) / sizeof(*uints) };
	int types[N] = {}, n = 0, id, var;

	for (int i = 0; i < N; i++) {
		types[i] = uints[i].value ? add_uint(btf, uints[i].value) : 0;
		if (types[i] < 0)
			return -ENOMEM;
		n += types[i] > 0;
	}
	*ret_size = 8 * n;
	id = btf__add_struct(btf, NULL, *ret_size);
	n = 0;
	for (int i = 0; i < N; i++)
		if (types[i] &&
		    (id < 0 || btf__add_field(btf, uints[i].name, types[i], 64 * n++, 0)))
			return -ENOMEM;
	var = id < 0 ? id : btf__add_var(btf, name, BTF_VAR_GLOBAL_ALLOCATED, id);
	return var < 0 ? -ENOMEM : var;
}

int map_def_add(struct unit *u, const char *name, const struct map_def *def, __u32 *ret_map,
		struct braid_error *err)
{
	__u32 size;
	int var = add_def_type(u->btf, name, def, &size);
	struct map *m = var < 0 ? NULL : array_push(&u->maps);

	if (!m)
		return error_oom(err);
	m->name = strdup(name);
	m->type_id = var;
	m->size = size;
	if (!m->name)
		return error_oom(err);
	*ret_map = m - u->maps.v;
	return 0;
}

int map_def_add_array(struct unit *u, const char *name, __u32 type, __u32 value_size,
		      __u32 max_entries, __u32 *ret_map, struct braid_error *err)
{
	const struct map_def def = {
		.type = type,
		.key_size = sizeof(__u32),
		.value_size = value_size,
		.max_entries = max_entries,
	};

	return map_def_add(u, name, &def, ret_map, err);
}

__u32 map_def_values_at(const struct unit *u, __u32 map)
{
	const struct btf_type *def = definition(u, map);

	for (int i = 0; def && btf_is_struct(def) && i < btf_vlen(def); i++)
		if (text_eq(btf__name_by_offset(u->btf, btf_members(def)[i].name_off), "values"))
			return btf_members(def)[i].offset / 8;
	return 0;
}

int map_def_set_program(struct unit *u, __u32 map, __u32 slot, __u32 func, struct braid_error *err)
{
	struct map_value v = {PROG_ARRAY_VALUES + slot * 8, REF_FUNC, func};

	return array_add(&u->maps.v[map].values, v) ? 0 : error_oom(err);
}
