// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One bounds check, as a program of its own: what is composed N times. */
#include "stage.h"

SEC("xdp")
int bounds(struct xdp_md *ctx)
{
	return bounds_stage(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
