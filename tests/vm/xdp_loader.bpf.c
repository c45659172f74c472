/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is given to xdp-loader and to braid xdp-loader: one object for each of these. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "braid/bpf/braid.bpf.h"

#ifndef ENTRIES
#define ENTRIES 8
#endif

#ifndef MINIMAL
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, ENTRIES);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} xl_counts SEC(".maps");

static __always_inline int count(__u32 key)
{
	__u64 *n = bpf_map_lookup_elem(&xl_counts, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
	return XDP_PASS;
}
#else
static __always_inline int count(__u32 key) /* a device has hardly any maps */
{
	return XDP_PASS;
}
#endif

#ifdef PLAIN
SEC("xdp") int xl_plain(struct xdp_md *ctx)
{
	return count(0);
}
#endif

#ifdef FIRST
SEC("xdp") int xl_first(struct xdp_md *ctx)
{
	return count(1);
}
BRAID_RUN_CONFIG(xl_first, 10, XDP_PASS, XDP_DROP);
#endif

#ifdef SEVERAL
SEC("xdp") int xl_one(struct xdp_md *ctx)
{
	return count(2);
}

SEC("xdp") int xl_two(struct xdp_md *ctx)
{
	return count(3);
}

SEC("xdp/three") int xl_three(struct xdp_md *ctx)
{
	return count(4);
}

SEC("xdp_four") int xl_four_has_a_long_name(struct xdp_md *ctx)
{
	return count(5);
}

SEC("odd") int xl_odd(struct xdp_md *ctx)
{
	return count(6);
}

SEC("freplace/prog0") int xl_freplace(struct xdp_md *ctx)
{
	return count(7);
}

SEC("?xdp") int xl_optional(struct xdp_md *ctx)
{
	return count(7);
}

SEC("xdp") int xl_refused(struct xdp_md *ctx)
{
	return *(volatile int *)(long)ctx->data;
}
#endif

#ifdef FRAGS
SEC("xdp.frags") int xl_frags(struct xdp_md *ctx)
{
	return count(6);
}
#endif

#ifdef TC
SEC("tc") int xl_tc(struct __sk_buff *skb)
{
	return count(7);
}

SEC("xdp") int xl_behind_tc(struct xdp_md *ctx)
{
	return count(7);
}
#endif

char _license[] SEC("license") = "GPL";
