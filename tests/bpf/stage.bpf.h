/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stages that are told by the packet what to return: byte STAGE_VERDICTS + slot. They leave
 * a 1 at STAGE_TRACE + slot, so the packet that comes out tells who has seen it.
 */
#pragma once

#ifndef __bpf__
#include <linux/types.h>
#else
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#endif

enum {
	STAGE_VERDICTS = 16,
	STAGE_TRACE = 96,
	STAGE_SLOTS = 80,
	STAGE_PACKET = STAGE_TRACE + STAGE_SLOTS,
};

/* Bytes that stand for what no byte can be. */
enum { STAGE_SAYS_ACCEPT = 0xff, STAGE_SAYS_MINUS = 0xfe, STAGE_SAYS_HUGE = 0xfd };

static inline __u32 stage_meaning(__u8 byte)
{
	switch (byte) {
	case STAGE_SAYS_ACCEPT:
		return 0x42524402u; /* BRAID_ACCEPT */
	case STAGE_SAYS_MINUS:
		return -1;
	case STAGE_SAYS_HUGE:
		return 1u << 31 | 2;
	default:
		return byte;
	}
}

#ifdef __bpf__
static __always_inline int stage_act(struct xdp_md *ctx, __u32 slot)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (slot >= STAGE_SLOTS || data + STAGE_PACKET > end)
		return XDP_ABORTED;
	data[STAGE_TRACE + slot] += 1;
	return stage_meaning(data[STAGE_VERDICTS + slot]);
}
#endif
