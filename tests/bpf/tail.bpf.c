/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stages that make tail calls of their own, to programs put into the array by the object. */
#include "stage.bpf.h"

const volatile __u32 slot = 0;
int tail(struct xdp_md *ctx);
int leaf(struct xdp_md *ctx);
int again(struct xdp_md *ctx);
long untyped(void *ctx);

__u32 rounds;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} jumps SEC(".maps") = {
	.values = {[1] = (void *)&leaf, [2] = (void *)&again},
};

SEC(FRAGS) int leaf(struct xdp_md *ctx)
{
	return stage_act(ctx, slot);
}

/* Its result is that of the leaf. */
SEC(FRAGS) int tail(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jumps, 1);
	return XDP_ABORTED;
}

/* Calls itself, three times in all, before it acts. */
SEC(FRAGS) int again(struct xdp_md *ctx)
{
	if (++rounds % 3)
		bpf_tail_call(ctx, &jumps, 2);
	return stage_act(ctx, slot);
}

/* As `tail`; its type does not say what it takes. */
SEC(FRAGS) long untyped(void *ctx)
{
	bpf_tail_call(ctx, &jumps, 1);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
