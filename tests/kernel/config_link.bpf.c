/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stages that look at their configuration from wherever code can stand: in the program itself,
 * in functions with arguments, behind tail calls of their own, in callbacks. And one that
 * changes the version while a packet is on its way. -DTWO: two variables.
 */
#include <linux/bpf.h>
#include <braid/bpf/braid.bpf.h>
#include <bpf/bpf_core_read.h>

#include "compose/control_abi.h"
#include "config_link.h"

BRAID_CONFIG(struct numbers, numbers) = LINK_DEFAULTS;
#ifdef TWO
BRAID_CONFIG(__u32, extra) braid_range(1, 99) = 9;
#endif

const volatile __u32 slot = 0;

static __always_inline int put(struct xdp_md *ctx, __u64 value)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (slot >= LINK_SLOTS || data + LINK_PACKET > end)
		return XDP_ABORTED;
	*(__u64 *)(data + LINK_OUT + 8 * slot) = value;
	return XDP_PASS;
}

#define TAKE_REGISTERS() asm volatile("r6 = 0\nr7 = 0\nr8 = 0\nr9 = 0" : : : "r6", "r7", "r8", "r9")

SEC("xdp") int direct(struct xdp_md *ctx)
{
	return put(ctx, link_sum(&numbers));
}

/* Twice, and between them nothing is left in registers. */
SEC("xdp") int twice(struct xdp_md *ctx)
{
	__u64 first = link_sum(&numbers);

	put(ctx, first);
	TAKE_REGISTERS();
	return put(ctx, 2 * link_sum(&numbers));
}

