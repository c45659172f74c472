/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Programs whose stack depth is known: stack_N goes N bytes deep, and no byte deeper. */
#include "stage.bpf.h"

const volatile __u32 slot = 0;

#define REACH(bytes) asm volatile("*(u64 *)(r10 - " #bytes ") = %0" : : "r"(0ULL) : "memory")

/* No register is left that lives on. */
#define TOUCH_ALL() asm volatile("r6 = 0\nr7 = 0\nr8 = 0\nr9 = 0" : : : "r6", "r7", "r8", "r9")

#define STACK(bytes)                                                                               \
	SEC("xdp") int stack_##bytes(struct xdp_md *ctx)                                           \
	{                                                                                          \
		REACH(bytes);                                                                      \
		TOUCH_ALL();                                                                       \
		return stage_act(ctx, slot);                                                       \
	}

STACK(8)
STACK(64)
STACK(240)
STACK(248)
STACK(256)
STACK(448)
STACK(504)
STACK(512)

/* Nothing on the stack at all. */
SEC("xdp") int stack_0(struct xdp_md *ctx)
{
	return ctx->rx_queue_index ? XDP_DROP : XDP_PASS;
}

/* By an address in a register, a byte beside the round number: 100 -> 104. */
SEC("xdp") int stack_104(struct xdp_md *ctx)
{
	asm volatile("r2 = r10\n"
		     "r2 += -90\n"
		     "*(u8 *)(r2 - 10) = %0"
		     :
		     : "r"(0ULL)
		     : "r2", "memory");
	return stage_act(ctx, slot);
}

/* Through a spilled address: 40 by itself, 80 by what is loaded from there. */
SEC("xdp") int stack_80(struct xdp_md *ctx)
{
	asm volatile("r2 = r10\n"
		     "r2 += -40\n"
		     "*(u64 *)(r10 - 8) = r2\n"
		     "r3 = *(u64 *)(r10 - 8)\n"
		     "*(u64 *)(r3 - 40) = %0"
		     :
		     : "r"(0ULL)
		     : "r2", "r3", "memory");
	return stage_act(ctx, slot);
}

/* A variable index: how deep cannot be read off the code. */
SEC("xdp") int stack_var(struct xdp_md *ctx)
{
	asm volatile("r2 = %1\n"
		     "r2 &= 7\n"
		     "r3 = r10\n"
		     "r3 += r2\n"
		     "*(u8 *)(r3 - 32) = %0"
		     :
		     : "r"(0ULL), "r"((__u64)ctx->rx_queue_index)
		     : "r2", "r3", "memory");
	return stage_act(ctx, slot);
}

static __noinline int deep_b(struct xdp_md *ctx)
{
	REACH(96);
	return stage_act(ctx, slot);
}

static __noinline int deep_a(struct xdp_md *ctx)
{
	REACH(40);
	return deep_b(ctx);
}

/* Its own 24, then frames of 40 and 96. */
SEC("xdp") int stack_chain(struct xdp_md *ctx)
{
	REACH(24);
	return deep_a(ctx);
}

char _license[] SEC("license") = "GPL";
