// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tally: a TC stage that counts packets of flows and protocols, and lets each n-th of a flow
 * go another way.
 */
#include <braid/bpf/flow.h>
#include <linux/pkt_cls.h>

const volatile __u32 every = 3;

struct record {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct braid_flow);
	__type(value, struct record);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} protocols SEC(".maps");

static __always_inline struct record *find(const struct braid_flow *flow)
{
	static const struct record none;
	struct record *r = bpf_map_lookup_elem(&seen, flow);

	if (r)
		return r;
	bpf_map_update_elem(&seen, flow, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&seen, flow);
}

SEC("tcx/ingress") int tally(struct __sk_buff *skb)
{
	struct braid_flow flow;
	struct record *r;
	__u32 protocol;
	__u64 *n;

	if (braid_flow_key_skb(skb, &flow) < 0)
		return TC_ACT_PIPE;
	protocol = flow.protocol;
	n = bpf_map_lookup_elem(&protocols, &protocol);
	if (n)
		*n += 1;
	r = find(&flow);
	if (!r)
		return TC_ACT_SHOT;
	r->packets++;
	r->bytes += skb->len;
	skb->mark ^= protocol;
	if (every && r->packets % every == 0)
		return r->packets & 1 ? TC_ACT_REDIRECT : TC_ACT_OK;
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
