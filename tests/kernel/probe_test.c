/* SPDX-License-Identifier: GPL-2.0-only */
/* What is asked before anything else: what there is, what one may, and how old the kernel is. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel/ids.h"
#include "kernel/probe.h"
#include "kernel_common.h"

static void test_ids(void)
{
	_cleanup_close_ int prog = verdict_program("listed", XDP_PASS);
	__u32 id = program_id(prog);
	struct ids ids = {};
	size_t found = 0;
	bool sorted = true;

	is_int(ids_list(IDS_PROGRAMS, &ids, &err), 0, "programs can be listed");
	for (size_t i = 0; i < ids.list.n; i++) {
		found += ids.list.v[i] == id;
		sorted &= !i || ids.list.v[i - 1] < ids.list.v[i];
	}
	is_int(found, 1, "the new one among them, once");
	ok(sorted, "in order");
	array_done(&ids.list);
	is_int(ids_list(IDS_MAPS, &ids, &err), 0, "maps too");
	array_done(&ids.list);
	is_int(ids_list(IDS_LINKS, &ids, &err), 0, "links too");
	array_done(&ids.list);
}

static int keep_capabilities(__u64 keep)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = keep, .permitted = keep},
		{.effective = keep >> 32, .permitted = keep >> 32}};

	return syscall(SYS_capset, &head, data);
}

/* In a child without privileges. Return: 0, or which expectation failed. */
static int unprivileged(void)
{
	struct netns red = NETNS_INIT;
	struct netns_guard guard = NETNS_GUARD_INIT;
	struct ids ids;
	int r = 0;

	if (netns_open("red", &red, &err))
		return 1;
	if (keep_capabilities(1ULL << CAP_NET_ADMIN | 1ULL << CAP_BPF))
		return 2;
	if (probe_privileges(&err) != -EPERM || !text_eq(err.why, "missing: CAP_PERFMON"))
		r = 3;
	else if (keep_capabilities(0))
		r = 4;
	else if (probe_privileges(&err) != -EPERM ||
		 !text_eq(err.why, "missing: CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON"))
		r = 5;
	else if (ids_list(IDS_LINKS, &ids, &err) != -EPERM || !err.hint)
		r = 6;
	else if (netns_enter(&red, &guard, &err) != -EPERM || !err.hint)
		r = 7;
	netns_done(&red);
	braid_error_clear(&err);
	return r;
}

static void test_probe(void)
{
	is_int(probe_privileges(&err), 0, "root may");
	is_int(in_child(unprivileged), 0, "others may not, and are told what is missing");
	is_int(probe_kernel(5, 14, "a test", &err), 0, "this kernel is not older than 5.14");
	is_int(probe_kernel(99, 0, "the far future", &err), -EOPNOTSUPP, "but than 99.0");
	says("99.0 or later");
	is_int(probe_kernel(1, 99, "the past", &err), 0, "2.0 would be later than 1.99");
}

int main(void)
{
	kernel_test_begin();
	test_ids();
	test_probe();
	return kernel_test_end();
}
