// SPDX-License-Identifier: GPL-2.0-only
#include "migrate/subject.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 5, SIZES = 3, BATCH = 4096 };

struct prefix {
	uint32_t len;
	uint8_t data[8];
};

static struct subject all[KINDS * SIZES];
static char names[KINDS * SIZES][32];

static struct bytes object(unsigned int size, unsigned int version)
{
	struct bytes objects[SIZES][2] = {
		{EMBEDDED(value8_0), EMBEDDED(value8_1)},
		{EMBEDDED(value64_0), EMBEDDED(value64_1)},
		{EMBEDDED(value256_0), EMBEDDED(value256_1)},
	};

	return objects[size][version];
}

const struct subject *subjects(unsigned int *ret_n)
{
	static const struct subject kinds[KINDS] = {
		{.map = "hash", .type = BPF_MAP_TYPE_HASH, .key_size = 4},
		{.map = "lru", .type = BPF_MAP_TYPE_LRU_HASH, .key_size = 4},
		{.map = "percpu", .type = BPF_MAP_TYPE_PERCPU_HASH, .key_size = 4},
		{.map = "lpm",
		 .type = BPF_MAP_TYPE_LPM_TRIE,
		 .key_size = sizeof(struct prefix),
		 .flags = BPF_F_NO_PREALLOC},
		{.map = "array", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4},
	};
	static const uint32_t sizes[SIZES] = {8, 64, 256};

	for (unsigned int i = 0; i < KINDS * SIZES; i++) {
		unsigned int size = i % SIZES;

		all[i] = kinds[i / SIZES];
		all[i].value_size = sizes[size];
		all[i].versions[0] = object(size, 0);
		all[i].versions[1] = object(size, 1);
		snprintf(names[i], sizeof(names[i]), "%s/%u", all[i].map, sizes[size]);
		all[i].name = names[i];
	}
	*ret_n = KINDS * SIZES;
	return all;
}

struct braid_pipeline *subject_pipeline(const struct subject *s, unsigned int version,
					uint32_t entries, int ifindex)
{
	struct braid_error error = BRAID_ERROR_INIT;
	struct braid_pipeline *p = pipeline_open("bench", "fused");
	char ifname[IF_NAMESIZE], number[16];

	if (!if_indextoname(ifindex, ifname))
		err(1, "interface %d", ifindex);
	snprintf(number, sizeof(number), "%u", entries);
	pipeline_repeat(p, "stage", s->versions[version], 1);
	braid_must(braid_pipeline_set_on_change(p, "migrate", &error), &error, "on-change");
	braid_must(braid_pipeline_set_max_entries(p, "stage_0", s->map, subject_room(s, entries),
						  &error),
		   &error, "max-entries");
	braid_must(braid_pipeline_set_constant(p, "stage_0", "entries", number, &error), &error,
		   "entries");
	braid_must(braid_pipeline_add_interface(p, ifname, NULL, &error), &error, ifname);
	return p;
}

uint32_t subject_room(const struct subject *s, uint32_t entries)
{
	uint32_t room = 1024;

	if (s->type != BPF_MAP_TYPE_LRU_HASH)
		return entries;
	while (room < entries + entries / 8)
		room *= 2;
	return room;
}

size_t subject_stride(const struct subject *s)
{
	return s->type == BPF_MAP_TYPE_PERCPU_HASH
		       ? (size_t)s->value_size * libbpf_num_possible_cpus()
		       : s->value_size;
}

static void *must_alloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		err(1, "%zu bytes", n * size);
	return p;
}

static void key_make(const struct subject *s, uint32_t i, void *key)
{
	struct prefix prefix = {.len = 64};

	memcpy(prefix.data, &i, sizeof(i));
	memcpy(key, s->type == BPF_MAP_TYPE_LPM_TRIE ? (void *)&prefix : &i, s->key_size);
}

void subject_fill(const struct subject *s, int map, uint32_t n)
{
	char key[sizeof(struct prefix)], *value = must_alloc(1, subject_stride(s));

	memset(value, 7, subject_stride(s));
	for (uint32_t i = 0; i < n; i++) {
		key_make(s, i, key);
		if (bpf_map_update_elem(map, key, value, BPF_ANY))
			err(1, "%s: entry %u", s->name, i);
	}
	free(value);
}

/* Calls bpf_map_lookup_batch() until the end; what it has read goes to @to, if that is a map. */
static uint32_t walk(const struct subject *s, int from, int to)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	char *keys = must_alloc(BATCH, s->key_size), *values = must_alloc(BATCH, subject_stride(s));
	char at[sizeof(struct prefix)] = {}, next[sizeof(struct prefix)] = {};
	uint32_t total = 0;
	int r = 0;

	for (bool first = true; !r; first = false) {
		uint32_t n = BATCH;

		r = bpf_map_lookup_batch(from, first ? NULL : at, next, keys, values, &n, &opts);
		if (r && r != -ENOENT)
			errx(1, "%s: reading: %s", s->name, strerror(-r));
		total += n;
		memcpy(at, next, sizeof(at));
		if (to >= 0 && n && bpf_map_update_batch(to, keys, values, &n, &opts))
			err(1, "%s: writing", s->name);
	}
	free(keys);
	free(values);
	return total;
}

uint32_t subject_count(const struct subject *s, int map)
{
	return walk(s, map, -1);
}

void subject_copy(const struct subject *s, int from, int to)
{
	walk(s, from, to);
}
