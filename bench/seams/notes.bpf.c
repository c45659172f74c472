// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counters, of which the first leaves a note for the second. */
#include <braid/bpf/braid.bpf.h>

#include "chain/stage.h"
#include "common/counter.bpf.h"

struct notes {
	__u32 length, customer;
};

BRAID_SCRATCH(struct notes);
COUNTER(count, 1);

SEC("xdp")
int leave(struct xdp_md *ctx)
{
	struct notes *notes = braid_scratch_begin();

	if (!notes)
		return XDP_ABORTED;
	notes->length = ctx->data_end - ctx->data;
	return counter_stage(ctx, &count);
}

SEC("xdp")
int find(struct xdp_md *ctx)
{
	struct notes *notes = braid_scratch();

	if (!notes || !notes->length)
		return XDP_ABORTED;
	return counter_stage(ctx, &count);
}

char _license[] SEC("license") = "Dual BSD/GPL";
