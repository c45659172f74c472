/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program that calls another program, which no loader can do. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp") __noinline int callee(struct xdp_md *ctx)
{
	return ctx->rx_queue_index ? XDP_DROP : XDP_PASS;
}

SEC("xdp") int caller(struct xdp_md *ctx)
{
	return callee(ctx);
}

char _license[] SEC("license") = "GPL";
