/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stage that counts each frame once in a map of each kind, VARIANT 0, 1 and 2. VARIANT 3 is
 * 0 with other code, VARIANT 4 is 0 with a map of the same sizes whose members have other names.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "live_frame.h"
#include "live_migrate.h"

#if VARIANT == 1
#define RECORD record1
#elif VARIANT == 2
#define RECORD record2
#else
#define RECORD record0
#endif

const volatile __u32 keys = 1; /* frames belong to one of so many flows, by chance */
const volatile __u32 verdict = XDP_PASS;

#define MAP(name, kind, entries, flags, k, v)                                                      \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                                                 \
		__uint(max_entries, entries);                                                      \
		__uint(map_flags, flags);                                                          \
		__type(key, k);                                                                    \
		__type(value, v);                                                                  \
	} name SEC(".maps")

MAP(flows, HASH, 131072, 0, __u32, struct RECORD);
MAP(recent, LRU_HASH, 1024, 0, __u32, struct RECORD);
MAP(by_cpu, PERCPU_HASH, 128, 0, __u32, struct RECORD);
MAP(slots, ARRAY, SLOTS, 0, __u32, struct RECORD);
MAP(cpu_slots, PERCPU_ARRAY, 1, 0, __u32, struct RECORD);
MAP(routes, LPM_TRIE, PREFIXES, BPF_F_NO_PREALLOC, struct prefix, struct RECORD);

/* A member that cannot be brought over; each variant has it elsewhere. */
#ifdef TIMED
struct timed {
#if VARIANT == 1
	__u64 n;
	struct bpf_timer timer;
#else
	struct bpf_timer timer;
	__u32 n;
#endif
};
MAP(timers, HASH, 8, 0, __u32, struct timed);
#endif

struct named {
#if VARIANT == 4
	__u32 dropped, passed;
#else
	__u32 passed, dropped;
#endif
};
MAP(names, HASH, 8, 0, __u32, struct named);

#if VARIANT == 1 || VARIANT == 2
__u64 added = 77; /* a variable that the old object has not */
__u64 total braid_counter;
__u32 setting;
#else
__u32 setting = 5;
__u32 total braid_counter;
#endif
#if VARIANT == 2
__u64 moved;
#endif

static __always_inline void count_atomically(struct RECORD *r)
{
	if (r)
		__sync_fetch_and_add(&r->packets, 1);
}

/* The entry may be new, and somebody else may make it at the same time. */
static __always_inline void count_in(void *map, __u32 key)
{
	struct RECORD fresh = {}, *r = bpf_map_lookup_elem(map, &key);

	if (!r) {
		bpf_map_update_elem(map, &key, &fresh, BPF_NOEXIST);
		r = bpf_map_lookup_elem(map, &key);
	}
	count_atomically(r);
}

static __always_inline void count_on_cpu(void *map, __u32 key)
{
	struct RECORD fresh = {}, *r = bpf_map_lookup_elem(map, &key);

	if (!r) {
		bpf_map_update_elem(map, &key, &fresh, BPF_NOEXIST);
		r = bpf_map_lookup_elem(map, &key);
	}
	if (r)
		r->packets++;
}

SEC("xdp") int migrate(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)data;
	struct prefix prefix = {.prefixlen = 128};
	__u32 key = keys > 1 ? bpf_get_prandom_u32() % keys : 0, slot = key % SLOTS, zero = 0;

	if (data + FRAME_SIZE > end || eth->h_proto != bpf_htons(FRAME_TYPE))
		return XDP_PASS;
	prefix.data[15] = key % PREFIXES;
	count_in(&flows, key);
	count_in(&recent, key % RECENT);
	count_on_cpu(&by_cpu, key % RECENT);
	count_atomically(bpf_map_lookup_elem(&slots, &slot));
	count_on_cpu(&cpu_slots, zero);
	count_atomically(bpf_map_lookup_elem(&routes, &prefix));
	bpf_map_lookup_elem(&names, &zero);
#ifdef TIMED
	bpf_map_lookup_elem(&timers, &zero);
#endif
	__sync_fetch_and_add(&total, 1);
#if VARIANT == 1 || VARIANT == 2
	if (!added)
		return XDP_ABORTED;
#endif
#if VARIANT == 2
	moved++;
#endif
#if VARIANT == 3
	if (!setting)
		return XDP_ABORTED;
#else
	if (setting == 4711)
		return XDP_TX;
#endif
	return verdict;
}

char _license[] SEC("license") = "GPL";
