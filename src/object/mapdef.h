/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the BTF definition of a map in .maps says. Encoding: libbpf, bpf_helpers.h, __uint/__type.
 */
#pragma once

#include "object/unit.h"

struct map_def {
	__u32 type;                 /* enum bpf_map_type */
	__u32 key_size, value_size; /* bytes */
	__u32 key_type, value_type; /* BTF ids; 0: only sizes are known */
	__u32 max_entries;          /* 0: libbpf decides (per-CPU event arrays) */
	__u32 flags;
	__u32 pinning;
};

/* -EINVAL with @err filled when the definition is none. */
int map_def_read(const struct unit *u, __u32 map, struct map_def *ret, struct braid_error *err);
/* "hash", "array", …: bpftool's word; "type N" is not one: NULL. */
const char *map_type_name(__u32 type);

/* Changes the definition; other maps declared with the same struct keep theirs. */
int map_def_set_max_entries(struct unit *u, __u32 map, __u32 max_entries, struct braid_error *err);

/*
 * Adds a PROG_ARRAY. What libbpf puts into its slots when it loads the object:
 * map_def_set_program(), before the unit is written.
 */
int map_def_add_prog_array(struct unit *u, const char *name, __u32 slots, __u32 *ret_map,
			   struct braid_error *err);
/* Adds a map of any type but these that have programs or maps in them. */
int map_def_add(struct unit *u, const char *name, const struct map_def *def, __u32 *ret_map,
		struct braid_error *err);
/* Adds an array, or a per-CPU one; keys have 4 bytes. */
int map_def_add_array(struct unit *u, const char *name, __u32 type, __u32 value_size,
		      __u32 max_entries, __u32 *ret_map, struct braid_error *err);
/* Bytes from the start of the map's variable to its first static value; 0: it can have none. */
__u32 map_def_values_at(const struct unit *u, __u32 map);
int map_def_set_program(struct unit *u, __u32 map, __u32 slot, __u32 func, struct braid_error *err);
