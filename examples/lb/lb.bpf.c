/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * lb: sends packets for virtual addresses (VIPs) to backends, by Maglev consistent
 * hashing, in a tunnel: IPv4 or IPv6 in IPv4 or IPv6. All else passes.
 */
#include <braid/bpf/parse.h>

/* Where tunnels start; a backend whose family has none here gets nothing. */
const volatile __be32 source4 = 0;
const volatile __u8 source6[16] = {};
/* Entries of one VIP's lookup table: a prime. */
const volatile __u32 table_size = 65537;
/* TTL or hop limit of the outer header. */
const volatile __u8 ttl = 64;
/* Makes the choice of the backend unpredictable; equal on all balancers of a VIP. */
const volatile __u64 seed = 0;

#define BACKENDS 1024
#define IPV4_DF  0x4000

/* Indexes of counters. */
enum lb_count {
	LB_SENT,
	LB_NOT_VIP,    /* passed */
	LB_MALFORMED,  /* passed */
	LB_FRAGMENT,   /* passed: for an address whose VIPs all have ports, so it may be any's */
	LB_NO_BACKEND, /* dropped: table, backend or tunnel source not set */
	LB_TOO_BIG,    /* dropped: larger than the MTU with the outer header */
	LB_NO_ROOM,    /* dropped: no headroom for the outer header */
	LB_COUNTS,
};

/* Port 0 means every port, and fragments too: those flows are hashed without their ports. */
struct vip {
	__u8 address[16]; /* IPv4 ones mapped, ::ffff:a.b.c.d */
	__u16 port;       /* host order */
	__u8 protocol;    /* IPPROTO_TCP, _UDP, _SCTP */
	__u8 pad;
};

struct backend {
	__u8 address[16]; /* where its tunnel ends; IPv4 ones mapped */
	__u8 mac[6];      /* the backend's, or its router's */
	__u8 pad[2];
};

struct sent {
	__u64 packets;
	__u64 bytes; /* of datagrams as they arrived */
};

/* Value: which table of tables the VIP uses; VIPs may share one. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct vip);
	__type(value, __u32);
} vips SEC(".maps");

/* Tables of table_size entries, one behind the other. Value: index into backends. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4 * 65537);
	__type(key, __u32);
	__type(value, __u32);
} tables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BACKENDS);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

/* What went to each backend. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BACKENDS);
	__type(key, __u32);
	__type(value, struct sent);
} sent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LB_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* What is known of a packet; no pointers, so it outlives bpf_xdp_adjust_head(). */
struct flow {
	struct vip vip;         /* key: where it goes */
	struct in6_addr source; /* IPv4 ones mapped */
	__u32 ports;            /* as in the packet; 0 when not known */
	__u16 l2;               /* bytes before the IP header: 14, 18 or 22 */
	__u16 length;           /* of the datagram, IP header included */
	bool ipv6;
	bool fragment;
	__u8 class; /* TOS or traffic class: DSCP and ECN */
};

/*
 * As much as a link header can have: Ethernet and PARSE_TAGS tags. With fewer tags
 * the end is the datagram's, which is longer than the 8 bytes.
 */
struct link_header {
	__be16 half[11];
};

static __always_inline void count(__u32 what)
{
	__u64 *packets = bpf_map_lookup_elem(&counters, &what);

	if (packets)
		(*packets)++;
}

static __always_inline void map_ipv4(void *address, __be32 ipv4)
{
	__be32 mapped[4] = {0, 0, bpf_htonl(0xffff), ipv4};

	__builtin_memcpy(address, mapped, sizeof(mapped));
}

static __always_inline int read_ipv4(struct parse_cursor *cursor, struct parse_upper *upper,
				     struct flow *flow)
{
	void *start = cursor->pos;
	const struct iphdr *ip = parse_ipv4(cursor, upper);

	if (!ip)
		return -1;
	flow->length = bpf_ntohs(ip->tot_len);
	if (flow->length < ip->ihl * 4 || flow->length > cursor->end - start)
		return -1;
	map_ipv4(&flow->source, ip->saddr);
	map_ipv4(flow->vip.address, ip->daddr);
	flow->class = ip->tos;
	return 0;
}

static __always_inline int read_ipv6(struct parse_cursor *cursor, struct parse_upper *upper,
				     struct flow *flow)
{
	void *start = cursor->pos;
	const struct ipv6hdr *ip = parse_ipv6(cursor, upper);
	__u32 length;

