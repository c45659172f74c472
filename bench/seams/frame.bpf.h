/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The bench's frame, as the programs that read or change it see it. */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct bench_frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	__u16 pad;
	__u32 state; /* of vary.bpf.c */
} __attribute__((packed));

/* NULL: not all there. */
static __always_inline struct bench_frame *bench_frame(struct xdp_md *ctx)
{
	struct bench_frame *frame = (void *)(long)ctx->data;

	return (void *)(frame + 1) > (void *)(long)ctx->data_end ? NULL : frame;
}
