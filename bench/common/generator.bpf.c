// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Sends every frame that a test run with live frames brings to one interface. */
#include "common/counter.bpf.h"

const volatile __u32 ifindex;

COUNTER(sent, 1);

SEC("xdp")
int generator(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u64 *count = bpf_map_lookup_elem(&sent, &key);

	if (count)
		(*count)++;
	return bpf_redirect(ifindex, 0);
}

/* For the generator's own end of the veth pair, which takes redirected frames only then. */
SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
