// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Somebody who looks at packets: src/compose/observe_abi.h. In an observed variant the seams of
 * a pipeline call begin, again and seam of each; splice.h says when. They are global functions:
 * the verifier looks at each once, and not again at each seam.
 */
#include <braid/bpf/braid.bpf.h>
#include <bpf/bpf_core_read.h>
#include <linux/pkt_cls.h>

#include "compose/observe_abi.h"
#include "object/verdict.h"
#include "packet.h"

#ifdef SKB
#define HOOK_PASS ((__u32)TC_ACT_UNSPEC)
#else
#define HOOK_PASS ((__u32)XDP_PASS)
#endif

#define WAKE_NS 1000000u /* readers are not woken more often than this */

const volatile struct observe_settings settings SEC(".rodata.observe") = {};
volatile struct observe_control control SEC(".data.observe") = {};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct observe_times);
} times SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct observe_state);
} state SEC(".maps");

static __always_inline struct observe_state *find_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&state, &zero);
}

static __always_inline __u32 length_of(CONTEXT *ctx)
{
#ifdef SKB
	return ctx->len;
#else
	if (settings.frags)
		return bpf_xdp_get_buff_len(ctx);
	return (long)ctx->data_end - (long)ctx->data;
#endif
}

/*
 * By how much the packet's start has moved. The kernel may have moved the bytes of an skb to
 * another buffer meanwhile: then it has grown, or shrunk, in front, as that is why it did.
 */
static __always_inline __s32 head_of(CONTEXT *ctx, struct observe_state *st,
				     __u32 length __attribute__((unused)))
{
	volatile struct observe_state *at = st;
	__s64 moved;

	at->now = (unsigned long)ctx->data;
	moved = at->now - at->start;
#ifdef SKB
	if (moved > 511 || moved < -511)
		return st->length - length;
#endif
	return moved;
}

#ifndef SKB
/* @size bytes at offset @at; false: they are not all there. */
#define COPY_BLOCK(to, from, end, at, size)                                                        \
	({                                                                                         \
		const char *from_ = (from) + (at);                                                 \
		bool there_;                                                                       \
                                                                                                   \
		asm volatile("" : "+r"(from_)); /* this is what is checked, and read by */         \
		there_ = from_ + (size) <= (end);                                                  \
		if (there_)                                                                        \
			__builtin_memcpy((to) + (at), from_, size);                                \
		there_;                                                                            \
	})
/* The first and the last of n bytes; they may overlap. */
#define COPY_BOTH(size)                                                                            \
	do {                                                                                       \
		if (n >= (size))                                                                   \
			return COPY_BLOCK(to, from, end, 0, size) &&                               \
					       COPY_BLOCK(to, from, end, n - (size), size)         \
				       ? 0                                                         \
				       : -1;                                                       \
	} while (0)
#define BLOCK 128

/*
 * Before Linux 5.18, where packets are one buffer. In blocks, and the last one ends where the
 * packet does: the verifier goes each way, and would not come to an end byte by byte.
 */
static __always_inline long copy_direct(CONTEXT *ctx, char *to, __u64 n)
{
	const char *from = (const char *)(long)ctx->data, *end = (const char *)(long)ctx->data_end;
	__u64 rest;

	if (n < BLOCK) {
		COPY_BOTH(64);
		COPY_BOTH(32);
		COPY_BOTH(16);
		COPY_BOTH(8);
		COPY_BOTH(4);
		COPY_BOTH(2);
		COPY_BOTH(1);
		return -1;
	}
	rest = n;
	for (__u64 at = 0; at + BLOCK <= OBSERVE_SNAP; at += BLOCK) {
		asm volatile("" : "+r"(rest)); /* it is what rounds are counted by */
		if (rest < BLOCK)
			break;
		if (!COPY_BLOCK(to, from, end, at, BLOCK))
			return -1;
		rest -= BLOCK;
	}
	return COPY_BLOCK(to, from, end, n - BLOCK, BLOCK) ? 0 : -1;
}
#endif

/* @n: not 0, and as many as @to has room for. */
static __always_inline long copy(CONTEXT *ctx, void *to, __u64 n)
{
#ifdef SKB
	return bpf_skb_load_bytes(ctx, 0, to, n);
#else
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_xdp_load_bytes))
		return bpf_xdp_load_bytes(ctx, 0, to, n);
	return copy_direct(ctx, to, n);
#endif
}

/*
 * Left to itself the ring wakes who has read all, which may be for each event. Who reads takes
 * all that is there, so a few times are enough.
 */
static __always_inline __u64 wake(struct observe_state *st, __u64 time)
{
	if (time - st->woken < WAKE_NS)
		return BPF_RB_NO_WAKEUP;
	st->woken = time;
	return BPF_RB_FORCE_WAKEUP;
}

/* The ring has records of sizes that the verifier knows. Packets are mostly small or full. */
static __always_inline struct observe_event *reserve(__u64 n)
{
	__u32 snap = settings.snap;

#define RESERVE_IF(room)                                                                           \
	if (n <= (room))                                                                           \
		return bpf_ringbuf_reserve(                                                        \
			&events, sizeof(struct observe_event) + ((room) < snap ? (room) : snap),   \
			0);
	RESERVE_IF(64)
	RESERVE_IF(128)
	RESERVE_IF(256)
	RESERVE_IF(512)
	RESERVE_IF(1024)
	RESERVE_IF(1536)
	RESERVE_IF(2048)
	RESERVE_IF(4096)
	RESERVE_IF(9216)
	RESERVE_IF(32768)
	RESERVE_IF(OBSERVE_SNAP)
	return NULL;
}

