/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stage in versions, which know each flow by the number in its packets: VERSION 0 is the old
 * one, 1 a new one, 2 a new one that drops each fourth packet.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "rollout_frame.h"

#define IS_NEW (VERSION > 0)

/* By the number of the flow: bits ROLLOUT_SEEN_*. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ROLLOUT_FLOWS);
	__type(key, __u32);
	__type(value, __u32);
} flows SEC(".maps");

/* Packets of the old and of the new version. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

static __always_inline void note(__u32 flow)
{
	__u32 *seen = bpf_map_lookup_elem(&flows, &flow);

	if (!seen)
		return;
	if (!IS_NEW && *seen & ROLLOUT_SEEN_NEW)
		*seen |= ROLLOUT_SEEN_BACK;
	*seen |= IS_NEW ? ROLLOUT_SEEN_NEW : ROLLOUT_SEEN_OLD;
}

SEC("xdp") int stage(struct xdp_md *ctx)
{
	struct rollout_frame *frame = (void *)(long)ctx->data;
	__u32 version = IS_NEW;
	__u64 *count;

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end ||
	    frame->ethertype != bpf_htons(0x0800))
		return XDP_PASS;
	note(frame->flow);
	count = bpf_map_lookup_elem(&packets, &version);
	if (count)
		__sync_fetch_and_add(count, 1);
	return VERSION == 2 && !(frame->flow & 3) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