	if (!ip)
		return -1;
	length = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	if (length > cursor->end - start || parse_extensions(cursor, upper) < 0)
		return -1;
	flow->length = length;
	flow->ipv6 = true;
	flow->source = ip->saddr;
	__builtin_memcpy(flow->vip.address, &ip->daddr, sizeof(flow->vip.address));
	flow->class = bpf_ntohs(*(const __be16 *)ip) >> 4;
	return 0;
}

/* Return: LB_SENT when there is a flow to look up, else why there is none. */
static __always_inline enum lb_count read_flow(const struct xdp_md *ctx, struct flow *flow)
{
	struct parse_cursor cursor = parse_start(ctx);
	struct parse_link link;
	struct parse_upper upper;
	int r;

	if (parse_link(&cursor, &link) < 0)
		return LB_MALFORMED;
	if (link.eth->h_dest[0] & 1) /* multicast: it is not for us alone */
		return LB_NOT_VIP;
	if (link.protocol == PARSE_IPV4)
		r = read_ipv4(&cursor, &upper, flow);
	else if (link.protocol == PARSE_IPV6)
		r = read_ipv6(&cursor, &upper, flow);
	else
		return LB_NOT_VIP;
	if (r < 0)
		return LB_MALFORMED;

	flow->l2 = sizeof(struct ethhdr) + link.tags * sizeof(struct parse_tag);
	flow->vip.protocol = upper.protocol;
	flow->fragment = parse_is_fragment(&upper);
	if (upper.protocol != IPPROTO_TCP && upper.protocol != IPPROTO_UDP &&
	    upper.protocol != IPPROTO_SCTP)
		return LB_NOT_VIP;
	if (!flow->fragment) {
		const __be16 *ports = parse_take(&cursor, 2 * sizeof(*ports));

		if (!ports)
			return LB_MALFORMED;
		flow->ports = (__u32)ports[0] << 16 | ports[1];
		flow->vip.port = bpf_ntohs(ports[1]);
	}
	return LB_SENT;
}

static __always_inline const __u32 *find_table(struct flow *flow)
{
	const __u32 *table = NULL;

	if (flow->vip.port) /* 0 also when it is a fragment */
		table = bpf_map_lookup_elem(&vips, &flow->vip);
	if (table)
		return table;
	flow->vip.port = 0;
	flow->ports = 0;
	return bpf_map_lookup_elem(&vips, &flow->vip);
}

static __always_inline __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}

static __always_inline __u64 hash_flow(const struct flow *flow)
{
	const __be32 *source = flow->source.in6_u.u6_addr32;
	__u64 hash = seed;

	hash = mix(hash, (__u64)source[0] << 32 | source[1]);
	hash = mix(hash, (__u64)source[2] << 32 | source[3]);
	return mix(hash, (__u64)flow->vip.protocol << 32 | flow->ports);
}

