/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Compiled twice, with TWIN 1 and 2: two objects with the same names for everything, and
 * nothing else the same. Each shows by what it adds which one's code, map and variables
 * were used.
 */
#include "stage.bpf.h"

struct value {
	__u64 pad[TWIN];
	__u64 sum;
};

const volatile __u32 slot = 0;
const volatile __u64 step = 10 * TWIN;
__u64 total = 100 * TWIN;
static volatile __u64 calls;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TWIN);
	__type(key, __u32);
	__type(value, struct value);
} table SEC(".maps");

static __noinline __u64 helper(__u64 x)
{
	calls++;
	return x + TWIN;
}

__noinline int shown(__u32 x)
{
	return x + TWIN;
}

SEC("xdp") int twin(struct xdp_md *ctx)
{
	__u32 last = TWIN - 1;
	struct value *v = bpf_map_lookup_elem(&table, &last);

	if (v)
		v->sum += helper(step) + shown(0);
	total += TWIN;
	return stage_act(ctx, slot);
}

char _license[] SEC("license") = "GPL";
