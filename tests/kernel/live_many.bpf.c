/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A stage with as many maps that one program holds three of it, and hardly anything else. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define FIVE(X, a) X(a##0) X(a##1) X(a##2) X(a##3) X(a##4)
#define EACH(X)    FIVE(X, 1) FIVE(X, 2) FIVE(X, 3) FIVE(X, 4)
#define MAP(n)                                                                                     \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, __u64);                                                              \
	} count##n SEC(".maps");
#define ADD(n)                                                                                     \
	value = bpf_map_lookup_elem(&count##n, &zero);                                             \
	if (value)                                                                                 \
		__sync_fetch_and_add(value, 1);

EACH(MAP)

SEC("xdp") int many(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *value;

	EACH(ADD)
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
