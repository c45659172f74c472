/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A stage over which a jump leads, but not over three of them. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp") int longish(struct xdp_md *ctx)
{
	int verdict = XDP_PASS;

	asm volatile(".rept 12000\n%[v] += 0\n.endr" : [v] "+r"(verdict));
	return verdict;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
