/* SPDX-License-Identifier: GPL-2.0-only */
#include "live_migrate_common.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "kernel/elements.h"
#include "object/layout.h"

struct braid_error err;
const char *const counting[COUNTING] = {"flows", "recent",    "by_cpu",
					"slots", "cpu_slots", "routes"};

const char *manifest(const char *variant, const char *pipeline, const char *more)
{
	return live_manifest("m.yaml", pipeline,
			     live_text("{name: s, object: %s/live_migrate%s.bpf.o%s}", live_objects,
				       variant, more));
}

void begin(const char *variant)
{
	_cleanup_run_ struct run r = {};

	braid(&r, "delete", "edge");
	must_braid("apply", manifest(variant, ON_R0, ""));
}

int open_map(const char *name)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	json_t *m;
	size_t i;

	json_array_foreach (json_at(status, "pipelines/0/maps"), i, m) {
		if (!strcmp(json_text(m, "name"), name) && !json_is_true(json_at(m, "braid")))
			return bpf_obj_get(json_text(m, "pin"));
	}
	bail_out("no map %s", name);
}

json_t *carry_of(json_t *j, const char *name)
{
	json_t *m;
	size_t i;

	json_array_foreach (json_at(j, "carry"), i, m) {
		if (!strcmp(json_text(m, "name"), name))
			return m;
	}
	json_dumpf(j, stderr, JSON_INDENT(2));
	bail_out("nothing about map %s", name);
}

const char *how(json_t *j, const char *name)
{
	return json_text(carry_of(j, name), "how");
}

__u32 id_of(const char *name)
{
	_cleanup_close_ int fd = open_map(name);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

void must_put(int fd, const void *key, const void *value)
{
	int r = bpf_map_update_elem(fd, key, value, BPF_ANY);

	if (r)
		bail_out("putting an entry: %s", strerror(-r));
}

struct prefix prefix_of(__u32 i)
{
	return (struct prefix){.prefixlen = 128, .data[15] = i};
}

static struct record0 record_of(__u32 i)
{
	return (struct record0){.packets = i, .kind = 3, .spare = 9, .seen = {i + 1, 1u << 31 | i}};
}

void fill(const char *name, __u32 n)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_close_ int fd = open_map(name);
	_cleanup_free_ char *values = calloc(cpus, (sizeof(struct record0) + 7) & ~7u);

	for (__u32 i = 0; i < n; i++) {
		struct prefix prefix = prefix_of(i);
		bool trie = !strcmp(name, "routes");

		for (int cpu = 0; cpu < cpus; cpu++) {
			struct record0 r = record_of(i);

			r.packets += 1000 * cpu;
			memcpy(values + cpu * ((sizeof(r) + 7) & ~7u), &r, sizeof(r));
		}
		must_put(fd, trie ? (void *)&prefix : &i, values);
	}
}

/* The sum of a member over all entries and CPUs of a map. */
struct sum {
	size_t stride, offset, size;
	int values;
	__u64 n;
};

static int add_up(void *ctx, const void *key, const void *value)
{
	struct sum *sum = ctx;

	for (int i = 0; i < sum->values; i++) {
		__u64 v = 0;

		memcpy(&v, (const char *)value + i * sum->stride + sum->offset, sum->size);
		sum->n += v;
	}
	return 0;
}

__u64 packets_in(const char *name, int variant)
{
	_cleanup_close_ int fd = open_map(name);
	struct sum sum = {.size = variant ? 8 : 4};
	struct elements map;

	if (elements_open(fd, &map, &err))
		bail_out("%s", err.what);
	sum.offset = variant == 0   ? offsetof(struct record0, packets)
		     : variant == 1 ? offsetof(struct record1, packets)
				    : offsetof(struct record2, packets);
	sum.stride = map.stride / map.cpus;
	sum.values = map.cpus;
	if (elements_each(&map, add_up, &sum, &err))
		bail_out("%s", err.what);
	return sum.n;
}

/* Where a variable of the stage is in its globals, by the kernel's BTF of the map. */
static __u32 offset_of(int fd, const char *variable)
{
	struct elements map;
	struct layout l;
	struct btf *btf;
	__u32 offset = 0;

	if (elements_open(fd, &map, &err) || elements_btf(&map, &btf, &err) || !btf ||
	    layout_read(btf, map.info.btf_value_type_id, "s__", &l, &err))
		bail_out("globals: %s", err.what ?: "no BTF");
	if (!layout_find(&l, variable))
		bail_out("no variable %s", variable);
	offset = layout_find(&l, variable)->bit / 8;
	layout_done(&l);
	btf__free(btf);
	return offset;
}

__u64 global(const char *variable, size_t size)
{
	_cleanup_close_ int fd = open_map(".data");
	char bytes[256] = {};
	__u32 zero = 0;
	__u64 v = 0;

	if (bpf_map_lookup_elem(fd, &zero, bytes))
		bail_out("reading globals");
	memcpy(&v, bytes + offset_of(fd, variable), size);
	return v;
}

void set_global(const char *variable, __u64 v, size_t size)
{
	_cleanup_close_ int fd = open_map(".data");
	char bytes[256] = {};
	__u32 zero = 0;

	if (bpf_map_lookup_elem(fd, &zero, bytes))
		bail_out("reading globals");
	memcpy(bytes + offset_of(fd, variable), &v, size);
	must_put(fd, &zero, bytes);
}
