/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A map as it was defined before BTF: section "maps". */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__u32 type, key_size, value_size, max_entries, map_flags;
} old SEC("maps") = {BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0};

SEC("xdp") int user(struct xdp_md *ctx)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&old, &zero) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
