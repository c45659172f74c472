/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stages that sign the Ethernet addresses of a packet, so that all behind them is a packet of
 * any protocol: graph_frame.h. Each program does the same with registers and the stack in
 * another way, which is what seams have to live with. -DNEW: signs as the new version; -DLONG: a
 * stage of many instructions; -DSKB: for TC, where verdicts are those of graph_tc().
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../bpf/stage.bpf.h"
#include "graph_frame.h"

#ifdef SKB
#define HOOK    "tc"
#define CONTEXT struct __sk_buff
#define SAY(v)  graph_tc(v)
#define DATA    "76" /* in the context */
#define END     "80"
#else
#define HOOK    "xdp"
#define CONTEXT struct xdp_md
#define SAY(v)  (v)
#define DATA    "0"
#define END     "4"
#endif

const volatile __u8 id = 1;
const volatile __u32 verdict = SAY(XDP_PASS); /* of who is not asked */

#ifdef NEW
#define SIGN (id | GRAPH_NEW)
#else
#define SIGN id
#endif

static __always_inline __u32 sign(CONTEXT *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end, *mark;

	if (data + ETH_HLEN > end)
		return SAY(XDP_ABORTED);
	mark = data + (data[GRAPH_SIGNED]++ & 7);
	if (mark + 1 > end)
		return SAY(XDP_ABORTED);
	*mark = SIGN;
	return data[GRAPH_ASKED] == id ? stage_meaning(data[GRAPH_ANSWER]) : verdict;
}

#ifdef LONG
/* Two of them are further than a jump reaches. */
SEC(HOOK) int mark_long(CONTEXT *ctx)
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
SEC(HOOK) int mark(CONTEXT *ctx)
{
	return sign(ctx);
}

/* No register is left for the context: it goes onto the stack, below these 64 bytes. */
SEC(HOOK) int mark_regs(CONTEXT *ctx)
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
SEC(HOOK) int mark_deep(CONTEXT *ctx)
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
SEC(HOOK) int mark_var(CONTEXT *ctx)
{
	asm volatile("r2 = %0\n"
		     "r2 &= 7\n"
		     "r3 = r10\n"
		     "r3 += r2\n"
		     "r4 = 0\n"
		     "*(u8 *)(r3 - 32) = r4"
		     :
		     : "r"((__u64)ctx->ingress_ifindex)
		     : "r2", "r3", "r4", "memory");
	return sign(ctx);
}

/* Does not write r1, and always passes. */
SEC(HOOK) __attribute__((naked)) int mark_kept(CONTEXT *ctx)
{
	asm volatile("r2 = *(u32 *)(r1 + " DATA ")\n"
		     "r3 = *(u32 *)(r1 + " END ")\n"
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
		     "r0 = %[pass]\n"
		     "exit"
		     :
		     : [id] "i"(&id), [pass] "i"((int)SAY(XDP_PASS))
		     : "memory");
}

/* Verdicts that can be read off the code; a jump to each exit, and one that falls into it. */
SEC(HOOK) int mark_words(CONTEXT *ctx)
{
	switch (sign(ctx)) {
	case SAY(XDP_ABORTED):
		return SAY(XDP_ABORTED);
	case SAY(XDP_DROP):
		return SAY(XDP_DROP);
	case SAY(XDP_TX):
		asm volatile(""); /* or the compiler makes a table of these */
		return SAY(XDP_TX);
	default:
		return SAY(XDP_PASS);
	}
}

/* Ends with a known verdict, whatever it is asked. */
SEC(HOOK) int mark_drop(CONTEXT *ctx)
{
	sign(ctx);
	return SAY(XDP_DROP);
}

int mark_leaf(CONTEXT *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} jumps SEC(".maps") = {
	.values = {[0] = (void *)&mark_leaf},
};

SEC(HOOK) int mark_leaf(CONTEXT *ctx)
{
	return sign(ctx);
}

/* Its result is that of the leaf. */
SEC(HOOK) int mark_tail(CONTEXT *ctx)
{
	bpf_tail_call(ctx, &jumps, 0);
	return SAY(XDP_ABORTED);
}
#endif

#if defined(SKB) && !defined(LONG)
/* The tag goes beside the packet: VLAN 7. */
SEC(HOOK) int mark_tag(CONTEXT *ctx)
{
	__u32 v = sign(ctx);

	return bpf_skb_vlan_push(ctx, bpf_htons(ETH_P_8021Q), 7) ? SAY(XDP_ABORTED) : v;
}

/*
 * Loads a byte that only long packets have, as old programs do: where there is none the
 * program ends with 0, which the code behind it does not say.
 */
SEC(HOOK) __attribute__((naked)) int mark_old(CONTEXT *ctx)
{
	asm volatile("r6 = r1\n"
		     "r0 = *(u8 *)skb[100]\n"
		     "r0 = %[pass]\n"
		     "exit"
		     :
		     : [pass] "i"((int)SAY(XDP_PASS)));
}
#endif

char _license[] SEC("license") = "GPL";
