/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the verifier refuses: one program for itself, one only in company. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* The author's line number, so that tests know it: */
SEC("xdp") int beyond(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;

#line 4711
	return data[5] == 7 ? XDP_DROP : XDP_PASS;
}
#line 17

/* More than half a million instructions to walk: a second such stage is beyond the limit. */
SEC("xdp") int tiring(struct xdp_md *ctx)
{
	__u64 x = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 220000; i++) {
		x += 3;
		asm volatile("" : "+r"(x), "+r"(i));
	}
	return x > 5 ? XDP_PASS : XDP_DROP;
}

SEC("tc") int elsewhere(struct __sk_buff *skb)
{
	return 0;
}

char _license[] SEC("license") = "GPL";
