/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The same source for XDP and, with -DSKB, for TC: what differs is here. There headers may be in
 * parts of the packet that are not linear: who has not found all it wanted reads once more.
 */
#pragma once

#include <braid/bpf/parse.h>

#ifdef SKB
#define SECTION "tc"
#define CONTEXT struct __sk_buff
#define READER  static __attribute__((noinline)) /* it is there twice */
#else
#define SECTION "xdp"
#define CONTEXT struct xdp_md
#define READER  static __always_inline
#endif

/* Return: 0; -1 truncated; then link->eth is NULL if not even that was there. */
static __always_inline int packet_begin(CONTEXT *ctx, struct parse_cursor *cursor,
					struct parse_link *link)
{
#ifdef SKB
	*cursor = parse_start_skb(ctx);
	return parse_link_skb(ctx, cursor, link);
#else
	*cursor = parse_start(ctx);
	return parse_link(cursor, link);
#endif
}

/* Is there more to read now than before? */
static __always_inline bool packet_more(CONTEXT *ctx __attribute__((unused)))
{
#ifdef SKB
	return parse_pull_skb(ctx) == 0;
#else
	return false;
#endif
}