__attribute__((noinline)) int observe_event(CONTEXT *ctx, __u32 verdict, __u32 point, __u32 flags,
					    __u32 spent)
{
	struct observe_state *st = find_state();
	__u32 length = length_of(ctx);
	struct observe_event *e;
	__u64 n = length;

	if (!st)
		return 0;
	asm volatile("" : "+r"(n)); /* what is known of it is found out on it, not on @length */
	if (n > settings.snap)
		n = settings.snap;
	e = reserve(n);
	if (!e) {
		st->missed++;
		return 0;
	}
	e->time = bpf_ktime_get_ns();
	e->packet = st->packet;
	e->point = point;
	e->verdict = verdict;
	e->length = length;
	/* of what is not 0 older verifiers do not know that it is 1 at least */
	asm volatile("if %0 > 0 goto +1\n"
		     "%0 = 1"
		     : "+r"(n));
	e->captured = settings.snap && !copy(ctx, e + 1, n) ? n : 0;
	e->head = head_of(ctx, st, length);
#ifdef SKB
	e->ifindex = ctx->ifindex;
	e->queue = ctx->queue_mapping;
#else
	e->ifindex = ctx->ingress_ifindex;
	e->queue = ctx->rx_queue_index;
#endif
	e->cpu = bpf_get_smp_processor_id();
	e->flags = flags;
	e->spent = spent;
	e->reserved = 0;
	bpf_ringbuf_submit(e, wake(st, e->time));
	return 0;
}

__attribute__((noinline)) int observe_time(__u32 index, __u64 ns)
{
	struct observe_times *t = bpf_map_lookup_elem(&times, &index);
	__u32 bucket = observe_bucket(ns);

	if (!t)
		return 0;
	t->n++;
	t->sum += ns;
	if (bucket < OBSERVE_BUCKETS)
		t->buckets[bucket]++;
	return 0;
}

/* Has another body in its place, unless all packets are looked at. */
__attribute__((noinline)) int observe_filter(CONTEXT *ctx)
{
	int all = 1;

	asm volatile("" : "+r"(all) : "r"(ctx)); /* neither may the compiler think to know */
	return all;
}

static __always_inline bool is_chosen(CONTEXT *ctx)
{
	__u64 sample = control.sample;

	if (sample < 1ull << 32 && bpf_get_prandom_u32() >= sample)
		return false;
	if (bpf_ktime_get_coarse_ns() >= control.lease)
		return false;
	return observe_filter(ctx) != 0;
}

__attribute__((noinline)) int observe_begin(CONTEXT *ctx)
{
	bool looks = is_chosen(ctx);
	struct observe_state *st;

	if (!looks && !settings.several)
		return 0;
	st = find_state();
	if (!st)
		return 0;
	st->looks = looks;
	if (!looks)
		return 0;
	st->packets++;
	st->packet = (__u64)bpf_get_smp_processor_id() << 48 | st->packets;
	st->spent = 0;
	st->start = (unsigned long)ctx->data;
	st->length = length_of(ctx);
	if (settings.what & OBSERVE_TIMES) {
		__u64 now = bpf_ktime_get_ns();

		observe_time(settings.stages + OBSERVE_CLOCK, bpf_ktime_get_ns() - now);
	}
	if (settings.what & OBSERVE_EVENTS && !settings.leaves && !settings.only)
		observe_event(ctx, 0, OBSERVE_ENTRY, 0, 0);
	return 1;
}

__attribute__((noinline)) int observe_again(CONTEXT *ctx __attribute__((unused)))
{
	struct observe_state *st = find_state();

	return st && st->looks;
}

static __always_inline bool is_wanted(__u32 point, __u32 verdict, bool leaves)
{
	if (point < OBSERVE_LOST && point & OBSERVE_SILENT)
		return false;
	if (point == OBSERVE_END && !leaves)
		return false;
	if (verdict == BRAID_ACCEPT)
		verdict = HOOK_PASS;
	return !settings.leaves || (leaves && verdict_in(settings.leaves, verdict));
}

/* @where: OBSERVE_WHERE(). @spent: ns, of the stage. */
__attribute__((noinline)) int observe_seam(CONTEXT *ctx, __u32 verdict, __u64 where, __u64 spent)
{
	__u32 point = where, proceed_on = where >> 32;
	bool leaves = proceed_on != OBSERVE_ANY && !verdict_in(proceed_on, verdict);
	struct observe_state *st;

	if (!(settings.what & OBSERVE_TIMES)) {
		spent = 0;
	} else {
		st = find_state();
		if (!st)
			return 0;
		st->spent += spent;
		if (!(point & OBSERVE_BEFORE))
			observe_time(point & ~OBSERVE_SILENT, spent);
		if (leaves)
			observe_time(settings.stages + OBSERVE_WHOLE, st->spent);
	}
	if (settings.what & OBSERVE_EVENTS && is_wanted(point, verdict, leaves))
		observe_event(ctx, verdict, point, leaves ? OBSERVE_LEAVES : 0,
			      spent > 0xffffffffu ? 0xffffffffu : spent);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
