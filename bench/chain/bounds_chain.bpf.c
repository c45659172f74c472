// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Chains of bounds checks, and the empty program that all others are held against. */
#include "stage.h"

#define STAGE(i, ctx) bounds_stage(ctx)

#include "chains.h"

SEC("?xdp")
int empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
