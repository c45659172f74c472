/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Values that an XDP stage leaves in front of a packet: for XDP stages behind it, and for TC
 * programs at the ingress of the same interface, be they of a braid pipeline or not.
 *
 *	struct class {
 *		__u32 number;
 *	};
 *	#define CLASS 7			who reads and who writes agree on a number, 1 to 255
 *
 *	struct class *c = braid_meta_put(ctx, CLASS, struct class);		XDP
 *	if (c)
 *		c->number = 3;
 *
 *	const struct class *c = braid_meta_get(ctx, CLASS, struct class);	XDP
 *	const struct class *c = braid_meta_get_skb(skb, CLASS, struct class);	TC ingress
 *	if (c)
 *		skb->mark = c->number;
 *
 * Up to four values lie behind each other, each behind a word that says which it is and how
 * long. What others left there, in another form, is not looked at, and hides what lies behind.
 *
 * A packet may have none: devices without room for it (tun before Linux 6.15, ena, gve, mana,
 * netvsc, xen and others), packets that came in before the XDP program did, programs loaded
 * without the stage that writes. Readers must do without. Some 32 bytes fit everywhere, with
 * four for each value; more may be refused. It is lost where an skb goes to another device
 * (veth, for one).
 *
 * GRO joins packets of a flow only if what is in front of them is equal: leave nothing there that
 * is another in each packet, or strip it when nobody reads it any more.
 */
#ifndef BRAID_BPF_META_H
#define BRAID_BPF_META_H

#ifndef __VMLINUX_H__
#include <linux/bpf.h>
#include <linux/types.h>
#endif
#include <bpf/bpf_helpers.h>

#define BRAID_META_MAGIC  0x6272u
#define BRAID_META_VALUES 4
#define BRAID_META_WORDS  63 /* of a value, 2^n - 1: 252 bytes */

struct braid_meta {
	__u16 magic;
	__u8 id;
	__u8 words; /* of the value behind it, 4 bytes each */
};

#define BRAID_META_ASSERT_(id, type)                                                               \
	_Static_assert((id) >= 1 && (id) <= 255 && sizeof(type) % 4 == 0 && sizeof(type) > 0 &&    \
			       sizeof(type) <= 4 * BRAID_META_WORDS,                               \
		       "an id from 1 to 255, a type of a multiple of 4 bytes")

static __always_inline void *braid_meta_find_(void *at, void *data, __u32 id, __u32 size)
{
#pragma unroll
	for (int i = 0; i < BRAID_META_VALUES; i++) {
		struct braid_meta *m = at;
		void *value = m + 1;
		__u64 skip;

		if (value > data || m->magic != BRAID_META_MAGIC)
			return (void *)0;
		if (m->id == id)
			return m->words == size / 4 && value + size <= data ? value : (void *)0;
		skip = (m->words & BRAID_META_WORDS) * 4;
		at = value + skip;
	}
	return (void *)0;
}

static __always_inline void *braid_meta_put_(struct xdp_md *ctx, __u32 id, __u32 size)
{
	void *data = (void *)(long)ctx->data, *at = (void *)(long)ctx->data_meta;
	void *value = braid_meta_find_(at, data, id, size);
	struct braid_meta *m;

	if (value)
		return value;
	if (bpf_xdp_adjust_meta(ctx, -(int)(sizeof(*m) + size)))
		return (void *)0;
	data = (void *)(long)ctx->data;
	m = (void *)(long)ctx->data_meta;
	value = m + 1;
	if (value + size > data)
		return (void *)0;
	m->magic = BRAID_META_MAGIC;
	m->id = id;
	m->words = size / 4;
	__builtin_memset(value, 0, size);
	return value;
}

/*
 * braid_meta_put(ctx, id, type) - room for a value, of zeroes; or the one of that number that is
 * there. Pointers into the packet are invalid behind it, as behind bpf_xdp_adjust_head().
 * Return: a pointer to it; NULL: the device has no room.
 * Costs a helper call and some ten instructions.
 */
#define braid_meta_put(ctx, id, type)                                                              \
	({                                                                                         \
		BRAID_META_ASSERT_(id, type);                                                      \
		(type *)braid_meta_put_(ctx, id, sizeof(type));                                    \
	})

/*
 * braid_meta_get(), braid_meta_get_skb() - the value of a number.
 * Return: NULL: there is none, or one of another size. No helper; some ten instructions, a few
 * more for each value in front of it.
 */
#define braid_meta_get(ctx, id, type)                                                              \
	({                                                                                         \
		BRAID_META_ASSERT_(id, type);                                                      \
		(type *)braid_meta_find_((void *)(long)(ctx)->data_meta,                           \
					 (void *)(long)(ctx)->data, id, sizeof(type));             \
	})
#define braid_meta_get_skb(skb, id, type) braid_meta_get(skb, id, type)

/*
 * braid_meta_strip() - nothing is in front of the packet any more, also not what others left.
 * Pointers into the packet are invalid behind it. Return: 0, or the helper's error.
 */
static __always_inline int braid_meta_strip(struct xdp_md *ctx)
{
	__u64 size = (void *)(long)ctx->data - (void *)(long)ctx->data_meta;

	return size ? bpf_xdp_adjust_meta(ctx, size) : 0;
}

#endif
