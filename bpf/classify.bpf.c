// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a choice looks at: each program returns one field of the packet as a number in host
 * byte order. They are parts of a pipeline in front of a switch, never programs of their own.
 */
#include <braid/bpf/parse.h>

#define NO_FIELD 0xffffffffu

/* The IP header and what is above it. Return: 0; -1 no IP, or not all of it. */
static __always_inline int read_upper(struct xdp_md *ctx, struct parse_cursor *cursor,
				      struct parse_upper *upper)
{
	struct parse_link link;

	*cursor = parse_start(ctx);
	if (parse_link(cursor, &link) < 0)
		return -1;
	if (link.protocol == PARSE_IPV4)
		return parse_ipv4(cursor, upper) ? 0 : -1;
	if (link.protocol != PARSE_IPV6 || !parse_ipv6(cursor, upper))
		return -1;
	return parse_extensions(cursor, upper);
}

/* Behind VLAN tags. A frame with a length there (802.3) has none. */
SEC("xdp") int braid_ethertype(struct xdp_md *ctx)
{
	struct parse_cursor cursor = parse_start(ctx);
	struct parse_link link;

	if (parse_link(&cursor, &link) < 0 || link.protocol < PARSE_ETHERTYPES)
		return NO_FIELD;
	return link.protocol;
}

/* Of the outer tag; 0: there is none. */
SEC("xdp") int braid_vlan(struct xdp_md *ctx)
{
	struct parse_cursor cursor = parse_start(ctx);
	struct parse_link link;

	return parse_link(&cursor, &link) < 0 ? NO_FIELD : link.vlan[0];
}

SEC("xdp") int braid_protocol(struct xdp_md *ctx)
{
	struct parse_cursor cursor;
	struct parse_upper upper;

	return read_upper(ctx, &cursor, &upper) < 0 ? NO_FIELD : upper.protocol;
}

SEC("xdp") int braid_dscp(struct xdp_md *ctx)
{
	struct parse_cursor cursor = parse_start(ctx);
	struct parse_link link;
	struct parse_upper upper;

	if (parse_link(&cursor, &link) < 0)
		return NO_FIELD;
	if (link.protocol == PARSE_IPV4) {
		const struct iphdr *ip = parse_ipv4(&cursor, &upper);

		return ip ? ip->tos >> 2 : NO_FIELD;
	}
	if (link.protocol == PARSE_IPV6) {
		const struct ipv6hdr *ip = parse_ipv6(&cursor, &upper);

		return ip ? ip->priority << 2 | ip->flow_lbl[0] >> 6 : NO_FIELD;
	}
	return NO_FIELD;
}

/* Of TCP, UDP and SCTP; 0: another protocol, or a fragment that is not the first. */
SEC("xdp") int braid_destination_port(struct xdp_md *ctx)
{
	struct parse_cursor cursor;
	struct parse_upper upper;
	const __be16 *ports;

	if (read_upper(ctx, &cursor, &upper) < 0 || upper.offset ||
	    !parse_has_ports(upper.protocol))
		return 0;
	ports = parse_take(&cursor, 2 * sizeof(*ports));
	return ports ? bpf_ntohs(ports[1]) : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
