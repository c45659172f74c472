/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The two kinds of stage: the same code whether alone, inlined or called. */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* As little as a stage can do: what remains is the price of the chain. */
static __always_inline int bounds_stage(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	if (data + ETH_HLEN > data_end)
		return XDP_DROP;
	return XDP_PASS;
}

/* A small real stage: parse Ethernet and IPv4, count the packet in @map. */
static __always_inline int counter_stage(struct xdp_md *ctx, void *map)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__u32 key = 0;
	__u64 *count;

	if ((void *)(ip + 1) > data_end)
		return XDP_DROP;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->ihl < 5)
		return XDP_DROP;

	count = bpf_map_lookup_elem(map, &key);
	if (count)
		(*count)++;
	return XDP_PASS;
}
