/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* shed: drops one packet in N, on each CPU: load that can be taken off by command. */
#include <braid/bpf/braid.bpf.h>

struct shed_config {
	__u32 one_in braid_range(0, 1000000); /* 0: none is dropped */
};

BRAID_CONFIG(struct shed_config, config) = {.one_in = 0};
BRAID_SIGNALS(signals);

/* Indexes of counters. */
enum shed_count {
	SHED_PASSED,
	SHED_DROPPED,
	SHED_COUNTS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SHED_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline __u64 count(__u32 what)
{
	__u64 *packets = bpf_map_lookup_elem(&counters, &what);

	return packets ? ++*packets : 0;
}

static __always_inline int is_chosen(__u32 one_in)
{
#ifdef EAGER /* a version with a mistake in it, for trying a gradual rollout */
	return bpf_get_prandom_u32() % 1000 < one_in;
#else
	return one_in && bpf_get_prandom_u32() % one_in == 0;
#endif
}

SEC("xdp") int shed(struct xdp_md *ctx)
{
	__u32 one_in = config.one_in;

	(void)ctx;
	if (!(signals & BRAID_SIGNAL_DRAIN) && is_chosen(one_in)) {
		count(SHED_DROPPED);
		return XDP_DROP;
	}
	count(SHED_PASSED);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
