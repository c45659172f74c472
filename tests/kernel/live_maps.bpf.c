/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stage with a map of each kind. Each frame counts in `stats` and `flows`, makes an entry of
 * `lru`, and is put into `waiting`; all others are only there.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <braid/bpf/braid.bpf.h>

#include "live_frame.h"

enum action { ALLOW, DENY = 7 };

struct flow {
	__be32 source;
	__be16 port;
	__u16 zero;
};

struct record {
	__u64 packets braid_counter;
	__u32 limit;
	enum action action;
	char label[8];
	__u8 mac[6];
	__u8 burst;
	__u8 low : 3, high : 5;
};

struct totals {
	__u64 packets braid_counter;
	__u64 bytes braid_counter;
	__u32 last;
	__u32 setting;
};

struct route {
	__u32 prefixlen;
	__u8 address[4];
};

struct locked {
	struct bpf_spin_lock lock;
	__u32 a, b;
};

#define MAP(name, map_type, size, key_type, value_type)                                            \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##map_type);                                             \
		__uint(max_entries, size);                                                         \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} name SEC(".maps")

MAP(flows, HASH, 4, struct flow, struct record);
MAP(stats, PERCPU_ARRAY, 2, __u32, struct totals);
MAP(counts, PERCPU_HASH, 16, __u16, __u64);
MAP(lru, LRU_HASH, 64, struct in6_addr, __u32);
MAP(locks, HASH, 4, __u32, struct locked);
MAP(table, ARRAY, 3, __u32, __s16);

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 8);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct route);
	__type(value, struct record);
} routes SEC(".maps");

#define QUEUE(name, map_type, value_type)                                                          \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##map_type);                                             \
		__uint(max_entries, 4);                                                            \
		__type(value, value_type);                                                         \
	} name SEC(".maps")

QUEUE(waiting, QUEUE, struct flow);
QUEUE(pile, STACK, __u32);
QUEUE(filter, BLOOM_FILTER, __u32);

/* Keys and values without types. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 12);
} bare SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

MAP(ports, DEVMAP, 4, __u32, struct bpf_devmap_val);
MAP(ports_by_id, DEVMAP_HASH, 4, __u32, __u32);
MAP(cpus, CPUMAP, 4, __u32, struct bpf_cpumap_val);
MAP(sockets, XSKMAP, 4, __u32, __u32);
MAP(calls, PROG_ARRAY, 4, __u32, __u32);

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} maps SEC(".maps");

__u64 total braid_counter;
__u32 mark = 5;
char name[8] = "none";

static __always_inline void touch(struct xdp_md *ctx)
{
	struct flow waits = {.source = bpf_htonl(0x0a000001), .port = bpf_htons(53)};
	struct in6_addr address = {};
	struct route route = {.prefixlen = 32};
	__u32 zero = 0, one = 1, *inner;
	void *there;

	address.s6_addr[0] = 0xfd;
	address.s6_addr[15] = 1;
	bpf_map_update_elem(&lru, &address, &one, BPF_ANY);
	bpf_map_push_elem(&waiting, &waits, BPF_EXIST);
	bpf_map_peek_elem(&pile, &one);
	bpf_map_peek_elem(&filter, &one);
	if (bpf_map_lookup_elem(&routes, &route) || bpf_map_lookup_elem(&locks, &zero) ||
	    bpf_map_lookup_elem(&table, &zero) || bpf_map_lookup_elem(&bare, &zero))
		total += 0;
	there = bpf_ringbuf_reserve(&events, 8, 0);
	if (there)
		bpf_ringbuf_discard(there, 0);
	inner = bpf_map_lookup_elem(&maps, &zero);
	if (inner)
		bpf_map_lookup_elem(inner, &zero);
	if (name[0] == '?') {
		bpf_redirect_map(&ports, 0, 0);
		bpf_redirect_map(&ports_by_id, 0, 0);
		bpf_redirect_map(&cpus, 0, 0);
		bpf_redirect_map(&sockets, 0, 0);
		bpf_tail_call(ctx, &calls, 3);
	}
}

static __always_inline void count(__u32 bytes)
{
	struct flow key = {.source = bpf_htonl(0xc0000201), .port = bpf_htons(443)};
	struct record *flow = bpf_map_lookup_elem(&flows, &key);
	struct totals *t;
	__u16 size = bytes;
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&counts, &size), first = 1;

	if (flow)
		__sync_fetch_and_add(&flow->packets, 1);
	t = bpf_map_lookup_elem(&stats, &zero);
	if (t) {
		t->packets++;
		t->bytes += bytes;
		t->last = bytes;
	}
	if (n)
		++*n;
	else
		bpf_map_update_elem(&counts, &size, &first, BPF_NOEXIST);
}

SEC("xdp") int maps_of_all_kinds(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)data;

	if (data + FRAME_SIZE > end || eth->h_proto != bpf_htons(FRAME_TYPE))
		return XDP_PASS;
	__sync_fetch_and_add(&total, mark ? 1 : 0);
	count(end - data);
	touch(ctx);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
