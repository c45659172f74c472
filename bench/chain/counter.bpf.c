// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Parse and count, as a program of its own: what is composed N times. */
#include "common/counter.bpf.h"
#include "stage.h"

COUNTER(count, 1);

SEC("xdp")
int counter(struct xdp_md *ctx)
{
	return counter_stage(ctx, &count);
}

char _license[] SEC("license") = "Dual BSD/GPL";
