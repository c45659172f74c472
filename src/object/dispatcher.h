/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libxdp's dispatcher: its configuration as bytes, and the program itself as an object.
 * What is where, and why: docs/libxdp-protocol.md.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct btf;
struct unit;

#define DISPATCHER_SLOTS      10 /* a build-time option of libxdp: what all distributions have */
#define DISPATCHER_NEWEST     3  /* protocol version */
#define DISPATCHER_NAME       "xdp_dispatcher"
#define DISPATCHER_MAX_CONFIG 128 /* bytes */

struct dispatcher_slot {
	__u32 priority;
	__u32 actions; /* bit v set: after verdict v the next program runs; bit 31 is not here */
	/* BPF_F_XDP_HAS_FRAGS, BPF_F_XDP_DEV_BOUND_ONLY of that program; others are kept */
	__u32 flags;
};

struct dispatcher_config {
	__u32 version; /* 1 to DISPATCHER_NEWEST */
	__u32 n;       /* slots in use, the first ones */
	bool frags, devbound;
	struct dispatcher_slot slots[DISPATCHER_SLOTS];
};

/* Bytes of a configuration of that version: 84, 124, 128; 0: there is no such version. */
size_t dispatcher_config_size(__u32 version);

/*
 * Version 1 is only read, and version 2 knows nothing of bound devices: -EINVAL.
 * @out: of dispatcher_config_size(c->version) bytes.
 */
int dispatcher_config_write(const struct dispatcher_config *c, void *out, struct braid_error *err);

/**
 * dispatcher_config_read() - @bytes of the configuration map's only value.
 * @metadata_version: of the object's xdp_metadata, 0: unknown; it counts only without magic.
 * Return: 0; -EOPNOTSUPP a later version, which @ret->version then tells; -EBADMSG no
 * configuration: size, magic, or more slots than there are.
 * Slots that are not in use come out as zeros.
 */
int dispatcher_config_read(const void *bytes, size_t size, __u32 metadata_version,
			   struct dispatcher_config *ret, struct braid_error *err);

/* The version that an object's xdp_metadata says; 0: none. Readers need it for version 1. */
__u32 dispatcher_metadata_version(const struct btf *btf);

/**
 * dispatcher_emit() - the dispatcher with @c as its configuration, as an object for libbpf.
 * Its functions prog0 to prog<n - 1> are what components replace; with one component that is
 * xdp_dispatcher itself. Bound to a device it is by whoever loads it.
 * @ret_elf: caller frees.
 * Return: 0; -EINVAL as dispatcher_config_write(), and without components; -ENOMEM.
 */
int dispatcher_emit(const struct dispatcher_config *c, void **ret_elf, size_t *ret_size,
		    struct braid_error *err);

/* What libxdp orders components by. */
struct dispatcher_rank {
	__u32 priority;
	const char *name; /* whole */
	bool loaded;
	__u32 instructions; /* in its object; only counts between two that are not loaded */
	const __u8 *tag;    /* BPF_TAG_SIZE bytes; NULL: zeros, as before loading */
	__u64 loaded_ns;    /* CLOCK_BOOTTIME; 0 before loading */
};

/* As strcmp(): negative, @a runs before @b; 0: they are alike, and any order is right. */
int dispatcher_rank_compare(const struct dispatcher_rank *a, const struct dispatcher_rank *b);

/**
 * dispatcher_changes_packets() - does @func, or what it calls, do what the kernel takes for
 * changing packets? Where a component does and the function that it is to replace does not,
 * newer kernels refuse it: prog0 of libxdp's own object tells whether that dispatcher takes it.
 * Return: 0 or -ENOMEM.
 */
int dispatcher_changes_packets(const struct unit *u, __u32 func, bool *ret);
