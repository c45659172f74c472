// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A verdict that an extension can replace. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__attribute__((noinline)) int facts_function(struct xdp_md *ctx)
{
	volatile int verdict = XDP_DROP; /* or clang would know it, and not ask */

	return ctx ? verdict : XDP_ABORTED;
}

SEC("xdp")
int facts_target(struct xdp_md *ctx)
{
	return facts_function(ctx);
}

char LICENSE[] SEC("license") = "GPL";
