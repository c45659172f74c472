/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * mark: says by the source of a packet what class it is of, in front of it. mark_tc, at the
 * ingress of the same interface, makes that the mark of the skb.
 */
#include <braid/bpf/parse.h>

#include "mark.h"

struct prefix4 {
	__u32 prefixlen;
	__be32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix4);
	__type(value, __u32); /* class */
} classes SEC(".maps");

static __always_inline __u32 class_of(struct xdp_md *ctx)
{
	struct parse_cursor cursor = parse_start(ctx);
	struct prefix4 key = {.prefixlen = 32};
	struct parse_upper upper;
	struct parse_link link;
	const struct iphdr *ip;
	const __u32 *class;

	if (parse_link(&cursor, &link) < 0 || link.protocol != PARSE_IPV4)
		return 0;
	ip = parse_ipv4(&cursor, &upper);
	if (!ip)
		return 0;
	key.address = ip->saddr;
	class = bpf_map_lookup_elem(&classes, &key);
	return class && *class < MARK_CLASSES ? *class : 0;
}

SEC("xdp") int mark(struct xdp_md *ctx)
{
	__u32 class = class_of(ctx);
	struct seen *s = bpf_map_lookup_elem(&seen, &class);
	struct mark *m;

	if (!class)
		return XDP_PASS;
	m = braid_meta_put(ctx, MARK_META, struct mark);
	if (m) /* else the packet goes on without */
		m->class = class;
	if (s)
		s->xdp++;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
