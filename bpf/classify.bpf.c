// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a choice looks at: each program returns one field of the packet as a number in host
 * byte order. They are parts of a pipeline in front of a switch, never programs of their own.
 */
#include "packet.h"

#define NO_FIELD 0xffffffffu

/* The IP header and what is above it. Return: 0; -1 no IP, or not all of it. */
static __always_inline int read_upper(CONTEXT *ctx, struct parse_cursor *cursor,
				      struct parse_upper *upper)
{
	struct parse_link link;

	if (packet_begin(ctx, cursor, &link) < 0)
		return -1;
	if (link.protocol == PARSE_IPV4)
		return parse_ipv4(cursor, upper) ? 0 : -1;
	if (link.protocol != PARSE_IPV6 || !parse_ipv6(cursor, upper))
		return -1;
	return parse_extensions(cursor, upper);
}

READER __u32 read_ethertype(CONTEXT *ctx)
{
	struct parse_cursor cursor;
	struct parse_link link;

	if (packet_begin(ctx, &cursor, &link) < 0 || link.protocol < PARSE_ETHERTYPES)
		return NO_FIELD;
	return link.protocol;
}

READER __u32 read_vlan(CONTEXT *ctx)
{
	struct parse_cursor cursor;
	struct parse_link link;

	return packet_begin(ctx, &cursor, &link) < 0 ? NO_FIELD : link.vlan[0];
}

READER __u32 read_protocol(CONTEXT *ctx)
{
	struct parse_cursor cursor;
	struct parse_upper upper;

	return read_upper(ctx, &cursor, &upper) < 0 ? NO_FIELD : upper.protocol;
}

READER __u32 read_dscp(CONTEXT *ctx)
{
	struct parse_cursor cursor;
	struct parse_link link;
	struct parse_upper upper;

	if (packet_begin(ctx, &cursor, &link) < 0)
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

READER __u32 read_destination_port(CONTEXT *ctx)
{
	struct parse_cursor cursor;
	struct parse_upper upper;
	const __be16 *ports;

	if (read_upper(ctx, &cursor, &upper) < 0)
		return NO_FIELD;
	if (upper.offset || !parse_has_ports(upper.protocol))
		return 0;
	ports = parse_take(&cursor, 2 * sizeof(*ports));
	return ports ? bpf_ntohs(ports[1]) : NO_FIELD;
}

#define READ(field, ctx)                                                                           \
	({                                                                                         \
		__u32 value_ = read_##field(ctx);                                                  \
		if (value_ == NO_FIELD && packet_more(ctx))                                        \
			value_ = read_##field(ctx);                                                \
		value_;                                                                            \
	})

/* Behind VLAN tags. A frame with a length there (802.3) has none. */
SEC(SECTION) int braid_ethertype(CONTEXT *ctx)
{
	return READ(ethertype, ctx);
}

/* Of the outer tag; 0: there is none. */
SEC(SECTION) int braid_vlan(CONTEXT *ctx)
{
	return READ(vlan, ctx);
}

SEC(SECTION) int braid_protocol(CONTEXT *ctx)
{
	return READ(protocol, ctx);
}

SEC(SECTION) int braid_dscp(CONTEXT *ctx)
{
	return READ(dscp, ctx);
}

/* Of TCP, UDP and SCTP; 0: another protocol, or a fragment that is not the first. */
SEC(SECTION) int braid_destination_port(CONTEXT *ctx)
{
	__u32 port = READ(destination_port, ctx);

	return port == NO_FIELD ? 0 : port;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
