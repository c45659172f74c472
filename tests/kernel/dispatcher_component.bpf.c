// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A component: it says where it ran and returns what the packet tells it to. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define VERDICTS_AT 16
#define TRAIL_AT    64
#define PACKET_SIZE 128

const volatile __u32 slot;

SEC("freplace")
int component(struct xdp_md *ctx)
{
	__u8 *data;

	/* It may change the packet: what it replaces must, too, or the kernel refuses it. */
	if (bpf_xdp_adjust_head(ctx, 0))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	if (data + PACKET_SIZE > (__u8 *)(long)ctx->data_end || slot > 9)
		return XDP_ABORTED;
	data[TRAIL_AT + slot] = 1;
	return *(__u32 *)&data[VERDICTS_AT + 4 * slot];
}

char LICENSE[] SEC("license") = "GPL";
