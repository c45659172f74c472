/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* guard: drops packets that are malformed, or whose source address cannot be real. */
#include <braid/bpf/parse.h>

/* Verify the IPv4 header checksum. */
const volatile bool check_checksum = true;
/* Also drop sources that are private: RFC 1918, RFC 6598, 169.254/16, fc00::/7. */
const volatile bool drop_private = false;
/* The unspecified source is what DHCP, DAD and MLD use on the link: let those pass. */
const volatile bool allow_unspecified = true;

/* Indexes of counters; up to GUARD_NOT_IP the packet passed, from there on it was dropped. */
enum guard_reason {
	GUARD_OK,
	GUARD_NOT_IP,
	GUARD_LINK,
	GUARD_IPV4_HEADER,
	GUARD_IPV4_LENGTH,
	GUARD_IPV4_CHECKSUM,
	GUARD_IPV6_HEADER,
	GUARD_IPV6_LENGTH,
	GUARD_IPV6_EXTENSIONS,
	GUARD_FRAGMENT,
	GUARD_TCP_HEADER,
	GUARD_TCP_FLAGS,
	GUARD_UDP_HEADER,
	GUARD_ICMP_HEADER,
	GUARD_MARTIAN,
	GUARD_PRIVATE,
	GUARD_REASONS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, GUARD_REASONS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline void count(__u32 reason)
{
	__u64 *packets = bpf_map_lookup_elem(&counters, &reason);

	if (packets)
		(*packets)++;
}

static __always_inline bool ipv4_checksum_ok(const struct iphdr *ip, void *end)
{
	const __u16 *word = (const __u16 *)ip;
	__u32 sum = 0;

	/* At most 30 words; the header was parsed, the compare is for the verifier. */
	for (__u64 i = 0; i < 30; i++) {
		if (i >= ip->ihl * 2u || (void *)(word + i + 1) > end)
			break;
		sum += word[i];
	}
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/* Is @address, host order, in the network @prefix/@bits? */
static __always_inline bool within(__u32 address, __u32 prefix, int bits)
{
	return (address ^ prefix) >> (32 - bits) == 0;
}

static __always_inline enum guard_reason check_source_ipv4(const struct iphdr *ip)
{
	__u32 source = bpf_ntohl(ip->saddr), to = bpf_ntohl(ip->daddr);

	if (source == 0 && allow_unspecified && (to == 0xffffffff || within(to, 0xe0000000, 24)))
		return GUARD_OK;
	if (within(source, 0, 8) || within(source, 0x7f000000, 8) ||
	    source >= 0xe0000000) /* 224/4 multicast, 240/4 reserved and broadcast */
		return GUARD_MARTIAN;
	if (drop_private && (within(source, 0x0a000000, 8) || within(source, 0xac100000, 12) ||
			     within(source, 0xc0a80000, 16) || within(source, 0x64400000, 10) ||
			     within(source, 0xa9fe0000, 16)))
		return GUARD_PRIVATE;
	return GUARD_OK;
}

static __always_inline enum guard_reason check_source_ipv6(const struct ipv6hdr *ip)
{
	const __be32 *source = ip->saddr.in6_u.u6_addr32;
	__u32 first = bpf_ntohl(source[0]), last = bpf_ntohl(source[3]);
	__u32 to = bpf_ntohl(ip->daddr.in6_u.u6_addr32[0]);

	if (!source[0] && !source[1]) {
		if (!source[2] && last == 0 && allow_unspecified && to >> 16 == 0xff02)
			return GUARD_OK;
		/* ::, ::1, and ::ffff:0:0/96, which is never on the wire */
		if ((!source[2] && last <= 1) || source[2] == bpf_htonl(0xffff))
			return GUARD_MARTIAN;
	}
	if (first >> 24 == 0xff)
		return GUARD_MARTIAN;
	if (drop_private && within(first, 0xfc000000, 7))
		return GUARD_PRIVATE;
	return GUARD_OK;
}

/* @left: bytes of the datagram, as its IP header says, that lie behind the IP headers. */
static __always_inline enum guard_reason check_fragment(const struct parse_upper *upper, __u32 left)
{
	if (!left || (upper->more && left % 8) || upper->offset + left > 65535)
		return GUARD_FRAGMENT;
	/* It would overwrite the flags of the first fragment's TCP header (RFC 1858). */
	if (upper->protocol == IPPROTO_TCP && upper->offset &&
	    upper->offset < sizeof(struct tcphdr))
		return GUARD_FRAGMENT;
	return GUARD_OK;
}

static __always_inline enum guard_reason check_tcp(struct parse_cursor *cursor, __u32 left)
{
	const struct tcphdr *tcp = parse_take(cursor, sizeof(*tcp));
	__u32 opening;

	if (!tcp || left < sizeof(*tcp) || tcp->doff < 5 || tcp->doff * 4 > left)
		return GUARD_TCP_HEADER;
	/*
	 * A segment opens, closes or resets, never two at once (SYN+FIN). Only SYN and
	 * RST may lack an ACK, so "null" and "xmas" (FIN, PSH, URG) cannot be either.
	 */
	opening = tcp->syn + tcp->rst;
	if (opening + tcp->fin > 1 || (!tcp->ack && !opening))
		return GUARD_TCP_FLAGS;
	return GUARD_OK;
}

static __always_inline enum guard_reason check_udp(struct parse_cursor *cursor, __u32 left,
						   bool fragment)
{
	const struct udphdr *udp = parse_take(cursor, sizeof(*udp));
	__u32 length;

	if (!udp || left < sizeof(*udp))
		return GUARD_UDP_HEADER;
	length = bpf_ntohs(udp->len);
	/* A first fragment's length is that of the whole datagram. */
	if (length < sizeof(*udp) || (length > left && !fragment))
		return GUARD_UDP_HEADER;
	return GUARD_OK;
}

static __always_inline enum guard_reason check_upper(struct parse_cursor *cursor,
						     const struct parse_upper *upper, __u32 left)
{
	bool fragment = parse_is_fragment(upper);

	if (fragment) {
		enum guard_reason reason = check_fragment(upper, left);

		if (reason != GUARD_OK || upper->offset)
			return reason;
	}
	switch (upper->protocol) {
	case IPPROTO_TCP:
		return check_tcp(cursor, left);
	case IPPROTO_UDP:
		return check_udp(cursor, left, fragment);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return left < 8 || !parse_take(cursor, 8) ? GUARD_ICMP_HEADER : GUARD_OK;
	default:
		return GUARD_OK;
	}
}

/* Checks the IP header. @ret_left: bytes of the datagram that lie behind it. */
static __always_inline enum guard_reason check_ipv4(struct parse_cursor *cursor,
						    struct parse_upper *ret_upper, __u32 *ret_left)
{
	void *start = cursor->pos;
	const struct iphdr *ip = parse_ipv4(cursor, ret_upper);
	__u32 total, header;

	if (!ip)
		return GUARD_IPV4_HEADER;
	total = bpf_ntohs(ip->tot_len);
	header = ip->ihl * 4;
	if (total < header || total > cursor->end - start)
		return GUARD_IPV4_LENGTH;
	if (check_checksum && !ipv4_checksum_ok(ip, cursor->end))
		return GUARD_IPV4_CHECKSUM;
	*ret_left = total - header;
	return check_source_ipv4(ip);
}

/* The same, and the extension headers with it. */
static __always_inline enum guard_reason check_ipv6(struct parse_cursor *cursor,
						    struct parse_upper *ret_upper, __u32 *ret_left)
{
	const struct ipv6hdr *ip = parse_ipv6(cursor, ret_upper);
	void *start = cursor->pos;
	__u32 payload, extensions;

	if (!ip)
		return GUARD_IPV6_HEADER;
	/* A jumbogram says 0 here and does not fit on Ethernet: its headers exceed the 0. */
	payload = bpf_ntohs(ip->payload_len);
	if (payload > cursor->end - start)
		return GUARD_IPV6_LENGTH;
	if (parse_extensions(cursor, ret_upper) < 0)
		return GUARD_IPV6_EXTENSIONS;
	extensions = cursor->pos - start;
	if (extensions > payload)
		return GUARD_IPV6_EXTENSIONS;
	*ret_left = payload - extensions;
	return check_source_ipv6(ip);
}

static __always_inline enum guard_reason check(struct xdp_md *ctx)
{
	struct parse_cursor cursor = parse_start(ctx);
	struct parse_link link;
	struct parse_upper upper;
	enum guard_reason reason;
	__u32 left;

	if (parse_link(&cursor, &link) < 0)
		return GUARD_LINK;
	switch (link.protocol) {
	case PARSE_IPV4:
		reason = check_ipv4(&cursor, &upper, &left);
		break;
	case PARSE_IPV6:
		reason = check_ipv6(&cursor, &upper, &left);
		break;
	case PARSE_VLAN:
	case PARSE_QINQ: /* a third tag would hide what is behind it from every check */
		return GUARD_LINK;
	default:
		return GUARD_NOT_IP;
	}
	return reason != GUARD_OK ? reason : check_upper(&cursor, &upper, left);
}

SEC("xdp") int guard(struct xdp_md *ctx)
{
	enum guard_reason reason = check(ctx);

	count(reason);
	return reason <= GUARD_NOT_IP ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
