// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Chains of counters, each stage with a map of its own. */
#include "common/counter.bpf.h"
#include "lengths.h"
#include "stage.h"

#define COUNTER_DEFINE(i) COUNTER(count_##i, 1);

CHAIN_STAGES(COUNTER_DEFINE)

#define STAGE(i, ctx) counter_stage(ctx, &count_##i)

#include "chains.h"

char _license[] SEC("license") = "Dual BSD/GPL";