static __always_inline bool is_mapped(const struct in6_addr *address)
{
	const __be32 *words = address->in6_u.u6_addr32;

	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

static __always_inline bool is_zero(const struct in6_addr *address)
{
	const __be32 *words = address->in6_u.u6_addr32;

	return !(words[0] | words[1] | words[2] | words[3]);
}

/* The one's complement sum over a header without options whose check field is 0. */
static __always_inline __u16 ipv4_checksum(const struct iphdr *ip)
{
	const __u16 *words = (const __u16 *)ip;
	__u32 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < sizeof(*ip) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline void write_ipv4(struct iphdr *ip, const struct flow *flow, __be32 to)
{
	struct iphdr outer = {
		.version = 4,
		.ihl = sizeof(outer) / 4,
		.tos = flow->class,
		.tot_len = bpf_htons(sizeof(outer) + flow->length),
		/* Never fragmented, so id may be 0 (RFC 6864). */
		.frag_off = bpf_htons(IPV4_DF),
		.ttl = ttl,
		.protocol = flow->ipv6 ? IPPROTO_IPV6 : IPPROTO_IPIP,
		.saddr = source4,
		.daddr = to,
	};

	outer.check = ipv4_checksum(&outer);
	*ip = outer;
}

static __always_inline void read_source6(struct in6_addr *address)
{
#pragma unroll
	for (__u32 i = 0; i < sizeof(source6); i++)
		address->in6_u.u6_addr8[i] = source6[i];
}

/* The flow label carries the hash, so that routers spread the flows of one tunnel (RFC 6438). */
static __always_inline void write_ipv6(struct ipv6hdr *ip, const struct flow *flow, __u64 hash,
				       const struct backend *backend)
{
	__u32 label = (hash >> 32) & 0xfffff;
	__be32 first = bpf_htonl(6u << 28 | (__u32)flow->class << 20 | label);
	struct ipv6hdr outer = {
		.payload_len = bpf_htons(flow->length),
		.nexthdr = flow->ipv6 ? IPPROTO_IPV6 : IPPROTO_IPIP,
		.hop_limit = ttl,
	};

	__builtin_memcpy(&outer, &first, sizeof(first));
	read_source6(&outer.saddr);
	__builtin_memcpy(&outer.daddr, backend->address, sizeof(outer.daddr));
	*ip = outer;
}

static __always_inline bool is_usable(const struct backend *backend)
{
	struct in6_addr source, to;

	__builtin_memcpy(&to, backend->address, sizeof(to));
	if (is_mapped(&to))
		return source4 && to.in6_u.u6_addr32[3];
	read_source6(&source);
	return !is_zero(&source) && !is_zero(&to);
}

/*
 * Puts the outer header between the link header and the datagram. The tags stay:
 * the packet leaves on the VLAN that it came from.
 */
static __always_inline enum lb_count encapsulate(struct xdp_md *ctx, const struct flow *flow,
						 const struct backend *backend, __u64 hash)
{
	struct in6_addr to;
	bool ipv4;
	__u64 offset = flow->l2 - sizeof(__be16);
	__u32 outer, mtu;
	struct link_header *link, saved;
	__be16 *ethertype;

	__builtin_memcpy(&to, backend->address, sizeof(to));
	ipv4 = is_mapped(&to);
	outer = ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	mtu = flow->length + outer; /* in: length to be checked; out: the MTU */
	if (bpf_check_mtu(ctx, 0, &mtu, 0, 0))
		return LB_TOO_BIG;

	link = (void *)(long)ctx->data;
	if ((void *)(link + 1) > (void *)(long)ctx->data_end)
		return LB_NO_ROOM;
	saved = *link;
	if (bpf_xdp_adjust_head(ctx, -(int)outer))
		return LB_NO_ROOM;

	/* 12, 16 or 20, which the verifier may have lost sight of. */
	asm volatile("" : "+r"(offset));
	offset &= 0x1c;
	link = (void *)(long)ctx->data;
	ethertype = (void *)link + offset;
	/* Both fit: the datagram behind the outer header has at least 20 bytes. */
	if ((void *)(link + 1) > (void *)(long)ctx->data_end ||
	    (void *)(ethertype + 1) + sizeof(struct ipv6hdr) > (void *)(long)ctx->data_end)
		return LB_NO_ROOM;

	__builtin_memcpy(&saved.half[3], &saved.half[0], ETH_ALEN); /* we are the sender now */
	__builtin_memcpy(&saved.half[0], backend->mac, ETH_ALEN);
	*link = saved;
	*ethertype = bpf_htons(ipv4 ? PARSE_IPV4 : PARSE_IPV6);
	if (ipv4)
		write_ipv4((void *)(ethertype + 1), flow, to.in6_u.u6_addr32[3]);
	else
		write_ipv6((void *)(ethertype + 1), flow, hash, backend);
	return LB_SENT;
}

static __always_inline void count_sent(__u32 index, const struct flow *flow)
{
	struct sent *to = bpf_map_lookup_elem(&sent, &index);

	if (!to)
		return;
	to->packets++;
	to->bytes += flow->length;
}

static __always_inline enum lb_count balance(struct xdp_md *ctx)
{
	const __u32 *table, *backend_index;
	const struct backend *backend;
	struct flow flow = {};
	enum lb_count result = read_flow(ctx, &flow);
	__u32 entry, index;
	__u64 hash;

	if (result != LB_SENT)
		return result;
	table = find_table(&flow);
	if (!table)
		return flow.fragment ? LB_FRAGMENT : LB_NOT_VIP;

	hash = hash_flow(&flow);
	entry = *table * table_size + hash % table_size;
	backend_index = bpf_map_lookup_elem(&tables, &entry);
	if (!backend_index)
		return LB_NO_BACKEND;
	index = *backend_index;
	backend = bpf_map_lookup_elem(&backends, &index);
	if (!backend || !is_usable(backend))
		return LB_NO_BACKEND;

	result = encapsulate(ctx, &flow, backend, hash);
	if (result == LB_SENT)
		count_sent(index, &flow);
	return result;
}

SEC("xdp") int lb(struct xdp_md *ctx)
{
	enum lb_count result = balance(ctx);

	count(result);
	if (result == LB_SENT)
		return XDP_TX;
	return result < LB_NO_BACKEND ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
