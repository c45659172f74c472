// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * relic: a TC stage that loads from the packet as classic BPF did. Where there is no such byte
 * it ends with 0, which is nowhere in its code.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 turn;

static __u32 packets;

SEC("classifier/relic") int relic(struct __sk_buff *skb)
{
	__u64 byte;

	packets++;
	asm volatile("r6 = %[skb]\n"
		     "r0 = *(u8 *)skb[90]\n"
		     "%[byte] = r0"
		     : [byte] "=r"(byte)
		     : [skb] "r"(skb)
		     : "r0", "r1", "r2", "r3", "r4", "r5", "r6");
	switch ((byte + packets + turn) & 7) {
	case 0:
		return TC_ACT_SHOT;
	case 1:
		return TC_ACT_PIPE;
	case 2:
		return TC_ACT_TRAP;
	default:
		return TC_ACT_UNSPEC;
	}
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
