// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A gradual rollout: which version of a stage a packet meets, and how both do. The programs
 * are parts of a pipeline in front of the two versions: each returns 0 to 65535, the same for
 * all packets of one key, and packets below control.share go to the new version.
 */
#include <braid/bpf/braid.bpf.h>
#include <linux/pkt_cls.h>

#include "compose/rollout_abi.h"
#include "packet.h"

/* Another one in each rollout: else the same flows would always be the first to try. */
const volatile __u32 seed;
/* The time is taken of one packet of this many plus one; 2^n - 1. */
const volatile __u32 sample_mask = 63;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rollout_counters);
} versions SEC(".maps");

/*
 * A multiplication by an odd number spreads each bit to those above it, the shift brings them
 * down again for the next one.
 */
static __always_inline __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

static __always_inline __u32 finish(__u64 hash)
{
	hash = mix(mix(hash, 0), 0);
	return hash >> 48;
}

static __always_inline __u64 mix_address(__u64 hash, const struct in6_addr *address)
{
	hash = mix(hash, (__u64)address->in6_u.u6_addr32[0] << 32 | address->in6_u.u6_addr32[1]);
	return mix(hash, (__u64)address->in6_u.u6_addr32[2] << 32 | address->in6_u.u6_addr32[3]);
}

static __always_inline __u64 mix_mac(__u64 hash, const __u8 *mac)
{
	const __u16 *parts = (const __u16 *)mac;

	return mix(hash, (__u64)parts[0] << 32 | (__u32)parts[1] << 16 | parts[2]);
}

/* Packets that are no IP, or not all there. */
static __always_inline __u64 mix_link(__u64 hash, const struct parse_link *link)
{
	if (link->eth)
		hash = mix_mac(mix_mac(hash, link->eth->h_source), link->eth->h_dest);
	return mix(hash, link->protocol);
}

/* A fragment has its addresses only: those behind the first do not have more. */
static __always_inline int mix_upper(__u64 *hash, struct parse_cursor *cursor,
				     const struct parse_upper *upper)
{
	const __be16 *ports;

	if (parse_is_fragment(upper))
		return 0;
	*hash = mix(*hash, upper->protocol);
	if (!parse_has_ports(upper->protocol))
		return 0;
	ports = parse_take(cursor, 2 * sizeof(*ports));
	if (!ports)
		return -1;
	*hash = mix(*hash, (__u32)ports[0] << 16 | ports[1]);
	return 0;
}

/* Return: 0; -1 not all of it was there: the hash is of what was. */
READER int mix_flow(__u64 *hash, CONTEXT *ctx)
{
	struct parse_cursor cursor;
	struct parse_link link;
	struct parse_upper upper;

	if (packet_begin(ctx, &cursor, &link) < 0) {
		*hash = link.eth ? mix_link(*hash, &link) : *hash;
		return -1;
	}
	if (link.protocol == PARSE_IPV4) {
		const struct iphdr *ip = parse_ipv4(&cursor, &upper);

		if (ip) {
			*hash = mix(*hash, (__u64)ip->saddr << 32 | ip->daddr);
			return mix_upper(hash, &cursor, &upper);
		}
	} else if (link.protocol == PARSE_IPV6) {
		const struct ipv6hdr *ip = parse_ipv6(&cursor, &upper);

		if (ip) {
			*hash = mix_address(mix_address(*hash, &ip->saddr), &ip->daddr);
			if (parse_extensions(&cursor, &upper) < 0)
				return -1;
			return mix_upper(hash, &cursor, &upper);
		}
	}
	*hash = mix_link(*hash, &link);
	return link.protocol == PARSE_IPV4 || link.protocol == PARSE_IPV6 ? -1 : 0;
}

READER int mix_source(__u64 *hash, CONTEXT *ctx)
{
	struct parse_cursor cursor;
	struct parse_link link;
	struct parse_upper upper;
	int r = packet_begin(ctx, &cursor, &link);

	if (!r && link.protocol == PARSE_IPV4) {
		const struct iphdr *ip = parse_ipv4(&cursor, &upper);

		if (ip) {
			*hash = mix(*hash, ip->saddr);
			return 0;
		}
		r = -1;
	} else if (!r && link.protocol == PARSE_IPV6) {
		const struct ipv6hdr *ip = parse_ipv6(&cursor, &upper);

		if (ip) {
			*hash = mix_address(*hash, &ip->saddr);
			return 0;
		}
		r = -1;
	}
	if (link.eth)
		*hash = mix_mac(*hash, link.eth->h_source);
	return r;
}

#define HASH(key, ctx)                                                                             \
	({                                                                                         \
		__u64 hash_ = seed;                                                                \
		if (mix_##key(&hash_, ctx) < 0 && packet_more(ctx)) {                              \
			hash_ = seed;                                                              \
			mix_##key(&hash_, ctx);                                                    \
		}                                                                                  \
		finish(hash_);                                                                     \
	})

/* The packet comes to the stage: is its time taken? */
static __always_inline void begin(void)
{
	__u32 zero = 0;
	struct rollout_counters *counters = bpf_map_lookup_elem(&versions, &zero);

	if (counters)
		counters->begun_ns = counters->turn++ & sample_mask ? 0 : bpf_ktime_get_ns();
}

/* Each direction of a flow has a hash of its own. */
SEC(SECTION) int braid_by_flow(CONTEXT *ctx)
{
	begin();
	return HASH(flow, ctx);
}

SEC(SECTION) int braid_by_source(CONTEXT *ctx)
{
	begin();
	return HASH(source, ctx);
}

SEC(SECTION) int braid_by_random(CONTEXT *ctx __attribute__((unused)))
{
	begin();
	return bpf_get_prandom_u32() >> 16;
}

/* Where a verdict is counted. TC's that lead on are one, those that few programs use another. */
static __always_inline __u32 index_of(__u32 verdict)
{
#ifdef SKB
	switch (verdict) {
	case BRAID_ACCEPT:
	case (__u32)TC_ACT_UNSPEC:
	case TC_ACT_OK:
	case TC_ACT_RECLASSIFY:
	case TC_ACT_PIPE:
		return ROLLOUT_VERDICT_PASS;
	case TC_ACT_SHOT:
		return ROLLOUT_VERDICT_DROP;
	case TC_ACT_REDIRECT:
		return ROLLOUT_VERDICT_REDIRECT;
	}
	return ROLLOUT_VERDICT_OTHER;
#else
	if (verdict == BRAID_ACCEPT)
		verdict = XDP_PASS;
	if (verdict >= ROLLOUT_VERDICT_OTHER)
		verdict = ROLLOUT_VERDICT_OTHER;
	return verdict;
#endif
}

/* A version of the stage ends with @verdict, which is returned. */
__attribute__((noinline)) __u32 braid_count_version(__u32 verdict, __u32 version)
{
	__u32 zero = 0, index;
	struct rollout_counters *counters = bpf_map_lookup_elem(&versions, &zero);
	struct rollout_version *of;

	if (!counters)
		return verdict;
	of = &counters->version[version & 1];
	index = index_of(verdict);
	of->packets++;
	of->verdicts[index]++;
	if (counters->begun_ns) {
		__u64 ns = bpf_ktime_get_ns() - counters->begun_ns;
		__u32 bucket = rollout_bucket(ns);

		of->samples++;
		of->latency_ns += ns;
		if (bucket < ROLLOUT_BUCKETS)
			of->latency[bucket]++;
	}
	return verdict;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
