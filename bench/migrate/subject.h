/* SPDX-License-Identifier: GPL-2.0-only */
/* What is migrated: a map of one kind, with values of one size. */
#pragma once

#include <stdint.h>

#include "common/compose.h"

struct subject {
	const char *name; /* "hash/64" */
	const char *map;  /* in the stage */
	uint32_t type;    /* enum bpf_map_type */
	uint32_t key_size, value_size, flags;
	struct bytes versions[2];
};

/* All of them, with their number. The objects are linked in. */
const struct subject *subjects(unsigned int *ret_n);

/* The pipeline of that version, on an interface of the caller's namespace; to be freed. */
struct braid_pipeline *subject_pipeline(const struct subject *s, unsigned int version,
					uint32_t entries, int ifindex);
/* max-entries for so many: an LRU map throws entries out before it is full. */
uint32_t subject_room(const struct subject *s, uint32_t entries);
/* Bytes of an entry's value, of all CPUs. */
size_t subject_stride(const struct subject *s);
/* Puts @n entries into a map of that kind. */
void subject_fill(const struct subject *s, int map, uint32_t n);
/* How many there are. */
uint32_t subject_count(const struct subject *s, int map);
/* All entries from one map to another of the same layout, by batches. */
void subject_copy(const struct subject *s, int from, int to);
