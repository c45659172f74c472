// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The end of the road: counts the frames of the generator, by version of this
 * program, and drops them. Versions differ in a constant and share the map.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>

#include "common/counter.bpf.h"

const volatile __u32 version; /* 0 or 1 */

COUNTER(count, 2);

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	__u32 key = version;
	__u64 *n;

	/* Whatever the kernel sends of its own accord, such as IPv6 when a link comes up. */
	if ((void *)(eth + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;

	n = bpf_map_lookup_elem(&count, &key);
	if (n)
		(*n)++;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
