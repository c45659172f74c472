/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What authors may use of braid/bpf, in one object: scratch, flows, configuration, signals. */
#include <braid/bpf/braid.bpf.h>
#include <braid/bpf/flow.h>

struct notes {
	__u64 seen;
	__u32 words[5];
};
BRAID_SCRATCH(struct notes);

struct state {
	__u64 packets braid_counter;
};
BRAID_FLOWS(struct state, 1024);

struct limits {
	__u32 packets braid_range(1, 1000);
	bool open;
};
BRAID_CONFIG(struct limits, limits) = {.packets = 3};
BRAID_SIGNALS(signals);

/* First of two: leaves a note, unless another packet's is still there. */
SEC("xdp") int leave(struct xdp_md *ctx)
{
	struct notes *notes = braid_scratch_begin();

	if (!notes || notes->seen || notes->words[4])
		return XDP_ABORTED;
	notes->seen = ctx->data_end - ctx->data;
	notes->words[4] = ctx->rx_queue_index + 1;
	return XDP_PASS;
}

/* Second of two: drops packets without a note of their own. */
SEC("xdp") int look(struct xdp_md *ctx)
{
	struct notes *notes = braid_scratch();

	if (!notes)
		return XDP_ABORTED;
	return notes->seen == ctx->data_end - ctx->data ? XDP_PASS : XDP_DROP;
}

/* Drops what is more than limits.packets of a flow; with drain all of new flows. */
SEC("xdp") int limit(struct xdp_md *ctx)
{
	struct braid_flow key;
	struct state *state;

	if (braid_flow_key(ctx, &key) < 0)
		return XDP_TX;
	if ((signals & BRAID_SIGNAL_DRAIN) && !braid_flow_find(&key))
		return XDP_DROP;
	state = braid_flow_get(&key);
	if (!state)
		return XDP_ABORTED;
	if (limits.open)
		return XDP_PASS;
	return __sync_add_and_fetch(&state->packets, 1) > limits.packets ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
