/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ratelimit: a token bucket for every source address. */
#include <braid/bpf/parse.h>

/* Packets per second that each source may send; 0: no limit. */
const volatile __u32 rate = 10000;
/* Packets that it may send at once after a pause: the size of its bucket. */
const volatile __u32 burst = 1000;
/* Sources that share these leading bits share a bucket: one host often has a whole /64. */
const volatile __u8 bits4 = 32;
const volatile __u8 bits6 = 64;

#define NSEC_PER_SEC 1000000000ull
/* CPUs that touch one bucket at the same moment make each other try again. */
#define ATTEMPTS 8

/* Indexes of counters. */
enum ratelimit_count {
	RATELIMIT_PASSED,
	RATELIMIT_DROPPED,
	RATELIMIT_CONTENDED, /* dropped: the bucket changed under all our attempts */
	RATELIMIT_NO_BUCKET, /* passed: the map took no new entry */
	RATELIMIT_NOT_IP,    /* passed; so does what cannot be read */
	RATELIMIT_COUNTS,
};

/*
 * A bucket is the time at which it will be full again (CLOCK_MONOTONIC, ns). It
 * fills by one token each @interval, so the tokens that are missing now are
 * (full_at - now) / interval, and taking one moves full_at by one interval. All of
 * the state being one word, a compare-and-swap takes a token exactly once.
 */
struct bucket {
	__u64 full_at;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct in6_addr); /* of the source; IPv4 ones are mapped, ::ffff:a.b.c.d */
	__type(value, struct bucket);
} buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RATELIMIT_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline void count(__u32 what)
{
	__u64 *packets = bpf_map_lookup_elem(&counters, &what);

	if (packets)
		(*packets)++;
}

/* The leading @bits of a big-endian word. */
static __always_inline __be32 leading(__be32 word, __u32 bits)
{
	if (bits >= 32)
		return word;
	return bits ? word & bpf_htonl(~0u << (32 - bits)) : 0;
}

static __always_inline bool source_of(const struct xdp_md *ctx, struct in6_addr *source)
{
	struct parse_cursor cursor = parse_start(ctx);
	__be32 *words = source->in6_u.u6_addr32;
	struct parse_link link;
	struct parse_upper upper;

	if (parse_link(&cursor, &link) < 0)
		return false;
	if (link.protocol == PARSE_IPV4) {
		const struct iphdr *ip = parse_ipv4(&cursor, &upper);

		if (!ip)
			return false;
		words[0] = 0;
		words[1] = 0;
		words[2] = bpf_htonl(0xffff);
		words[3] = leading(ip->saddr, bits4);
		return true;
	}
	if (link.protocol == PARSE_IPV6) {
		const struct ipv6hdr *ip = parse_ipv6(&cursor, &upper);

		if (!ip)
			return false;
#pragma unroll
		for (__u32 i = 0; i < 4; i++) {
			__u32 before = 32 * i;

			words[i] = leading(ip->saddr.in6_u.u6_addr32[i],
					   bits6 > before ? bits6 - before : 0);
		}
		return true;
	}
	return false;
}

static __always_inline struct bucket *bucket_of(const struct in6_addr *source)
{
	struct bucket *bucket = bpf_map_lookup_elem(&buckets, source), full = {};

	if (bucket)
		return bucket;
	/* Another CPU may be first: then its bucket is the one. */
	bpf_map_update_elem(&buckets, source, &full, BPF_NOEXIST);
	return bpf_map_lookup_elem(&buckets, source);
}

static __always_inline enum ratelimit_count take_token(struct bucket *bucket)
{
	__u64 interval = NSEC_PER_SEC / rate, now = bpf_ktime_get_ns();

	for (__u64 i = 0; i < ATTEMPTS; i++) {
		__u64 seen = *(volatile __u64 *)&bucket->full_at;
		__u64 next = (seen > now ? seen : now) + interval;

		if (next > now + interval * burst)
			return RATELIMIT_DROPPED;
		if (__sync_val_compare_and_swap(&bucket->full_at, seen, next) == seen)
			return RATELIMIT_PASSED;
	}
	return RATELIMIT_CONTENDED;
}

SEC("xdp") int ratelimit(struct xdp_md *ctx)
{
	enum ratelimit_count result;
	struct bucket *bucket;
	struct in6_addr source;

	if (!source_of(ctx, &source)) {
		count(RATELIMIT_NOT_IP);
		return XDP_PASS;
	}
	if (!rate) {
		count(RATELIMIT_PASSED);
		return XDP_PASS;
	}
	bucket = bucket_of(&source);
	if (!bucket) {
		count(RATELIMIT_NO_BUCKET);
		return XDP_PASS;
	}
	result = take_token(bucket);
	count(result);
	return result == RATELIMIT_PASSED ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
