/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The plain stage: stage.bpf.h says what it does. It has constants and a map to set. */
#include "stage.bpf.h"

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

char _license[] SEC("license") = "GPL";
