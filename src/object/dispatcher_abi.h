/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The only value of the only map of a dispatcher, as libxdp lays it out; in the byte order of
 * the host. Others read it and others wrote it: nothing here is ours to change.
 */
#pragma once

#include <linux/types.h>

#include "object/dispatcher.h"

#define DISPATCHER_MAGIC 236

#define DISPATCHER_METADATA "xdp_metadata" /* a section */

/* What a function returns that no component has replaced: the chain goes on after it. */
#define DISPATCHER_STUB 31

/* Of <linux/bpf.h>, whose later one Debian 12 has not. */
#define DISPATCHER_FRAGS    (1u << 5) /* BPF_F_XDP_HAS_FRAGS */
#define DISPATCHER_DEVBOUND (1u << 6) /* BPF_F_XDP_DEV_BOUND_ONLY */

struct dispatcher_bytes_1 {
	__u8 n;
	__u8 pad[3];
	__u32 actions[DISPATCHER_SLOTS];
	__u32 priorities[DISPATCHER_SLOTS];
};

struct dispatcher_bytes_2 {
	__u8 magic, version, n, frags;
	__u32 actions[DISPATCHER_SLOTS];
	__u32 priorities[DISPATCHER_SLOTS];
	__u32 flags[DISPATCHER_SLOTS];
};

/* The first 124 bytes are those of version 2. */
struct dispatcher_bytes_3 {
	__u8 magic, version, n, frags;
	__u32 actions[DISPATCHER_SLOTS];
	__u32 priorities[DISPATCHER_SLOTS];
	__u32 flags[DISPATCHER_SLOTS];
	__u8 devbound;
	__u8 pad[3];
};

_Static_assert(sizeof(struct dispatcher_bytes_1) == 84, "as on the wire");
_Static_assert(sizeof(struct dispatcher_bytes_2) == 124, "as on the wire");
_Static_assert(sizeof(struct dispatcher_bytes_3) == 128, "as on the wire");
_Static_assert(offsetof(struct dispatcher_bytes_1, priorities) == 44, "as on the wire");
_Static_assert(offsetof(struct dispatcher_bytes_2, flags) == 84, "as on the wire");
_Static_assert(offsetof(struct dispatcher_bytes_3, devbound) == 124, "as on the wire");
_Static_assert(sizeof(struct dispatcher_bytes_3) == DISPATCHER_MAX_CONFIG, "the largest");