#define DEEP(name, bytes)                                                                          \
	SEC("xdp") int name(struct xdp_md *ctx)                                                    \
	{                                                                                          \
		asm volatile("*(u64 *)(r10 - " #bytes ") = %0" : : "r"(0ull) : "memory");          \
		TAKE_REGISTERS();                                                                  \
		return put(ctx, link_sum(&numbers));                                               \
	}

DEEP(deep, 440)
DEEP(deepest, 496) /* that there is room for beside what seams keep */

/* The address is computed: by a number that the packet has. */
SEC("xdp") int indexed(struct xdp_md *ctx)
{
	__u32 i = ctx->rx_queue_index & 3;

	asm volatile("" : "+r"(i));
	return put(ctx, numbers.list[i & 3]);
}

#ifdef TWO
static __noinline __u64 look_at_extra(__u64 a)
{
	return a + extra;
}

/* An address that is not that of the whole, here and there. */
SEC("xdp") int two(struct xdp_md *ctx)
{
	return put(ctx, link_sum(&numbers) + extra + look_at_extra(extra));
}
#endif

/* Does not look at it. */
SEC("xdp") int blind(struct xdp_md *ctx)
{
	return put(ctx, 1);
}

SEC("xdp") int blind_deep(struct xdp_md *ctx)
{
	asm volatile("*(u64 *)(r10 - 400) = %0" : : "r"(0ull) : "memory");
	return put(ctx, 1);
}

static __noinline __u64 blind_function(__u64 a)
{
	asm volatile("*(u64 *)(r10 - 64) = %0" : : "r"(a) : "memory");
	return a;
}

SEC("xdp") int blind_call(struct xdp_md *ctx)
{
	return put(ctx, blind_function(1));
}

static __noinline __u64 with1(__u64 a)
{
	return a + link_sum(&numbers);
}

/* No kernel has it: the 1 that the compiler puts there becomes a 0 when it is loaded. */
struct net_device___link {
	int no_such_field;
} __attribute__((preserve_access_index));

static __noinline __u64 with2(__u64 a, __u64 b)
{
	return a + 2 * b + link_sum(&numbers) +
	       bpf_core_field_exists(struct net_device___link, no_such_field);
}

static __noinline __u64 with3(__u64 a, __u64 b, __u64 c)
{
	return a + 2 * b + 3 * c + link_sum(&numbers);
}

static __noinline __u64 with4(__u64 a, __u64 b, __u64 c, __u64 d)
{
	return a + 2 * b + 3 * c + 4 * d + link_sum(&numbers);
}

static __noinline __u64 with5(__u64 a, __u64 b, __u64 c, __u64 d, __u64 e)
{
	asm volatile("*(u64 *)(r10 - 24) = %0" : : "r"(a) : "memory");
	return a + 2 * b + 3 * c + 4 * d + 5 * e + link_sum(&numbers);
}

/* The compiler leaves the second argument out, but not out of the function's type. */
static __noinline __u64 with_unused(__u64 a, __u64 unused, __u64 c)
{
	return a + 3 * c + link_sum(&numbers);
}

static __noinline __u64 without(void)
{
	return link_sum(&numbers);
}

/* Global functions are verified by themselves. */
__noinline __u64 global2(struct xdp_md *ctx, __u32 b)
{
	return ctx->rx_queue_index + 2 * b + link_sum(&numbers);
}

static __noinline __u64 outer(struct xdp_md *ctx, __u64 b)
{
	return numbers.a + with2(ctx->rx_queue_index, b);
}

#define NUMBER(ctx, n) ((ctx)->data_end - (ctx)->data - LINK_PACKET + (n))

#define CALLER(name, sum)                                                                          \
	SEC("xdp") int name(struct xdp_md *ctx)                                                    \
	{                                                                                          \
		return put(ctx, sum);                                                              \
	}

CALLER(call0, without())
CALLER(call1, with1(NUMBER(ctx, 1)))
CALLER(call2, with2(NUMBER(ctx, 1), NUMBER(ctx, 2)))
CALLER(call3, with3(NUMBER(ctx, 1), NUMBER(ctx, 2), NUMBER(ctx, 3)))
CALLER(call4, with4(NUMBER(ctx, 1), NUMBER(ctx, 2), NUMBER(ctx, 3), NUMBER(ctx, 4)))
CALLER(call5, with5(NUMBER(ctx, 1), NUMBER(ctx, 2), NUMBER(ctx, 3), NUMBER(ctx, 4), NUMBER(ctx, 5)))
CALLER(call_unused, with_unused(NUMBER(ctx, 1), NUMBER(ctx, 2), NUMBER(ctx, 3)))
CALLER(call_global, global2(ctx, 2))
CALLER(call_nested, outer(ctx, 2))
CALLER(call_both, 7 * link_sum(&numbers) + with1(1))

/* A function that uses nearly all of a stack: nothing is left for who binds it. */
static __noinline __u64 full(__u64 a)
{
	asm volatile("*(u64 *)(r10 - 504) = %0" : : "r"(a) : "memory");
	return a + link_sum(&numbers);
}

CALLER(call_full, full(1))

/* Frames of 400 and this are just what there is, until it is bound. */
static __noinline __u64 tight(__u64 a)
{
	asm volatile("*(u64 *)(r10 - 96) = %0" : : "r"(a) : "memory");
	return a + link_sum(&numbers);
}

CALLER(call_tight, tight(1))

struct collected {
	__u64 sum;
};

static long collect(__u32 i, void *ctx)
{
	struct collected *c = ctx;

	c->sum += i + link_sum(&numbers);
	return 0;
}

/* Its function is called by a helper. */
SEC("xdp") int callback(struct xdp_md *ctx)
{
	struct collected c = {};

	bpf_loop(3, collect, &c, 0);
	return put(ctx, c.sum);
}

/* A variable index on the stack: it stays a function. */
SEC("xdp") int variable(struct xdp_md *ctx)
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
	return put(ctx, link_sum(&numbers));
}

int leaf(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} jumps SEC(".maps") = {
	.values = {[0] = (void *)&leaf},
};

SEC("xdp") int leaf(struct xdp_md *ctx)
{
	return put(ctx, link_sum(&numbers) + with1(1));
}

/* By a tail call of its own; what it calls looks at the configuration, it does not. */
SEC("xdp") int tail(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jumps, 0);
	return XDP_ABORTED;
}

/* In the place of this map the test puts the pipeline's control block. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct control);
} knob SEC(".maps");

/* Another version for those packets that come after this one. */
SEC("xdp") int flip(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct control *c = bpf_map_lookup_elem(&knob, &zero);

	if (c)
		c->config ^= 1;
	return put(ctx, c ? c->config : 2);
}

BRAID_SIGNALS(signals);

SEC("xdp") int look(struct xdp_md *ctx)
{
	return put(ctx, signals);
}

static __noinline __u64 look_below(__u64 a)
{
	return a + signals;
}

SEC("xdp") int look_both(struct xdp_md *ctx)
{
	return put(ctx, look_below(1ull << 40) + link_sum(&numbers));
}

char _license[] SEC("license") = "GPL";
