// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A scheduler that leaves all to the kernel, and counts the tasks that it is given. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct task_struct;

/* Of the kernel's struct what is set here; libbpf finds the members by name. */
struct sched_ext_ops {
	void (*enable)(struct task_struct *task);
	char name[128];
};

__u64 facts_value;

SEC("struct_ops/facts_enable")
int facts_enable(__u64 *ctx)
{
	__sync_fetch_and_add(&facts_value, 1);
	return 0;
}

SEC(".struct_ops")
struct sched_ext_ops facts_sched = {
	.enable = (void *)facts_enable,
	.name = "braid_facts",
};

char LICENSE[] SEC("license") = "GPL";
