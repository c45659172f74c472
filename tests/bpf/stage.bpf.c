/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The plain stage: stage.bpf.h says what it does. It has constants and a map to set. */
#include "stage.bpf.h"
#include <bpf/bpf_core_read.h>

struct limits {
	__u16 low, high;
};

const volatile __u32 slot = 0;
const volatile struct limits limits = {1, 2};
__u64 runs; /* counts them all */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} table SEC(".maps");

static __noinline void count(__u32 key)
{
	__u64 one = 1, *n = bpf_map_lookup_elem(&table, &key);

	if (n)
		*n += 1;
	else
		bpf_map_update_elem(&table, &key, &one, BPF_ANY);
}

SEC("xdp.frags") int stage(struct xdp_md *ctx)
{
	runs++;
	count(limits.low);
	return stage_act(ctx, slot);
}

/* The same in verdicts that can be read off the code: each way to an exit has its own. */
SEC("xdp.frags") int words(struct xdp_md *ctx)
{
	switch (stage_act(ctx, slot)) {
	case XDP_ABORTED:
		return XDP_ABORTED;
	case XDP_DROP:
		return XDP_DROP;
	case XDP_TX:
		asm volatile(""); /* or the compiler makes a table of these */
		return XDP_TX;
	case XDP_REDIRECT:
		asm volatile("");
		return XDP_REDIRECT;
	case (int)0x42524402u:
		return (int)0x42524402u; /* BRAID_ACCEPT */
	case -1:
		return -1;
	default:
		return XDP_PASS;
	}
}

/* It goes on by a jump, and drops by falling through to the end. */
SEC("xdp.frags") int either(struct xdp_md *ctx)
{
	return stage_act(ctx, slot) == XDP_PASS ? XDP_PASS : XDP_DROP;
}

/* Always the same. */
SEC("xdp.frags") int drops(struct xdp_md *ctx)
{
	stage_act(ctx, slot);
	return XDP_DROP;
}

/* Does not touch the context: what comes next finds it where it was. */
SEC("xdp.frags") int passes(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* No kernel has it: the 1 that the compiler puts there becomes a 0 when it is loaded. */
struct net_device___stage {
	int no_such_field;
} __attribute__((preserve_access_index));

SEC("xdp.frags") int relocated(struct xdp_md *ctx)
{
	/* one way with a verdict that is what it seems, one with the other */
	if (stage_act(ctx, slot) == XDP_TX)
		return XDP_ABORTED;
	return bpf_core_field_exists(struct net_device___stage, no_such_field);
}

char _license[] SEC("license") = "GPL";
