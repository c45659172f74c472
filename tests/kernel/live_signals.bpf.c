/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A stage that looks at its signals, and keeps what it saw last. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <braid/bpf/braid.bpf.h>

#include "live_frame.h"

BRAID_SIGNALS(signals);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("xdp") int look(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u32 zero = 0;
	__u64 *last;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end ||
	    eth->h_proto != bpf_htons(FRAME_TYPE))
		return XDP_PASS;
	last = bpf_map_lookup_elem(&seen, &zero);
	if (last)
		*last = 1ull << 32 | signals;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
