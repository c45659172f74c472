/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A first stage: counts packets by EtherType and lets every one of them pass. */
#include <braid/bpf/parse.h>

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u16); /* EtherType behind the VLAN tags, host order */
	__type(value, __u64);
} packets SEC(".maps");

SEC("xdp") int hello(struct xdp_md *ctx)
{
	struct parse_cursor cursor = parse_start(ctx);
	struct parse_link link;
	__u64 one = 1, *count;

	if (parse_link(&cursor, &link) < 0)
		return XDP_DROP;
	count = bpf_map_lookup_elem(&packets, &link.protocol);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&packets, &link.protocol, &one, BPF_ANY);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
