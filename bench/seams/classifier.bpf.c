// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Says of which class a packet is: what the IPv4 header has as the type of service. */
#include "chain/stage.h"
#include "common/counter.bpf.h"
#include "seams/frame.bpf.h"

COUNTER(count, 1);

SEC("xdp")
int classifier(struct xdp_md *ctx)
{
	struct bench_frame *frame = bench_frame(ctx);

	counter_stage(ctx, &count);
	return frame ? frame->ip.tos : 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
