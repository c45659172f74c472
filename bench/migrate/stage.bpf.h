/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stage with a map of each kind. Included with SIZE, the bytes of a value, and VERSION, 0 or
 * 1: the same members in another order.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <braid/bpf/braid.bpf.h>

#include "common/counter.bpf.h"

struct value {
#if VERSION == 1
	__u32 second;
	__u32 hits braid_counter;
#if SIZE > 8
	__u64 rest[SIZE / 8 - 1];
#endif
#else
#if SIZE > 8
	__u64 rest[SIZE / 8 - 1];
#endif
	__u32 hits braid_counter;
	__u32 second;
#endif
};

struct prefix {
	__u32 len;
	__u8 data[8];
};

#define MAP(name, kind, flags, k)                                                                  \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                                                 \
		__uint(max_entries, 1); /* the bench says how many */                              \
		__uint(map_flags, flags);                                                          \
		__type(key, k);                                                                    \
		__type(value, struct value);                                                       \
	} name SEC(".maps")

MAP(hash, HASH, 0, __u32);
MAP(lru, LRU_HASH, 0, __u32);
MAP(percpu, PERCPU_HASH, 0, __u32);
MAP(lpm, LPM_TRIE, BPF_F_NO_PREALLOC, struct prefix);
MAP(array, ARRAY, 0, __u32);

COUNTER(count, 1); /* the same in both versions: it goes on */

const volatile __u32 entries = 1;

static __always_inline void hit(struct value *v)
{
	if (v)
		__sync_fetch_and_add(&v->hits, 1);
}

SEC("xdp") int stage(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 key = bpf_get_prandom_u32() % (entries ?: 1), zero = 0;
	struct prefix prefix = {.len = 64};
	struct ethhdr *eth = data;
	__u64 *n;

	/* Whatever the kernel sends of its own accord. */
	if ((void *)(eth + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	__builtin_memcpy(prefix.data, &key, sizeof(key));
	hit(bpf_map_lookup_elem(&hash, &key));
	hit(bpf_map_lookup_elem(&lru, &key));
	hit(bpf_map_lookup_elem(&percpu, &key));
	hit(bpf_map_lookup_elem(&array, &key));
	hit(bpf_map_lookup_elem(&lpm, &prefix));
	n = bpf_map_lookup_elem(&count, &zero);
	if (n)
		(*n)++;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
