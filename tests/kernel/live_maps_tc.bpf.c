/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A stage of TC that keeps something with each socket: a map whose entries have no keys. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} by_socket SEC(".maps");

SEC("tc") int keep(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	__u64 *n;

	if (!sk)
		return TC_ACT_UNSPEC;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return TC_ACT_UNSPEC;
	n = bpf_sk_storage_get(&by_socket, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (n)
		++*n;
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
