// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counters that also look which flow a packet belongs to, and what is known of it. */
#include <braid/bpf/flow.h>

#include "chain/stage.h"
#include "common/counter.bpf.h"

struct state {
	__u64 packets;
};

BRAID_FLOWS(struct state, 16384);
COUNTER(count, 1);

SEC("xdp")
int key(struct xdp_md *ctx)
{
	struct braid_flow flow;
	const void *made = &flow;

	if (braid_flow_key(ctx, &flow) < 0)
		return XDP_ABORTED;
	asm volatile("" : "+r"(made) : : "memory"); /* all of it is wanted */
	return counter_stage(ctx, &count);
}

SEC("xdp")
int state(struct xdp_md *ctx)
{
	struct braid_flow flow;
	struct state *state;

	if (braid_flow_key(ctx, &flow) < 0)
		return XDP_ABORTED;
	state = braid_flow_get(&flow);
	if (!state)
		return XDP_ABORTED;
	__sync_fetch_and_add(&state->packets, 1);
	return counter_stage(ctx, &count);
}

char _license[] SEC("license") = "Dual BSD/GPL";
