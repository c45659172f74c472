/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* flowstat: packets, bytes, times and TCP flags of every flow. Never drops. */
#include <braid/bpf/parse.h>
#include <bpf/bpf_core_read.h>

/* Keep the records of VLANs apart; without, one record for a flow on all of them. */
const volatile bool by_vlan = true;

/* Indexes of counters. */
enum flowstat_count {
	FLOWSTAT_COUNTED,
	FLOWSTAT_NEW,       /* of those, first of a flow on any CPU, or back after eviction */
	FLOWSTAT_NO_ENTRY,  /* not counted: the map took no new entry */
	FLOWSTAT_NOT_IP,    /* not counted */
	FLOWSTAT_MALFORMED, /* not counted: headers truncated, or too many of them */
	FLOWSTAT_COUNTS,
};

/* Ports are 0 where there are none: other protocols, fragments behind the first. */
struct flow {
	struct in6_addr source; /* IPv4 addresses are mapped, ::ffff:a.b.c.d */
	struct in6_addr destination;
	__be16 source_port;
	__be16 destination_port;
	__u16 vlan[2]; /* ids, outermost first; 0: no tag */
	__u8 protocol; /* IPPROTO_*, behind IPv6's extension headers */
	__u8 pad[3];
};

/* One CPU's part: a reader adds packets and bytes up, and ignores parts without packets. */
struct record {
	__u64 packets;
	__u64 bytes;      /* of whole frames, without FCS */
	__u64 first_seen; /* CLOCK_MONOTONIC, ns */
	__u64 last_seen;
	__u32 tcp_flags; /* of all packets, or-ed; bits as in byte 13 of the TCP header */
	__u32 pad;
};

/* Per CPU: exact without atomic operations, as nothing else runs on a CPU's own part. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, struct record);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FLOWSTAT_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline void count(__u32 what)
{
	__u64 *packets = bpf_map_lookup_elem(&counters, &what);

	if (packets)
		(*packets)++;
}

static __always_inline void set_ipv4(struct in6_addr *mapped, __be32 address)
{
	mapped->in6_u.u6_addr32[2] = bpf_htonl(0xffff);
	mapped->in6_u.u6_addr32[3] = address;
}

static __always_inline int read_ip(struct parse_cursor *cursor, __u16 protocol,
				   struct parse_upper *upper, struct flow *flow)
{
	if (protocol == PARSE_IPV4) {
		const struct iphdr *ip = parse_ipv4(cursor, upper);

		if (!ip)
			return -1;
		set_ipv4(&flow->source, ip->saddr);
		set_ipv4(&flow->destination, ip->daddr);
	} else {
		const struct ipv6hdr *ip = parse_ipv6(cursor, upper);

		if (!ip)
			return -1;
		flow->source = ip->saddr;
		flow->destination = ip->daddr;
		if (parse_extensions(cursor, upper) < 0)
			return -1;
	}
	flow->protocol = upper->protocol;
	return 0;
}

/* Return: the TCP flags, 0 for other protocols; -1 when truncated. */
static __always_inline int read_ports(struct parse_cursor *cursor, struct flow *flow)
{
	const struct tcphdr *tcp;
	const __be16 *ports;

	switch (flow->protocol) {
	case IPPROTO_TCP:
		tcp = parse_take(cursor, sizeof(*tcp));
		if (!tcp)
			return -1;
		flow->source_port = tcp->source;
		flow->destination_port = tcp->dest;
		return ((const __u8 *)tcp)[13];
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP: /* the ports are the first four bytes of all these */
		ports = parse_take(cursor, 2 * sizeof(*ports));
		if (!ports)
			return -1;
		flow->source_port = ports[0];
		flow->destination_port = ports[1];
		return 0;
	default:
		return 0;
	}
}

static __always_inline struct record *record_of(const struct flow *flow)
{
	struct record *record = bpf_map_lookup_elem(&flows, flow), empty = {};

	if (record)
		return record;
	/* Another CPU may be first: then there is an entry already, with a part for us. */
	if (!bpf_map_update_elem(&flows, flow, &empty, BPF_NOEXIST))
		count(FLOWSTAT_NEW);
	return bpf_map_lookup_elem(&flows, flow);
}

/*
 * With frags, data_end is the end of the first buffer only. The helper came with
 * frags in Linux 5.18; as a stage among others this one also runs without either.
 */
static __always_inline __u64 frame_length(struct xdp_md *ctx)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_xdp_get_buff_len))
		return bpf_xdp_get_buff_len(ctx);
	return ctx->data_end - ctx->data;
}

/* Return: what the packet counts as. Headers are taken to lie in the first buffer. */
static __always_inline enum flowstat_count account(struct xdp_md *ctx)
{
	struct parse_cursor cursor = parse_start(ctx);
	struct parse_link link;
	struct parse_upper upper;
	struct flow flow = {};
	struct record *record;
	int flags = 0;

	if (parse_link(&cursor, &link) < 0)
		return FLOWSTAT_MALFORMED;
	if (link.protocol != PARSE_IPV4 && link.protocol != PARSE_IPV6)
		return FLOWSTAT_NOT_IP;
	if (read_ip(&cursor, link.protocol, &upper, &flow) < 0)
		return FLOWSTAT_MALFORMED;
	if (!upper.offset)
		flags = read_ports(&cursor, &flow);
	if (flags < 0)
		return FLOWSTAT_MALFORMED;
	if (by_vlan) {
		flow.vlan[0] = link.vlan[0];
		flow.vlan[1] = link.vlan[1];
	}

	record = record_of(&flow);
	if (!record)
		return FLOWSTAT_NO_ENTRY;
	record->last_seen = bpf_ktime_get_ns();
	if (!record->packets)
		record->first_seen = record->last_seen;
	record->packets++;
	record->bytes += frame_length(ctx);
	record->tcp_flags |= flags;
	return FLOWSTAT_COUNTED;
}

SEC("xdp.frags") int flowstat(struct xdp_md *ctx)
{
	count(account(ctx));
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
