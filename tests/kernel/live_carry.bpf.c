/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compiled with VARIANT 0 and 1: each map but the first differs in one thing. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MAP(name, kind, entries, flags, k, v)                                                      \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                                                 \
		__uint(max_entries, entries);                                                      \
		__uint(map_flags, flags);                                                          \
		__type(key, k);                                                                    \
		__type(value, v);                                                                  \
	} name SEC(".maps")

MAP(same, ARRAY, 1, 0, __u32, __u64);
#if VARIANT
MAP(type, LRU_HASH, 8, 0, __u64, __u64);
MAP(key, HASH, 8, 0, __u32, __u64);
MAP(value, HASH, 8, 0, __u64, __u32);
MAP(size, HASH, 16, 0, __u64, __u64);
MAP(flags, HASH, 8, BPF_F_NO_PREALLOC, __u64, __u64);
MAP(extra, HASH, 8, 0, __u64, __u64);
#else
MAP(type, HASH, 8, 0, __u64, __u64);
MAP(key, HASH, 8, 0, __u64, __u64);
MAP(value, HASH, 8, 0, __u64, __u64);
MAP(size, HASH, 8, 0, __u64, __u64);
MAP(flags, HASH, 8, 0, __u64, __u64);
#endif

__u64 total;

SEC("xdp") int carry(struct xdp_md *ctx)
{
	__u64 key_of_all = 0, *n;
	__u32 zero = 0;

	n = bpf_map_lookup_elem(&same, &zero);
	if (n)
		__sync_fetch_and_add(n, 1);
	bpf_map_lookup_elem(&type, &key_of_all);
	bpf_map_lookup_elem(&key, &key_of_all);
	bpf_map_lookup_elem(&value, &key_of_all);
	bpf_map_lookup_elem(&size, &key_of_all);
	bpf_map_lookup_elem(&flags, &key_of_all);
#if VARIANT
	bpf_map_lookup_elem(&extra, &key_of_all);
#endif
	__sync_fetch_and_add(&total, 1);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
