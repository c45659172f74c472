/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Reading packets in an XDP or TC program: a cursor walks the headers, each step is
 * checked against the end of the packet, everything is inlined and bounded.
 *
 *	struct parse_cursor cursor = parse_start(ctx);
 *	struct parse_link link;
 *	struct parse_upper upper;
 *
 *	if (parse_link(&cursor, &link) < 0 || link.protocol != PARSE_IPV4)
 *		return XDP_PASS;
 *	ip = parse_ipv4(&cursor, &upper);
 *
 * In a TC program it begins with parse_start_skb() and parse_link_skb(), as a VLAN tag may be
 * beside the packet there, and a device may have no Ethernet header. Headers that are not
 * linear look cut off; parse_pull_skb() then makes them so, and one begins anew:
 *
 *	if (parse(ctx) < 0 && parse_pull_skb(ctx) == 0)
 *		parse(ctx);
 *
 * Pointers handed out are into the packet: bpf_xdp_adjust_head(), parse_pull_skb() and the
 * like invalidate them and the cursor. With vmlinux.h, include that one first.
 */
#ifndef BRAID_BPF_PARSE_H
#define BRAID_BPF_PARSE_H

#ifndef __VMLINUX_H__
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <stdbool.h>
#endif

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PARSE_TAGS       2    /* VLAN tags taken; a third one is left as the protocol */
#define PARSE_EXTENSIONS 8    /* IPv6 extension headers followed; more is an error */
#define PARSE_CHAIN      2047 /* bytes that they may have together; 2^n - 1 */
#define PARSE_ETHERTYPES 1536 /* the first EtherType; below it is a length (802.3) */
/* All headers together: Ethernet, tags, IPv6 with its extension headers, ports. */
#define PARSE_HEADERS (14 + 4 * PARSE_TAGS + 40 + PARSE_CHAIN + 4)

/* EtherTypes in host order; our own names, since vmlinux.h has none. */
enum parse_ethertype {
	PARSE_IPV4 = 0x0800,
	PARSE_VLAN = 0x8100,
	PARSE_IPV6 = 0x86dd,
	PARSE_QINQ = 0x88a8,
};

/* The IPv6 next headers that are extension headers. */
enum parse_next_header {
	PARSE_HOP_BY_HOP = 0,
	PARSE_ROUTING = 43,
	PARSE_FRAGMENT = 44,
	PARSE_AUTHENTICATION = 51,
	PARSE_DESTINATION = 60,
};

/* One VLAN tag as it follows an EtherType of PARSE_VLAN or PARSE_QINQ. */
struct parse_tag {
	__be16 tci;
	__be16 protocol;
};

/* The first eight bytes of every IPv6 extension header; the last two only of a fragment's. */
struct parse_extension {
	__u8 next;
	__u8 length;
	__be16 offset;
	__be32 id;
};

struct parse_cursor {
	void *pos; /* the next byte not yet taken */
	void *end; /* the first byte that is not the packet's */
};

struct parse_link {
	struct ethhdr *eth;     /* NULL: it was cut, or a device of TC's has none */
	__u16 protocol;         /* of what follows, host order; below 1536 a length (802.3) */
	__u16 tags;             /* how many were there, 0 to PARSE_TAGS */
	__u16 vlan[PARSE_TAGS]; /* VLAN ids, outermost first; 0 where there is no tag */
};

struct parse_upper {
	__u8 protocol; /* IPPROTO_* of what the cursor is at */
	bool more;     /* further fragments of the datagram follow */
	__u16 offset;  /* bytes of the datagram that came before this fragment */
};

