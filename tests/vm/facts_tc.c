/* SPDX-License-Identifier: GPL-2.0-only */
/* Classifiers: in a PROG_ARRAY, as filters of clsact, by TCX links, in netkit devices. */
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "facts.h"
#include "kernel/tcx_abi.h"
#include "net.h"
#include "run.h"
#include "tap.h"
#include "wait.h"

static struct bpf_object *object;

static int fd_of(const char *program)
{
	return bpf_program__fd(facts_find(object, program));
}

static void test_tail_call(void)
{
	int next = bpf_object__find_map_fd_by_name(object, "facts_next");
	int called = fd_of("facts_called");

	is_int(facts_verdict(fd_of("facts_calls")), 1, "a tail call that has no target");
	if (fact(bpf_map_update_elem(next, &(__u32){0}, &called, BPF_ANY) ? -errno : 0,
		 "PROG_ARRAY: takes classifiers"))
		is_int(facts_verdict(fd_of("facts_calls")), 2, "the tail call arrives");
}

/* A frame from @ns meets facts_count as many times. */
static void counts(const char *ns, const char *ifname, __u64 want, const char *what)
{
	_cleanup_close_ int wire = wire_open(ns, ifname);
	const __u8 frame[64] = {[0 ... 5] = 0xff, [12] = 0x08, [13] = 0x06};

	facts_value_set(object, 0);
	wire_send(wire, frame, sizeof(frame));
	ok(wait_until(facts_value(object) >= want, FACTS_DEADLINE_MS), "%s", what);
	is_int(facts_value(object), want, "as often as it should");
}

static void test_clsact(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = net_ifindex("tc-right", "r0"),
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, one, .prog_fd = fd_of("facts_count"), .priority = 10);
	LIBBPF_OPTS(bpf_tc_opts, two, .prog_fd = fd_of("facts_count"), .priority = 20);

	if (!fact(bpf_tc_hook_create(&hook), "clsact: is made"))
		return;
	is_int(bpf_tc_attach(&hook, &one), 0, "a filter");
	is_int(bpf_tc_attach(&hook, &two), 0, "one below it");
	counts("tc-left", "l0", 2, "both filters run");
	hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	is_int(bpf_tc_hook_destroy(&hook), 0, "clsact is taken away, with them");
}

static int link_create(int prog, int ifindex, __u32 type, __u32 flags, __u32 relative)
{
	struct abi_link_create create = {
		.prog_fd = prog,
		.ifindex = ifindex,
		.attach_type = type,
		.flags = flags,
		.relative = relative,
	};
	int fd = syscall(SYS_bpf, BPF_LINK_CREATE, &create, sizeof(create));

	return fd < 0 ? -errno : fd;
}

static void test_tcx(void)
{
	int ifindex = net_ifindex("tc-right", "r0");
	_cleanup_close_ int called = link_create(fd_of("facts_called"), ifindex, ABI_TCX_INGRESS, 0,
						 0);
	_cleanup_close_ int count = -1;

	if (!fact(called < 0 ? called : 0, "TCX: a link"))
		return;
	count = link_create(fd_of("facts_count"), ifindex, ABI_TCX_INGRESS,
			    ABI_F_BEFORE | ABI_F_LINK, called);
	ok(count >= 0, "another one before it");
	counts("tc-left", "l0", 1, "the first one runs");
	is_int(bpf_link_update(count, fd_of("facts_calls"), NULL), 0, "another program for it");
	is_int(bpf_link_update(called, fd_of("facts_count"), NULL), 0, "and for the second");
	counts("tc-left", "l0", 0, "the first one ends it");
}

static void test_netkit(void)
{
	_cleanup_close_ int link = -1;
	_cleanup_run_ struct run r = {};
	/* That there are no such devices, `ip` does not tell apart from other failures. */
	int error = run(&r, "ip", "link", "add", "facts", "type", "netkit") ? -EOPNOTSUPP : 0;

	if (!fact(error, "netkit: is made"))
		return;
	must_run("ip link set facts up");
	must_run("ip link set nk0 up"); /* its peer, as the kernel has named it */
	link = link_create(fd_of("facts_count"), net_ifindex("tc-right", "facts"),
			   ABI_NETKIT_PRIMARY, 0, 0);
	is_int(link < 0 ? link : 0, 0, "netkit: a link");
	counts("tc-right", "facts", 1, "its program runs");
	must_run("ip link delete facts");
}

void facts_tc(void)
{
	_cleanup_object_ struct bpf_object *o = facts_open("facts_tc");

	if (!is_int(bpf_object__load(o), 0, "classifiers load"))
		return;
	object = o;
	net_add("tc-left");
	net_add("tc-right");
	net_veth("tc-left", "l0", "tc-right", "r0");
	_net_in_(right, "tc-right");
	test_tail_call();
	test_clsact();
	test_tcx();
	test_netkit();
}
