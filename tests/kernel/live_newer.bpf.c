/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A later version of live_mark, with the same map: signs with id + 8, or with 15. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "live_frame.h"

const volatile __u8 id = 1;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} count SEC(".maps");

static __always_inline int sign_with(struct xdp_md *ctx, __u8 mark)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)data;
	__u32 zero = 0;
	__u8 *sign;
	__u64 *n;

	if (data + FRAME_SIZE > end || eth->h_proto != bpf_htons(FRAME_TYPE))
		return XDP_PASS;
	n = bpf_map_lookup_elem(&count, &zero);
	if (n)
		__sync_fetch_and_add(n, 1);
	sign = data + FRAME_MARKS + (data[FRAME_SIGNED] & (FRAME_IDS - 1));
	if (sign + 1 > end)
		return XDP_ABORTED;
	*sign = mark;
	data[FRAME_SIGNED]++;
	return XDP_PASS;
}

SEC("xdp") int newer(struct xdp_md *ctx)
{
	return sign_with(ctx, id + 8);
}

#ifndef ALONE
SEC("xdp") int other(struct xdp_md *ctx)
{
	return sign_with(ctx, id ? 15 : 0);
}
#endif

char _license[] SEC("license") = "GPL";
