/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A program of an object; a loaded one, whoever loaded it: which object it is from, its maps. */
#pragma once

#include <linux/bpf.h>

#include "base/array.h"
#include "base/error.h"

struct bpf_object;

/* Before loading: only @name of the object, pinned nowhere. NULL: there is no such program. */
struct bpf_program *program_choose(struct bpf_object *obj, const char *name);

/**
 * program_tag() - the tag that the kernel gives program @name of an object.
 * A tag is a hash of the instructions as libbpf hands them over, CO-RE applied and without
 * what differs from load to load; so a running program with this tag was made of this code. It
 * is found out by loading it: nothing is attached, and nothing of it stays.
 * Return: 0; -ENOENT it has no such program; what the kernel says to loading it.
 */
int program_tag(const void *object, size_t size, const char *name, __u8 ret[BPF_TAG_SIZE],
		struct braid_error *err);

/* Instructions of the loaded program, before JIT; 0: it cannot be looked at. */
__u32 program_instructions(int prog_fd);

struct program_map {
	int fd;
	struct bpf_map_info info;
};

struct program_maps {
	ARRAY(struct program_map) list;
};

/** program_maps_read() - the maps of a program. Needs CAP_SYS_ADMIN. */
int program_maps_read(int prog_fd, struct program_maps *ret, struct braid_error *err);
void program_maps_done(struct program_maps *m);
