/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * dice: returns what the examples never return. The verdict, and what becomes of the packet,
 * follow from the packet, from all that this stage saw before, from a constant and from its
 * configuration. -DSKB: the same for TC, where mark, priority and cb take part.
 */
#include <braid/bpf/braid.bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/types.h>

const volatile __u32 salt = 0;

struct twist {
	__u8 nothing;
	__u32 a, b;
};
BRAID_CONFIG(struct twist, twist);

/* A .data and a .bss of its own; whoever mixes them up with another stage's rolls differently. */
static __u64 memory = 0x9e3779b97f4a7c15;
static __u32 turns;

#define WORDS 16

enum {
	TAIL_LIMIT = 64, /* shorter packets are not cut any more */
	GROWTH = 8,      /* bytes; the headroom takes it from every stage of a chain */
};

#ifdef SKB
#define HOOK    "tc"
#define CONTEXT struct __sk_buff
#define NAME    dice_tc
#define PASS    ((__u32)TC_ACT_UNSPEC)
#define DROP    TC_ACT_SHOT
#define FAILED  TC_ACT_OK
/* From 16 on those of which there are few: what a careless test of bits would take for others. */
static const __u32 faces[] = {
	PASS,
	PASS,
	PASS,
	PASS,
	TC_ACT_PIPE,
	TC_ACT_PIPE,
	TC_ACT_OK,
	TC_ACT_SHOT,
	TC_ACT_STOLEN,
	TC_ACT_QUEUED,
	TC_ACT_RECLASSIFY,
	TC_ACT_REPEAT,
	TC_ACT_TRAP,
	31,
	35,
	BRAID_ACCEPT,
	/* few */
	TC_ACT_REDIRECT,
	30,
	63,
	0xfffffffe,
	0x80000003,
	32,
	9,
	PASS,
};
#else
#define HOOK    "xdp"
#define CONTEXT struct xdp_md
#define NAME    dice
#define PASS    XDP_PASS
#define DROP    XDP_DROP
#define FAILED  XDP_ABORTED
/* Mostly the verdicts of XDP; 34 is one that a shift by the verdict would take for PASS. */
static const __u32 faces[] = {
	XDP_ABORTED,   XDP_DROP,   XDP_DROP, XDP_PASS,     XDP_PASS, XDP_PASS,
	XDP_PASS,      XDP_PASS,   XDP_TX,   XDP_REDIRECT, 5,        31,
	XDP_PASS | 32, 0x80000002, -1,       BRAID_ACCEPT,
};
#endif

static __noinline __u64 stir(__u64 state, __u64 word)
{
	state = (state ^ word ^ twist.a) * 0xbf58476d1ce4e5b9;
	return state ^ state >> 29;
}

/* Over every word of a deep stack, so that nothing of another stage's survives on it. */
static __always_inline __u64 wander(__u64 state)
{
	volatile __u64 seen[WORDS];

#pragma unroll
	for (__u32 i = 0; i < WORDS; i++)
		seen[i] = state += 0x94d049bb133111eb ^ i;
#pragma unroll
	for (__u32 i = 0; i < WORDS; i++)
		state ^= seen[i] >> (i % 8);
	return state;
}

#ifdef SKB
static __always_inline void change_size(struct __sk_buff *ctx, __u32 how,
					__u64 state __attribute__((unused)))
{
	if (how == 0 && ctx->len > TAIL_LIMIT)
		bpf_skb_change_tail(ctx, ctx->len - 1, 0);
	else if (how == 1)
		bpf_skb_change_tail(ctx, ctx->len + GROWTH, 0);
}

/* What an skb has beside its bytes is there for the next stage. */
static __always_inline __u64 beside(struct __sk_buff *ctx)
{
	return (__u64)ctx->mark << 32 ^ ctx->priority ^ ctx->cb[1] ^ ctx->cb[4];
}

static __always_inline void leave_beside(struct __sk_buff *ctx, __u64 state)
{
	ctx->mark = state;
	if (state & 0x100)
		ctx->priority = state >> 13 & 0xffff;
	if (state & 0x200)
		ctx->cb[1] = state >> 21;
	asm volatile("" : "+r"(state)); /* else it chooses an address, which the verifier refuses */
	if (!(state & 0x200))
		ctx->cb[4] = state >> 21;
}
#else
static __always_inline void change_size(struct xdp_md *ctx, __u32 how, __u64 state)
{
	__u64 *data;

	if (how == 0 && ctx->data_end - ctx->data > TAIL_LIMIT) {
		bpf_xdp_adjust_tail(ctx, -1);
		return;
	}
	if (how != 1 || bpf_xdp_adjust_head(ctx, -GROWTH))
		return;
	data = (void *)(long)ctx->data;
	if ((void *)(data + 1) <= (void *)(long)ctx->data_end)
		*data = state;
}

static __always_inline __u64 beside(CONTEXT *ctx __attribute__((unused)))
{
	return 0;
}

static __always_inline void leave_beside(CONTEXT *ctx __attribute__((unused)),
					 __u64 state __attribute__((unused)))
{
}
#endif

/*
 * braid follows verdicts that can be read off the code, and looks at the others at the
 * seam. So some are constants here, some are known from a comparison, and some are not.
 */
static __always_inline int verdict_of(__u64 state)
{
	__u32 verdict = faces[state & 15];

	switch (state >> 4 & 15) {
	case 0:
		return braid_accept();
	case 1:
		return PASS == (__u32)-1 ? 31 : PASS | 32;
	case 2:
		return DROP;
#ifdef SKB
	case 3:
		return -1;
	case 4:
		return faces[16 + (state >> 9 & 7)];
#endif
	}
	if (verdict != PASS)
		return verdict;
	turns += state >> 8 & 1;
	return verdict;
}

SEC(HOOK) int NAME(CONTEXT *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 state = memory;

	if (data + ETH_HLEN > end)
		return FAILED;
	for (__u32 i = 0; i < ETH_HLEN; i++)
		state = state << 5 ^ state >> 59 ^ data[i];
	state = wander(stir(state, (__u64)salt << 32 | ++turns)) ^ beside(ctx);
	memory = stir(state, end - data) + twist.b;
	data[2 * ETH_ALEN - 1] ^= state;
	leave_beside(ctx, state);
	change_size(ctx, state >> 8 & 15, state);
	return verdict_of(state >> 16);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
