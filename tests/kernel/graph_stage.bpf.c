/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stages that sign the Ethernet addresses of a packet, so that all behind them is a packet of
 * any protocol: graph_frame.h. Each program does the same with registers and the stack in
 * another way, which is what seams have to live with. -DNEW: signs as the new version; -DLONG: a
 * stage of many instructions.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

#include "../bpf/stage.bpf.h"
#include "graph_frame.h"

const volatile __u8 id = 1;
const volatile __u32 verdict = XDP_PASS; /* of who is not asked */

#ifdef NEW
#define SIGN (id | GRAPH_NEW)
#else
#define SIGN id
#endif

static __always_inline __u32 sign(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end, *mark;

	if (data + ETH_HLEN > end)
		return XDP_ABORTED;
	mark = data + (data[GRAPH_SIGNED]++ & 7);
	if (mark + 1 > end)
		return XDP_ABORTED;
	*mark = SIGN;
	return data[GRAPH_ASKED] == id ? stage_meaning(data[GRAPH_ANSWER]) : verdict;
}

#ifdef LONG
/* Two of them are further than a jump reaches. */
SEC("xdp") int mark_long(struct xdp_md *ctx)
{
	__u32 v = sign(ctx);

	asm volatile(".rept 20000\n"
		     "r6 = 0\n"
		     ".endr"
		     :
		     :
		     : "r6");
	return v;
}
#else
SEC("xdp") int mark(struct xdp_md *ctx)
{
	return sign(ctx);
}

/* No register is left for the context: it goes onto the stack, below these 64 bytes. */
SEC("xdp") int mark_regs(struct xdp_md *ctx)
{
	__u32 v = sign(ctx);

	asm volatile("r6 = 0\nr7 = 0\nr8 = 0\nr9 = 0\n"
		     "*(u64 *)(r10 - 64) = r6"
		     :
		     :
		     : "r6", "r7", "r8", "r9", "memory");
	return v;
}

/* As deep as the stack goes, less what seams keep. */
SEC("xdp") int mark_deep(struct xdp_md *ctx)
{
	__u32 v = sign(ctx);

	asm volatile("r6 = 0\nr7 = 0\nr8 = 0\nr9 = 0\n"
		     "*(u64 *)(r10 - 496) = r6\n"
		     "*(u64 *)(r10 - 8) = r6"
		     :
		     :
		     : "r6", "r7", "r8", "r9", "memory");
	return v;
}

/* A variable index: it is called. */
SEC("xdp") int mark_var(struct xdp_md *ctx)
{
	asm volatile("r2 = %0\n"
		     "r2 &= 7\n"
		     "r3 = r10\n"
		     "r3 += r2\n"
		     "r4 = 0\n"
		     "*(u8 *)(r3 - 32) = r4"
		     :
		     : "r"((__u64)ctx->rx_queue_index)
		     : "r2", "r3", "r4", "memory");
	return sign(ctx);
}

/* Does not write r1, and always passes. */
SEC("xdp") __attribute__((naked)) int mark_kept(struct xdp_md *ctx)
{
	asm volatile("r2 = *(u32 *)(r1 + 0)\n"
		     "r3 = *(u32 *)(r1 + 4)\n"
		     "r4 = r2\n"
		     "r4 += 14\n"
		     "if r4 > r3 goto 1f\n"
		     "r5 = *(u8 *)(r2 + 9)\n"
		     "r4 = r5\n"
		     "r4 += 1\n"
		     "*(u8 *)(r2 + 9) = r4\n"
		     "r5 &= 7\n"
		     "r2 += r5\n"
		     "r4 = r2\n"
		     "r4 += 1\n"
		     "if r4 > r3 goto 1f\n"
		     "r0 = %[id] ll\n"
		     "r0 = *(u8 *)(r0 + 0)\n"
		     "*(u8 *)(r2 + 0) = r0\n"
		     "1:\n"
		     "r0 = 2\n"
		     "exit"
		     :
		     : [id] "i"(&id)
		     : "memory");
}

/* Verdicts that can be read off the code; a jump to each exit, and one that falls into it. */
SEC("xdp") int mark_words(struct xdp_md *ctx)
{
	switch (sign(ctx)) {
	case XDP_ABORTED:
		return XDP_ABORTED;
	case XDP_DROP:
		return XDP_DROP;
	case XDP_TX:
		asm volatile(""); /* or the compiler makes a table of these */
		return XDP_TX;
	default:
		return XDP_PASS;
	}
}

/* Ends with a known verdict, whatever it is asked. */
SEC("xdp") int mark_drop(struct xdp_md *ctx)
{
	sign(ctx);
	return XDP_DROP;
}

int mark_leaf(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} jumps SEC(".maps") = {
	.values = {[0] = (void *)&mark_leaf},
};

SEC("xdp") int mark_leaf(struct xdp_md *ctx)
{
	return sign(ctx);
}

/* Its result is that of the leaf. */
SEC("xdp") int mark_tail(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jumps, 0);
	return XDP_ABORTED;
}
#endif

char _license[] SEC("license") = "GPL";