static __always_inline struct parse_cursor parse_start(const struct xdp_md *ctx)
{
	return (struct parse_cursor){
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
}

/* parse_take() - step over @size bytes. Return: where they are, or NULL when they are not there. */
static __always_inline void *parse_take(struct parse_cursor *cursor, __u32 size)
{
	void *taken = cursor->pos;

	if (taken + size > cursor->end)
		return NULL;
	/* Else the caller's look for NULL stays behind as a second compare. */
	__builtin_assume(taken != NULL);
	cursor->pos = taken + size;
	return taken;
}

static __always_inline bool parse_is_tag(__u16 protocol)
{
	return protocol == PARSE_VLAN || protocol == PARSE_QINQ;
}

/* The tags from number @first on. */
static __always_inline int parse_tags(struct parse_cursor *cursor, struct parse_link *link,
				      int first)
{
#pragma unroll
	for (int i = first; i < PARSE_TAGS; i++) {
		struct parse_tag *tag;

		if (!parse_is_tag(link->protocol))
			break;
		tag = parse_take(cursor, sizeof(*tag));
		if (!tag)
			return -1;
		link->vlan[i] = bpf_ntohs(tag->tci) & 0x0fff;
		link->protocol = bpf_ntohs(tag->protocol);
		link->tags++;
	}
	return 0;
}

/* parse_link() - Ethernet and up to PARSE_TAGS tags. Return: 0, or -1 when truncated. */
static __always_inline int parse_link(struct parse_cursor *cursor, struct parse_link *link)
{
	*link = (struct parse_link){.eth = parse_take(cursor, sizeof(*link->eth))};
	if (!link->eth)
		return -1;
	link->protocol = bpf_ntohs(link->eth->h_proto);
	return parse_tags(cursor, link, 0);
}

static __always_inline struct parse_cursor parse_start_skb(const struct __sk_buff *skb)
{
	return (struct parse_cursor){
		.pos = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
	};
}

/*
 * Tunnels such as WireGuard and tun devices have packets that begin with IP. Nothing says so; but
 * then what stands where the EtherType would is an address, and the first bits are the version.
 */
static __always_inline bool parse_is_bare(const struct __sk_buff *skb, const void *data,
					  __u16 protocol)
{
	__u8 version = *(const __u8 *)data >> 4;

	if (bpf_htons(protocol) == skb->protocol || parse_is_tag(protocol))
		return false;
	return (skb->protocol == bpf_htons(PARSE_IPV4) && version == 4) ||
	       (skb->protocol == bpf_htons(PARSE_IPV6) && version == 6);
}

/*
 * parse_link_skb() - the same for TC: the outer tag may have been taken out of the packet, and
 * counts all the same; IP without an Ethernet header is found.
 */
static __always_inline int parse_link_skb(const struct __sk_buff *skb, struct parse_cursor *cursor,
					  struct parse_link *link)
{
	struct parse_cursor start = *cursor;
	struct ethhdr *eth = parse_take(cursor, sizeof(*eth));

	*link = (struct parse_link){};
	if (!eth)
		return -1;
	link->protocol = bpf_ntohs(eth->h_proto);
	if (parse_is_bare(skb, eth, link->protocol)) {
		*cursor = start;
		link->protocol = bpf_ntohs(skb->protocol);
		return 0;
	}
	link->eth = eth;
	if (!skb->vlan_present)
		return parse_tags(cursor, link, 0);
	link->vlan[0] = skb->vlan_tci & 0x0fff;
	link->tags = 1;
	return parse_tags(cursor, link, 1);
}

/*
 * parse_pull_skb() - make headers linear that are not. Cursors and pointers are invalid then.
 * Return: 0; -1 there is nothing more to be had.
 */
static __always_inline int parse_pull_skb(struct __sk_buff *skb)
{
	__u64 linear = (void *)(long)skb->data_end - (void *)(long)skb->data;
	__u32 wanted = skb->len < PARSE_HEADERS ? skb->len : PARSE_HEADERS;

	return linear < wanted && bpf_skb_pull_data(skb, wanted) == 0 ? 0 : -1;
}

/*
 * parse_ipv4() - the IPv4 header with its options.
 * Neither the checksum nor tot_len is looked at: the frame may be longer than the datagram.
 * Return: the header; NULL when truncated, not version 4, or of an impossible length.
 */
static __always_inline struct iphdr *parse_ipv4(struct parse_cursor *cursor,
						struct parse_upper *upper)
{
	struct iphdr *ip = parse_take(cursor, sizeof(*ip));
	__u32 size;
	__u16 fragment;

	if (!ip || ip->version != 4)
		return NULL;
	/* Again from the start: size minus 20 is what the verifier may not find a bound for. */
	size = ip->ihl * 4;
	cursor->pos = ip;
	if (size < sizeof(*ip) || !parse_take(cursor, size))
		return NULL;

	fragment = bpf_ntohs(ip->frag_off);
	*upper = (struct parse_upper){
		.protocol = ip->protocol,
		.more = fragment & 0x2000,
		.offset = (fragment & 0x1fff) * 8,
	};
	return ip;
}

/*
 * parse_ipv6() - the fixed IPv6 header; @upper may still name an extension header.
 * Return: the header; NULL when truncated or not version 6.
 */
static __always_inline struct ipv6hdr *parse_ipv6(struct parse_cursor *cursor,
						  struct parse_upper *upper)
{
	struct ipv6hdr *ip = parse_take(cursor, sizeof(*ip));

	if (!ip || ip->version != 6)
		return NULL;
	*upper = (struct parse_upper){.protocol = ip->nexthdr};
	return ip;
}

static __always_inline bool parse_is_extension(__u8 protocol)
{
	return protocol == PARSE_HOP_BY_HOP || protocol == PARSE_ROUTING ||
	       protocol == PARSE_FRAGMENT || protocol == PARSE_AUTHENTICATION ||
	       protocol == PARSE_DESTINATION;
}

/*
 * parse_extensions() - step over IPv6 extension headers, down to the upper layer's
 * header, or to the payload of a fragment that is not the first.
 * Return: 0; -1 when truncated, more than PARSE_EXTENSIONS, or longer than PARSE_CHAIN.
 */
static __always_inline int parse_extensions(struct parse_cursor *cursor, struct parse_upper *upper)
{
	void *start = cursor->pos;
	__u64 size = 0;

	/* 64 bits: before Linux 5.16 the verifier forgets a narrower counter once it is spilled. */
	for (__u64 i = 0; i <= PARSE_EXTENSIONS; i++) {
		const struct parse_extension *extension;
		__u8 protocol = upper->protocol;

		if (!parse_is_extension(protocol) || upper->offset)
			return 0;
		extension = parse_take(cursor, sizeof(*extension));
		if (!extension)
			return -1;
		upper->protocol = extension->next;
		size += sizeof(*extension);
		if (protocol == PARSE_FRAGMENT) {
			upper->more = bpf_ntohs(extension->offset) & 1;
			upper->offset = bpf_ntohs(extension->offset) & 0xfff8;
		} else {
			size += extension->length * (protocol == PARSE_AUTHENTICATION ? 4 : 8);
		}

		/*
		 * The mask changes nothing but what the verifier knows: the position has
		 * the same bounds after each turn, so it need not follow each number of
		 * headers to the end of the program. The asm keeps it in the code.
		 */
		if (size > PARSE_CHAIN)
			return -1;
		asm volatile("" : "+r"(size));
		size &= PARSE_CHAIN;
		cursor->pos = start + size;
		if (cursor->pos > cursor->end)
			return -1;
	}
	return -1;
}

/* Do its first four bytes hold a source and a destination port? */
static __always_inline bool parse_has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

/* Is it a part of a datagram? Then only the part with offset 0 has the upper layer's header. */
static __always_inline bool parse_is_fragment(const struct parse_upper *upper)
{
	return upper->more || upper->offset;
}

#endif
