/* SPDX-License-Identifier: GPL-2.0-only */
/* XDP at an interface: links, their modes and updates, and programs of others. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "kernel/ids.h"
#include "kernel/link.h"
#include "kernel/rtnl.h"
#include "kernel/xdp.h"
#include "kernel_common.h"
#include "net.h"
#include "run.h"

static void test_link(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	_cleanup_close_ int one = verdict_program("first", XDP_PASS);
	_cleanup_close_ int two = verdict_program("second", XDP_DROP), link = -1, other = -1;
	__u32 ifindex = net_ifindex("red", "veth0");
	struct link_info info;
	struct xdp_state state;

	is_int(xdp_query(&red, ifindex, &state, &err), 0, "query");
	is_int(state.n, 0, "nothing is attached");
	is_int(xdp_link_create(&red, ifindex, one, XDP_NATIVE, &link, &err), 0, "a link");
	is_int(link_info(link, &info, &err), 0, "knows");
	is_int(info.ifindex, ifindex, "its interface");
	is_int(info.prog_id, program_id(one), "and program");
	is_int(xdp_query(&red, ifindex, &state, &err), 0, "query");
	is_int(state.n, 1, "finds one");
	is_int(state.v[0].mode, XDP_NATIVE, "native");
	is_int(state.v[0].prog_id, program_id(one), "the program");
	is_str(state.v[0].name, "first", "its name");
	is_int(state.v[0].links, 1, "by a link");
	is_int(state.v[0].link_id, info.id, "this one");
	is_int(state.v[0].uid, 0, "of root");
	ok(state.v[0].loaded_ns, "with a time");

	is_int(xdp_link_create(&red, ifindex, two, XDP_NATIVE, &other, &err), -EBUSY, "occupied");
	says("veth0 in netns red");
	says("'first'");
	is_int(xdp_link_create(&red, ifindex, two, XDP_GENERIC, &other, &err), -EEXIST,
	       "in the other mode too");
	is_int(link_update(link, two, two, &err), -ESTALE, "wrong expectation");
	link_info(link, &info, &err);
	is_int(info.prog_id, program_id(one), "changes nothing");
	is_int(link_update(link, one, two, &err), 0, "the right one");
	link_info(link, &info, &err);
	is_int(info.prog_id, program_id(two), "replaces it");
	is_int(link_detach(link, &err), 0, "detached");
	is_int(link_detach(link, &err), 0, "twice");
	link_info(link, &info, &err);
	is_int(info.ifindex, 0, "the link has no interface any more");
	is_int(link_update(link, two, one, &err), -ENODEV, "and takes no program");
	xdp_query(&red, ifindex, &state, &err);
	is_int(state.n, 0, "the interface is free");
	is_int(xdp_link_create(&red, 9999, one, XDP_NATIVE, &other, &err), -ENODEV, "no interface");
	is_int(xdp_query(&red, 9999, &state, &err), -ENODEV, "nor to ask");
	is_int(other, -1, "failures return no link");
}

static void test_link_modes(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	_cleanup_close_ int prog = verdict_program("modes", XDP_PASS), link = -1, none = -1;
	__u32 lo = net_ifindex("red", "lo"), ifindex = net_ifindex("red", "veth0");
	struct xdp_state state;

	is_int(xdp_link_create(&red, lo, prog, XDP_NATIVE, &none, &err), -EOPNOTSUPP,
	       "lo has no native XDP");
	says("mode: generic");
	is_int(xdp_link_create(&red, lo, prog, XDP_GENERIC, &link, &err), 0, "but generic");
	xdp_query(&red, lo, &state, &err);
	is_int(state.v[0].mode, XDP_GENERIC, "and says so");
	must_run("ip -n blue link set veth0 mtu 9000");
	is_int(xdp_link_create(&red, ifindex, prog, XDP_NATIVE, &none, &err), -ERANGE,
	       "a veth whose peer sends 9000 bytes");
	says("MTU");
	must_run("ip -n blue link set veth0 mtu 1500");
}

static void test_update_refuses_other_type(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	const struct bpf_insn insns[] = {MOV(0, 0), EXIT()};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_XDP_CPUMAP);
	_cleanup_close_ int prog = verdict_program("typed", XDP_PASS), link = -1;
	_cleanup_close_ int cpumap = bpf_prog_load(BPF_PROG_TYPE_XDP, "cpumap", "GPL", insns,
						   COUNT(insns), &opts);
	struct link_info info;

	xdp_link_create(&red, net_ifindex("red", "veth0"), prog, XDP_NATIVE, &link, &err);
	is_int(link_update(link, prog, cpumap, &err), -EINVAL, "another attach type");
	says("attach type");
	link_info(link, &info, &err);
	is_int(info.prog_id, program_id(prog), "changes nothing");
}

static void test_foreign_netlink(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	_cleanup_close_ int theirs = verdict_program("foreign", XDP_PASS), link = -1;
	_cleanup_close_ int ours = verdict_program("ours", XDP_PASS);
	_cleanup_free_ char *message = NULL;
	__u32 ifindex = net_ifindex("red", "veth0");
	struct xdp_state state, old;

	{
		_net_in_(there, "red");
		is_int(bpf_xdp_attach(ifindex, theirs, XDP_FLAGS_DRV_MODE, NULL), 0, "foreign");
	}
	is_int(xdp_query(&red, ifindex, &state, &err), 0, "query");
	is_int(state.n, 1, "sees it");
	is_str(state.v[0].name, "foreign", "its name");
	is_int(state.v[0].prog_id, program_id(theirs), "its id");
	is_int(state.v[0].links, 0, "and that it hangs on no link");
	is_int(xdp_link_create(&red, ifindex, ours, XDP_NATIVE, &link, &err), -EBUSY, "in the way");
	says("by netlink");

	old = state;
	{
		_net_in_(there, "red");
		bpf_xdp_attach(ifindex, ours, XDP_FLAGS_DRV_MODE, NULL);
		is_int(rtnl_xdp_detach(ifindex, theirs, XDP_FLAGS_DRV_MODE, &message), -EEXIST,
		       "netlink minds the expected program");
		is_str(message, "Active program does not match expected", "in its own words");
	}
	is_int(xdp_detach_foreign(&red, ifindex, &old.v[0], &err), -ESTALE, "another took over");
	xdp_query(&red, ifindex, &state, &err);
	is_int(state.v[0].prog_id, program_id(ours), "which stays");
	is_int(xdp_detach_foreign(&red, ifindex, &state.v[0], &err), 0, "the right one");
	xdp_query(&red, ifindex, &state, &err);
	is_int(state.n, 0, "is detached");
	is_int(xdp_detach_foreign(&red, ifindex, &old.v[0], &err), 0, "gone already is fine");
}

static void test_foreign_link(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	_cleanup_close_ int prog = verdict_program("linked", XDP_PASS), link = -1;
	__u32 ifindex = net_ifindex("red", "veth0");
	struct xdp_state state;

	xdp_link_create(&red, ifindex, prog, XDP_NATIVE, &link, &err);
	xdp_query(&red, ifindex, &state, &err);
	is_int(xdp_detach_foreign(&red, ifindex, &state.v[0], &err), 0, "by its link's id");
	xdp_query(&red, ifindex, &state, &err);
	is_int(state.n, 0, "a foreign link is detached");
}

/* Interfaces of different namespaces with one ifindex: the kernel's link info cannot tell. */
static void test_equal_ifindex(void)
{
	_cleanup_netns_ struct netns red = must_open("red"), blue = must_open("blue");
	_cleanup_close_ int shared = verdict_program("shared", XDP_PASS);
	_cleanup_close_ int own = verdict_program("own", XDP_PASS);
	_cleanup_close_ int in_red = -1, in_blue = -1;
	const __u32 ifindex = 77;
	struct xdp_state r, b;

	must_run("ip -n red link add same index 77 type veth peer name same-peer");
	must_run("ip -n blue link add same index 77 type veth peer name same-peer");
	xdp_link_create(&red, ifindex, shared, XDP_NATIVE, &in_red, &err);
	xdp_query(&red, ifindex, &r, &err);
	xdp_query(&blue, ifindex, &b, &err);
	is_int(r.n, 1, "attached here");
	is_int(b.n, 0, "and not there");

	xdp_link_create(&blue, ifindex, own, XDP_NATIVE, &in_blue, &err);
	xdp_query(&red, ifindex, &r, &err);
	xdp_query(&blue, ifindex, &b, &err);
	is_str(r.v[0].name, "shared", "one program here");
	is_str(b.v[0].name, "own", "another there");
	ok(r.v[0].link_id && b.v[0].link_id && r.v[0].link_id != b.v[0].link_id, "two links");

	link_update(in_blue, own, shared, &err);
	xdp_query(&red, ifindex, &r, &err);
	is_int(r.v[0].links, 2, "one program in both: two links may be it");
	is_int(r.v[0].link_id, 0, "so none is named");
	is_int(xdp_detach_foreign(&red, ifindex, &r.v[0], &err), -ENOTUNIQ, "nor detached");
	xdp_query(&red, ifindex, &r, &err);
	xdp_query(&blue, ifindex, &b, &err);
	ok(r.n == 1 && b.n == 1, "both are still attached");
	must_run("ip -n red link delete same");
	must_run("ip -n blue link delete same");
}

static void test_device_gone(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	_cleanup_close_ int prog = verdict_program("orphan", XDP_PASS), link = -1;
	_cleanup_close_ int next = verdict_program("next", XDP_PASS);
	struct link_info info;

	net_veth("red", "going", "blue", "going");
	xdp_link_create(&red, net_ifindex("red", "going"), prog, XDP_NATIVE, &link, &err);
	must_run("ip -n red link delete going");
	is_int(link_info(link, &info, &err), 0, "a link outlives its device");
	is_int(info.ifindex, 0, "and says that it is gone");
	is_int(link_update(link, prog, next, &err), -ENODEV, "an update does too");
	is_int(link_detach(link, &err), 0, "detaching it is fine");
}

int main(void)
{
	kernel_test_begin();
	test_link();
	test_link_modes();
	test_update_refuses_other_type();
	test_foreign_netlink();
	test_foreign_link();
	test_equal_ifindex();
	test_device_gone();
	return kernel_test_end();
}
