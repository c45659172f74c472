// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Makes each packet one of many flows, and of as many sources: a test run repeats on one and
 * the same packet, and a branch that always goes the same way costs nothing. Stands in front,
 * in what is compared with as well.
 */
#include "seams/frame.bpf.h"

const volatile __u32 flows = 1; /* at most 60000 */

SEC("xdp")
int vary(struct xdp_md *ctx)
{
	struct bench_frame *frame = bench_frame(ctx);
	__u32 flow;

	if (!frame)
		return XDP_DROP;
	/* A full period of 2^32; its low bits are those that repeat early. */
	frame->state = frame->state * 1664525 + 1013904223;
	flow = (frame->state >> 16) % flows;
	frame->ip.saddr = bpf_htonl(0xc6120000 | flow); /* 198.18.0.0/15 */
	frame->udp.source = bpf_htons(1024 + flow);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
