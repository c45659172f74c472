/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * State of flows, which stages of a pipeline may share.
 *
 *	struct state {
 *		__u64 packets;
 *	};
 *	BRAID_FLOWS(struct state, 65536);
 *
 *	struct braid_flow key;
 *	struct state *state;
 *
 *	if (braid_flow_key(ctx, &key) < 0)		TC: braid_flow_key_skb()
 *		return XDP_PASS;			no IP
 *	state = braid_flow_get(&key);
 *	if (state)
 *		__sync_fetch_and_add(&state->packets, 1);
 */
#ifndef BRAID_BPF_FLOW_H
#define BRAID_BPF_FLOW_H

#include <braid/bpf/parse.h>

/*
 * One direction of a flow; the other one is another flow. Ports are 0 where there are none: not
 * TCP, UDP or SCTP; and for all fragments of a datagram, so that they have one flow.
 */
struct braid_flow {
	struct in6_addr source; /* IPv4 addresses are mapped, ::ffff:a.b.c.d */
	struct in6_addr destination;
	__be16 source_port;
	__be16 destination_port;
	__u8 protocol; /* behind IPv6's extension headers; of a fragment: 0 */
	__u8 pad[3];
};

/*
 * BRAID_FLOWS(content, flows) - a map of @flows flows, of which the least recently used go first.
 * All stages of a pipeline that say it have one map; they must say it of the same type. The value
 * is one for all CPUs: count with __sync_fetch_and_add(). It must fit into the stack beside what
 * else is there: some 300 bytes.
 */
#define BRAID_FLOWS(content, flows)                                                                \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_LRU_HASH);                                               \
		__uint(max_entries, flows);                                                        \
		__type(key, struct braid_flow);                                                    \
		__type(value, content);                                                            \
	} braid_flows SEC(".maps")

/* The state of a flow; NULL: it has none. Costs one helper call, a lookup by 40 bytes. */
#define braid_flow_find(key) ((__typeof__(braid_flows.value))bpf_map_lookup_elem(&braid_flows, key))

/*
 * The same, and a new one, of zeroes, where there is none; NULL: the map takes no more. Costs
 * one helper call, for a new flow three.
 */
#define braid_flow_get(key)                                                                        \
	({                                                                                         \
		const struct braid_flow *braid_key_ = (key);                                       \
		__typeof__(braid_flows.value) braid_state_ = braid_flow_find(braid_key_);          \
		if (!braid_state_) {                                                               \
			__typeof__(*braid_flows.value) braid_empty_;                               \
			__builtin_memset(&braid_empty_, 0, sizeof(braid_empty_));                  \
			/* another CPU may be first: then that one is it */                        \
			bpf_map_update_elem(&braid_flows, braid_key_, &braid_empty_, BPF_NOEXIST); \
			braid_state_ = braid_flow_find(braid_key_);                                \
		}                                                                                  \
		braid_state_;                                                                      \
	})

static __always_inline void braid_flow_ports(struct parse_cursor *cursor,
					     const struct parse_upper *upper,
					     struct braid_flow *flow)
{
	const __be16 *ports;

	if (parse_is_fragment(upper))
		return;
	flow->protocol = upper->protocol;
	if (!parse_has_ports(upper->protocol))
		return;
	ports = parse_take(cursor, 2 * sizeof(*ports));
	if (!ports)
		return;
	flow->source_port = ports[0];
	flow->destination_port = ports[1];
}

static __always_inline int braid_flow_read4(struct parse_cursor *cursor, struct braid_flow *flow)
{
	struct parse_upper upper;
	const struct iphdr *ip = parse_ipv4(cursor, &upper);

	if (!ip)
		return -1;
	flow->source.in6_u.u6_addr32[2] = bpf_htonl(0xffff);
	flow->source.in6_u.u6_addr32[3] = ip->saddr;
	flow->destination.in6_u.u6_addr32[2] = bpf_htonl(0xffff);
	flow->destination.in6_u.u6_addr32[3] = ip->daddr;
	braid_flow_ports(cursor, &upper, flow);
	return 0;
}

static __always_inline int braid_flow_read6(struct parse_cursor *cursor, struct braid_flow *flow)
{
	struct parse_upper upper;
	const struct ipv6hdr *ip = parse_ipv6(cursor, &upper);

	if (!ip)
		return -1;
	flow->source = ip->saddr;
	flow->destination = ip->daddr;
	if (parse_extensions(cursor, &upper) == 0)
		braid_flow_ports(cursor, &upper, flow);
	return 0;
}

static __always_inline int braid_flow_read(struct parse_cursor *cursor, __u16 protocol,
					   struct braid_flow *flow)
{
	if (protocol == PARSE_IPV4)
		return braid_flow_read4(cursor, flow);
	return protocol == PARSE_IPV6 ? braid_flow_read6(cursor, flow) : -1;
}

/*
 * braid_flow_key() - the flow of a packet.
 * Return: 0; -1 no IP, or its header is not all there. No helper; some 100 instructions for
 * IPv4, and for IPv6 some 20 more for each extension header.
 */
static __always_inline int braid_flow_key(const struct xdp_md *ctx, struct braid_flow *flow)
{
	struct parse_cursor cursor = parse_start(ctx);
	struct parse_link link;

	__builtin_memset(flow, 0, sizeof(*flow));
	if (parse_link(&cursor, &link) < 0)
		return -1;
	return braid_flow_read(&cursor, link.protocol, flow);
}

/*
 * braid_flow_key_skb() - the same in a TC program. Headers must be linear: see parse_pull_skb(),
 * which invalidates pointers into the packet.
 */
static __always_inline int braid_flow_key_skb(const struct __sk_buff *skb, struct braid_flow *flow)
{
	struct parse_cursor cursor = parse_start_skb(skb);
	struct parse_link link;

	__builtin_memset(flow, 0, sizeof(*flow));
	if (parse_link_skb(skb, &cursor, &link) < 0)
		return -1;
	return braid_flow_read(&cursor, link.protocol, flow);
}

#endif
