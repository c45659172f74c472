/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stages that change what a packet is: its start, its length, its bytes. -DSKB: for TC; -DPLAIN:
 * that know packets of one buffer only.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#ifdef PLAIN
#define XDP_HOOK "xdp"
#else
#define XDP_HOOK "xdp.frags"
#endif

#ifdef SKB
#define HOOK    "tc"
#define CONTEXT struct __sk_buff
#define GOES_ON TC_ACT_UNSPEC
#define DROPPED TC_ACT_SHOT
#else
#define HOOK    XDP_HOOK
#define CONTEXT struct xdp_md
#define GOES_ON XDP_PASS
#define DROPPED XDP_DROP
#endif

/* What it writes over the first byte. */
const volatile __u8 id = 1;

SEC(HOOK) int mark(CONTEXT *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 1 > end)
		return DROPPED;
	*data = id;
	return GOES_ON;
}

/* Four bytes more in front of it. */
SEC(HOOK) int grow(CONTEXT *ctx)
{
#ifdef SKB
	return bpf_skb_change_head(ctx, 4, 0) ? DROPPED : GOES_ON;
#else
	__u8 *data, *end;

	if (bpf_xdp_adjust_head(ctx, -4))
		return DROPPED;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + 4 > end)
		return DROPPED;
	data[0] = data[1] = data[2] = data[3] = 0xee;
	return GOES_ON;
#endif
}

#ifndef SKB
SEC(HOOK) int shrink(CONTEXT *ctx)
{
	return bpf_xdp_adjust_head(ctx, 6) ? DROPPED : GOES_ON;
}

SEC(HOOK) int cut(CONTEXT *ctx)
{
	return bpf_xdp_adjust_tail(ctx, -10) ? DROPPED : GOES_ON;
}
#endif

char LICENSE[] SEC("license") = "GPL";
