/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A stage that signs each frame and counts it: live_frame.h. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "live_frame.h"

const volatile __u8 id = 1;
const volatile __u32 verdict = XDP_PASS; /* when the frame asks for none */

__u64 total; /* a global variable: carries over only with the object unchanged */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} count SEC(".maps");

/* Frames of a length that is listed here are counted there, too. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} sizes SEC(".maps");

static __always_inline void add(__u64 *n)
{
	if (n)
		__sync_fetch_and_add(n, 1);
}

SEC("xdp") int mark(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)data;
	__u8 *sign;
	__u32 zero = 0, size = end - data;

	if (data + FRAME_SIZE > end || eth->h_proto != bpf_htons(FRAME_TYPE))
		return XDP_PASS;
	add(&total);
	add(bpf_map_lookup_elem(&count, &zero));
	add(bpf_map_lookup_elem(&sizes, &size));
	sign = data + FRAME_MARKS + (data[FRAME_SIGNED] & (FRAME_IDS - 1));
	if (sign + 1 > end)
		return XDP_ABORTED;
	*sign = id;
	data[FRAME_SIGNED]++;
	return data[FRAME_ASKS + (id & 15)] ?: verdict;
}

char _license[] SEC("license") = "GPL";
