/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the stages of config_link leave in a packet: 8 bytes each, behind 16 of no meaning. */
#pragma once

#include <linux/types.h>

enum { LINK_OUT = 16, LINK_SLOTS = 24, LINK_PACKET = LINK_OUT + 8 * LINK_SLOTS };

#ifndef __bpf__
#define braid_range(min, max)
#endif

struct numbers {
	__u8 small braid_range(1, 200);
	__u32 a;
	__s64 b braid_range(-5, 1000000000000);
	struct {
		__u16 low braid_range(0, 10);
		__u16 high;
	} in;
	__u32 list[4];
};

#define LINK_DEFAULTS                                                                              \
	{                                                                                          \
		.small = 3, .a = 70000, .b = -4, .in = {5, 6}, .list = { 7, 8, 9, 10 }             \
	}

/* All of it, each member with a weight of its own. */
static inline __attribute__((always_inline)) __u64 link_sum(const volatile struct numbers *n)
{
	return n->small + 3ull * n->a + 5ull * (__u64)n->b + 7ull * n->in.low + 11ull * n->in.high +
	       13ull * n->list[0] + 17ull * n->list[3];
}
