/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* live_mark for the hooks of TC: signs each frame, counts it, and lets it go on. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "live_frame.h"

const volatile __u8 id = 1;
const volatile __s32 verdict = TC_ACT_UNSPEC; /* when the frame asks for none */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} count SEC(".maps");

SEC("tc") int mark(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = (void *)data;
	__u32 zero = 0;
	__u64 *n;
	__u8 *sign;

	if (data + FRAME_SIZE > end || eth->h_proto != bpf_htons(FRAME_TYPE))
		return TC_ACT_UNSPEC;
	n = bpf_map_lookup_elem(&count, &zero);
	if (n)
		__sync_fetch_and_add(n, 1);
	sign = data + FRAME_MARKS + (data[FRAME_SIGNED] & (FRAME_IDS - 1));
	if (sign + 1 > end)
		return TC_ACT_SHOT;
	*sign = id;
	data[FRAME_SIGNED]++;
	return data[FRAME_ASKS + (id & 15)] ?: verdict;
}

char _license[] SEC("license") = "GPL";
