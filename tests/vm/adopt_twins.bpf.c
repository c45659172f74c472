// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Two maps of one shape whose names the kernel cuts to the same. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct counts {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
};

struct counts packets_per_cpu_in SEC(".maps");
struct counts packets_per_cpu_out SEC(".maps");

SEC("xdp") int twins(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *in = bpf_map_lookup_elem(&packets_per_cpu_in, &zero);
	__u64 *out = bpf_map_lookup_elem(&packets_per_cpu_out, &zero);

	if (in && out) {
		__sync_fetch_and_add(in, 1);
		__sync_fetch_and_add(out, 2);
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
