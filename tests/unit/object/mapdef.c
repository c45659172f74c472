/* SPDX-License-Identifier: GPL-2.0-only */
/* What maps say that they are, and changing it. */
#include <bpf/btf.h>

#include "base/error.h"
#include "common.h"
#include "object/mapdef.h"
#include "object/types.h"
#include "tap.h"

static struct braid_error err;

static struct map_def def_of(const struct unit *u, const char *name)
{
	int map = unit_find_map(u, name);
	struct map_def def;

	if (map < 0 || map_def_read(u, map, &def, &err))
		bail_out("map %s: %s", name, err.what ?: "not there");
	return def;
}

static const char *type_text(const struct unit *u, __u32 id)
{
	return id ? unit_type_name(u, id) : NULL;
}

static void test_read(const struct unit *u)
{
	static const struct {
		const char *name;
		const char *type;
		__u32 key, value, entries, flags;
		const char *key_type, *value_type;
	} want[] = {
		{"m_hash", "hash", 8, 16, 16, 0, "key", "value"},
		{"m_array", "array", 4, 16, 4, 0, "__u32", "value"},
		{"m_percpu_hash", "percpu_hash", 8, 8, 8, 0, "key", "__u64"},
		{"m_percpu_array", "percpu_array", 4, 16, 4, 0, "__u32", "value"},
		{"m_lru", "lru_hash", 4, 4, 64, 0, "__u32", "__u32"},
		{"m_lru_percpu", "lru_percpu_hash", 4, 4, 64, 0, "__u32", "__u32"},
		{"m_devmap", "devmap", 4, 8, 4, 0, "__u32", "bpf_devmap_val"},
		{"m_devmap_hash", "devmap_hash", 4, 4, 4, 0, "__u32", "__u32"},
		{"m_cpumap", "cpumap", 4, 8, 2, 0, "__u32", "bpf_cpumap_val"},
		{"m_xskmap", "xskmap", 4, 4, 4, 0, "__u32", "__u32"},
		{"m_perf", "perf_event_array", 4, 4, 0, 0, NULL, NULL},
		{"m_lpm", "lpm_trie", 8, 4, 32, BPF_F_NO_PREALLOC, NULL, NULL},
		{"m_ringbuf", "ringbuf", 0, 0, 4096, 0, NULL, NULL},
		{"m_queue", "queue", 0, 8, 8, 0, NULL, "__u64"},
		{"m_stack", "stack", 0, 8, 8, 0, NULL, "__u64"},
		{"m_bloom", "bloom_filter", 0, 4, 100, 0, NULL, "__u32"},
		{"m_first", "array", 4, 8, 8, 0, "__u32", "__u64"},
		{"m_outer", "array_of_maps", 4, 4, 3, 0, "__u32", NULL},
		{"m_outer_hash", "hash_of_maps", 4, 4, 3, 0, "__u32", NULL},
	};

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		struct map_def d = def_of(u, want[i].name);

		is_str(map_type_name(d.type), want[i].type, "%s: type", want[i].name);
		is_int(d.key_size, want[i].key, "%s: key size", want[i].name);
		is_int(d.value_size, want[i].value, "%s: value size", want[i].name);
		is_int(d.max_entries, want[i].entries, "%s: entries", want[i].name);
		is_int(d.flags, want[i].flags, "%s: flags", want[i].name);
		is_str(type_text(u, d.key_type), want[i].key_type, "%s: key type", want[i].name);
		is_str(type_text(u, d.value_type), want[i].value_type, "%s: value type",
		       want[i].name);
	}
	ok(!map_type_name(0) && !map_type_name(999), "types that are none");
}

/* In the unit, and in what is read from what is written. */
static void is_entries(const struct unit *u, const char *name, __u32 want)
{
	struct buf bytes = unit_bytes(u);
	_cleanup_(unit_freep) struct unit *again = unit_from(&bytes, "again");

	is_int(def_of(u, name).max_entries, want, "%s: entries", name);
	is_int(def_of(again, name).max_entries, want, "%s: entries, written", name);
	is_int(def_of(again, name).type, def_of(u, name).type, "%s: type, written", name);
	is_int(def_of(again, name).value_size, def_of(u, name).value_size,
	       "%s: value size, written", name);
	buf_done(&bytes);
}

static void test_set(struct unit *u)
{
	is_int(map_def_set_max_entries(u, unit_find_map(u, "m_first"), 77, &err), 0, "resize");
	is_entries(u, "m_first", 77);
	is_entries(u, "m_second", 8);
	is_int(def_of(u, "m_first").value_size, 8, "the rest is as it was");
	is_int(map_def_set_max_entries(u, unit_find_map(u, "m_first"), 78, &err), 0, "again");
	is_entries(u, "m_first", 78);
	is_int(map_def_set_max_entries(u, unit_find_map(u, "m_perf"), 2, &err), 0,
	       "where there was none");
	is_entries(u, "m_perf", 2);
	is_int(map_def_set_max_entries(u, unit_find_map(u, "m_outer"), 9, &err), 0,
	       "with static values");
	is_entries(u, "m_outer", 9);
	is_int(u->maps.v[unit_find_map(u, "m_outer")].values.n, 2, "which stay");
}

static void test_prog_array(struct unit *u)
{
	_cleanup_(unit_freep) struct unit *again = NULL;
	int program = unit_find_func(u, "maps");
	struct buf bytes;
	__u32 map;

	is_int(map_def_add_prog_array(u, "jumps", 5, &map, &err), 0, "a PROG_ARRAY");
	is_int(map_def_set_program(u, map, 3, program, &err), 0, "a program in slot 3");
	is_str(map_type_name(def_of(u, "jumps").type), "prog_array", "its type");
	bytes = unit_bytes(u);
	again = unit_from(&bytes, "again");
	is_str(map_type_name(def_of(again, "jumps").type), "prog_array", "written");
	is_int(def_of(again, "jumps").max_entries, 5, "slots, written");
	map = unit_find_map(again, "jumps");
	is_int(again->maps.v[map].values.n, 1, "the program, written");
	is_int(again->maps.v[map].values.v[0].target, unit_find_func(again, "maps"), "it is that");
	buf_done(&bytes);
}

/* A definition that is none. */
static void test_broken(struct unit *u)
{
	int map = unit_find_map(u, "m_hash");
	int integer = btf__add_int(u->btf, "int", 4, BTF_INT_SIGNED);
	struct map_def d;

	type_edit(u->btf, u->maps.v[map].type_id)->type = integer;
	ok(map_def_read(u, map, &d, &err) < 0, "an int is no definition");
	ok(strstr(err.what, "m_hash"), "with the name: %s", err.what);
}

int main(int argc, char **argv)
{
	_cleanup_(unit_freep) struct unit *u = NULL;

	if (argc < 2)
		bail_out("usage: mapdef FOLDER");
	u = unit_in(argv[1], "maps");
	test_read(u);
	test_set(u);
	test_prog_array(u);
	test_broken(u);
	braid_error_clear(&err);
	return done();
}
