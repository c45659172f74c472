/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A map of each kind that an XDP program can use, defined in each of the ways there are. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct key {
	__u32 a;
	__u16 b, c;
};

struct value {
	__u64 packets, bytes;
};

#define MAP(name, kind, entries, k, v)                                                             \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                                                 \
		__uint(max_entries, entries);                                                      \
		__type(key, k);                                                                    \
		__type(value, v);                                                                  \
	} name SEC(".maps")

MAP(m_hash, HASH, 16, struct key, struct value);
MAP(m_array, ARRAY, 4, __u32, struct value);
MAP(m_percpu_hash, PERCPU_HASH, 8, struct key, __u64);
MAP(m_percpu_array, PERCPU_ARRAY, 4, __u32, struct value);
MAP(m_lru, LRU_HASH, 64, __u32, __u32);
MAP(m_lru_percpu, LRU_PERCPU_HASH, 64, __u32, __u32);
MAP(m_devmap, DEVMAP, 4, __u32, struct bpf_devmap_val);
MAP(m_devmap_hash, DEVMAP_HASH, 4, __u32, __u32);
MAP(m_cpumap, CPUMAP, 2, __u32, struct bpf_cpumap_val);
MAP(m_xskmap, XSKMAP, 4, __u32, __u32);

/* By sizes only, and without a number of entries. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} m_perf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 32);
	__uint(key_size, 8);
	__uint(value_size, 4);
} m_lpm SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} m_ringbuf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__type(value, __u64);
} m_queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 8);
	__type(value, __u64);
} m_stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__uint(map_extra, 3);
	__type(value, __u32);
} m_bloom SEC(".maps");

/* Two maps of one named type. */
struct counters {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
};
struct counters m_first SEC(".maps"), m_second SEC(".maps");

/* Maps in a map, put there when the object is loaded. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, struct counters);
} m_outer SEC(".maps") = {
	.values = {[0] = &m_first, [2] = &m_second},
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, struct counters);
} m_outer_hash SEC(".maps");

SEC("xdp") int maps(struct xdp_md *ctx)
{
	struct key key = {.a = ctx->rx_queue_index};
	__u32 zero = 0, *number;
	__u64 word = 1, *count;
	struct value *value;
	void *inner;

	value = bpf_map_lookup_elem(&m_array, &zero);
	if (value)
		value->packets++;
	value = bpf_map_lookup_elem(&m_percpu_array, &zero);
	if (value)
		value->bytes++;
	bpf_map_lookup_elem(&m_hash, &key);
	bpf_map_lookup_elem(&m_percpu_hash, &key);
	number = bpf_map_lookup_elem(&m_lru, &zero);
	if (number)
		__sync_fetch_and_add(number, 1);
	bpf_map_lookup_elem(&m_lru_percpu, &zero);
	bpf_map_lookup_elem(&m_devmap, &zero);
	bpf_map_lookup_elem(&m_devmap_hash, &zero);
	bpf_map_lookup_elem(&m_xskmap, &zero);
	bpf_map_lookup_elem(&m_lpm, &key);
	bpf_perf_event_output(ctx, &m_perf, BPF_F_CURRENT_CPU, &key, sizeof(key));
	bpf_ringbuf_output(&m_ringbuf, &word, sizeof(word), 0);
	bpf_map_push_elem(&m_queue, &word, 0);
	bpf_map_push_elem(&m_stack, &word, 0);
	bpf_map_push_elem(&m_bloom, &zero, 0);
	inner = bpf_map_lookup_elem(&m_outer, &zero);
	if (inner) {
		count = bpf_map_lookup_elem(inner, &zero);
		if (count)
			*count += 1;
	}
	bpf_map_lookup_elem(&m_outer_hash, &zero);
	if (ctx->rx_queue_index == 0xffff)
		return bpf_redirect_map(&m_cpumap, 0, XDP_PASS);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
