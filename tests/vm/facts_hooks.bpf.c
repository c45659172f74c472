// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs of the types that a locked-down kernel refuses. A test loads one at a time. */
#include <asm-generic/errno-base.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 facts_value; /* of the LSM program: whom it refuses; of fentry: how often it ran */

SEC("freplace")
int facts_replaced(struct xdp_md *ctx)
{
	return XDP_TX;
}

/* The kernel calls this function for tests of programs like this one, and nobody else does. */
SEC("fentry/bpf_fentry_test1")
int facts_entry(__u64 *ctx)
{
	facts_value++;
	return 0;
}

SEC("lsm/bpf")
int facts_lsm(__u64 *ctx)
{
	int command = ctx[0];

	if (command == BPF_MAP_CREATE && bpf_get_current_pid_tgid() >> 32 == facts_value)
		return -EACCES;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
