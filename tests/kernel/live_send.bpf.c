/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A test run with live frames of `flood` sends each of them out at one interface. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 ifindex;

__u64 sent;

SEC("xdp") int flood(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&sent, 1);
	return bpf_redirect(ifindex, 0);
}

/* A veth takes redirected frames only if it has a program itself. */
SEC("xdp") int open_door(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
