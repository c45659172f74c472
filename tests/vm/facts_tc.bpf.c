// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Classifiers: one counts frames, one calls what stands in a PROG_ARRAY. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 facts_value;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} facts_next SEC(".maps");

SEC("tc")
int facts_count(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&facts_value, 1);
	return -1; /* TC_ACT_UNSPEC: whoever comes next decides */
}

SEC("tc")
int facts_calls(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &facts_next, 0);
	return 1;
}

SEC("tc")
int facts_called(struct __sk_buff *skb)
{
	return 2;
}

char LICENSE[] SEC("license") = "GPL";
