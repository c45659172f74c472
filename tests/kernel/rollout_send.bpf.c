/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A test run with live frames of `flood` sends flow after flow out at one interface. */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "rollout_frame.h"

const volatile __u32 ifindex;

__u64 sent;

/* Frames are used again as they were left: all that differs is written anew. */
SEC("xdp") int flood(struct xdp_md *ctx)
{
	struct rollout_frame *frame = (void *)(long)ctx->data;
	__u32 flow;

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	flow = __sync_fetch_and_add(&sent, 1) % ROLLOUT_FLOWS;
	frame->flow = flow;
	frame->source = bpf_htonl(0x0a000000 + flow % 1000);
	frame->source_port = bpf_htons(1024 + flow / 1000);
	return bpf_redirect(ifindex, 0);
}

/* A veth takes redirected frames only if it has a program itself. */
SEC("xdp") int open_door(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
