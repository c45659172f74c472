/* SPDX-License-Identifier: GPL-2.0-only */
/* netkit: links at both hooks of a pair, and the frames that they see. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "kernel/attached.h"
#include "kernel/link.h"
#include "kernel/tc.h"
#include "kernel/tcx_abi.h"
#include "net.h"
#include "run.h"
#include "tap.h"
#include "tc_common.h"
#include "wait.h"

static struct tc_test t;

/* The primary device is in red, its peer in blue. */
static struct netns red, blue;
static __u32 ifindex;

static int attach(enum tc_hook hook, int prog, struct tc_place place)
{
	int fd;

	if (tc_link_create(&red, ifindex, hook, prog, &place, &fd, &t.err))
		bail_out("attaching: %s", tc_error(&t));
	return fd;
}

/* What one device sends, the other one receives; @hook is between the two. */
static void direct(enum tc_hook hook, const char *from, const char *to, const char *from_if,
		   const char *to_if)
{
	tc_wires(&t, from, from_if, to, to_if);
	diag("%s: frames from %s", tc_hook_names[hook], from_if);
}

static void direct_done(void)
{
	close(t.wire_in);
	close(t.wire_out);
}

static void test_order(enum tc_hook hook)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_UNSPEC);
	_cleanup_close_ int two = tc_program_mark(&t, "two", 2, TC_ACT_UNSPEC);
	_cleanup_close_ int three = tc_program_mark(&t, "three", 3, TC_ACT_UNSPEC);
	_cleanup_close_ int four = tc_program_mark(&t, "four", 4, TC_ACT_UNSPEC);
	_cleanup_(tc_state_done) struct tc_state state = {};
	struct tc_place place = {.position = TC_FIRST, .revision = 1};
	_cleanup_close_ int l2 = attach(hook, two, place), l1 = -1, l3 = -1;
	struct link_info info;

	tc_trail_is(&t, 0x2, "a link");
	is_int(tc_link_create(&red, ifindex, hook, one, &place, &l1, &t.err), -ESTALE,
	       "a list that has changed is refused");
	l1 = attach(hook, one, (struct tc_place){TC_BEFORE, tc_link_id(l2), true, 0});
	l3 = attach(hook, three, (struct tc_place){.position = TC_LAST});
	tc_trail_is(&t, 0x123, "before, and last");
	is_int(tc_query(&red, ifindex, hook, &state, &t.err), 0, "all are listed");
	is_int(state.list.n, 3, "three");
	ok(state.list.n == 3 && state.list.v[1].link_id == tc_link_id(l2), "in order");
	is_int(link_info(l1, &info, &t.err), 0, "what a link is");
	is_int(info.kind, LINK_NETKIT, "of netkit");
	is_int(info.ifindex, hook == TC_NETKIT_PRIMARY ? ifindex : net_ifindex("blue", "peer"),
	       "its interface, at the peer hook the peer");
	ok(link_is_at(&info, ifindex), "it is at the primary device");
	is_int(info.attach_type, hook == TC_NETKIT_PRIMARY ? ABI_NETKIT_PRIMARY : ABI_NETKIT_PEER,
	       "its hook");
	is_int(link_update(l1, four, four, &t.err), -ESTALE, "it runs another program");
	is_int(link_update(l1, one, four, &t.err), 0, "the right one is replaced");
	tc_trail_is(&t, 0x423, "in the same place");
	is_int(link_detach(l1, &t.err), 0, "detaching");
	is_int(link_info(l1, &info, &t.err), 0, "the link is there");
	ok(!link_is_at(&info, ifindex), "but attached nowhere");
	is_int(link_update(l1, four, one, &t.err), -ENODEV, "then it is of no use");
	tc_trail_is(&t, 0x23, "two are left");
}

/* On a way in the middle, a program decides. */
static void test_verdict(enum tc_hook hook)
{
	_cleanup_close_ int pass = tc_program_mark(&t, "pass", 1, TC_ACT_OK);
	_cleanup_close_ int next = tc_program_mark(&t, "next", 2, TC_ACT_UNSPEC);
	_cleanup_close_ int l1 = attach(hook, pass, (struct tc_place){});
	_cleanup_close_ int l2 = attach(hook, next, (struct tc_place){});

	tc_trail_is(&t, 0x1, "the second program is not run");
}

/* Of a list that was emptied the kernel tells no revision that it would take. */
static void test_emptied(enum tc_hook hook)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_OK);
	_cleanup_(tc_state_done) struct tc_state state = {};
	_cleanup_close_ int link = -1;

	close(attach(hook, one, (struct tc_place){}));
	is_int(tc_query(&red, ifindex, hook, &state, &t.err), 0, "what is there");
	is_int(state.list.n, 0, "nothing any more");
	link = attach(hook, one, (struct tc_place){.revision = state.revision});
	tc_trail_is(&t, 0x1, "attached as it was looked at");
}

static void test_refused(void)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_UNSPEC);
	__u32 peer = net_ifindex("blue", "peer"), other;
	struct tc_place place = {};
	struct tc_state state;
	int fd;

	net_veth("red", "veth0", "blue", "veth0");
	other = net_ifindex("red", "veth0");
	is_int(tc_query(&blue, peer, TC_NETKIT_PRIMARY, &state, &t.err), -EINVAL, "not at a peer");
	tc_says(&t, "primary");
	is_int(tc_link_create(&blue, peer, TC_NETKIT_PEER, one, &place, &fd, &t.err), -EINVAL,
	       "nor a link");
	tc_says(&t, "primary");
	is_int(tc_query(&red, other, TC_NETKIT_PRIMARY, &state, &t.err), -EINVAL, "not at a veth");
	tc_says(&t, "no netkit device");
	is_int(tc_link_create(&red, other, TC_NETKIT_PRIMARY, one, &place, &fd, &t.err), -EINVAL,
	       "nor a link");
	is_int(tc_link_create(&red, 9999, TC_NETKIT_PRIMARY, one, &place, &fd, &t.err), -ENODEV,
	       "no interface");
}

/* The lists of all hooks, as packets meet them. */
static void test_attached(void)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_UNSPEC);
	_cleanup_close_ int two = tc_program_mark(&t, "two", 2, TC_ACT_UNSPEC);
	_cleanup_close_ int three = tc_program_mark(&t, "three", 3, TC_ACT_UNSPEC);
	_cleanup_close_ int l1 = attach(TC_NETKIT_PRIMARY, one, (struct tc_place){});
	_cleanup_close_ int l2 = attach(TC_NETKIT_PEER, two, (struct tc_place){});
	_cleanup_close_ int l3 = attach(TC_EGRESS, three, (struct tc_place){});
	_cleanup_(attached_done) struct attached_list all = {};

	is_int(attached_read(&red, ifindex, &all, &t.err), 0, "all is looked at");
	if (!is_int(all.list.n, 3, "three"))
		return;
	is_int(all.list.v[0].hook, ATTACHED_NETKIT_PEER, "what the peer sends");
	is_str(all.list.v[0].is.name, "two", "meets this");
	is_int(all.list.v[1].hook, ATTACHED_TC_EGRESS, "what is sent meets TC first");
	is_int(all.list.v[2].hook, ATTACHED_NETKIT_PRIMARY, "then netkit");
	tc_trail_is(&t, 0x31, "so do frames");
}

static void test_gone(void)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_UNSPEC);
	_cleanup_close_ int link = attach(TC_NETKIT_PEER, one, (struct tc_place){});
	struct link_info info;

	must_run("ip -n red link delete primary");
	is_int(link_info(link, &info, &t.err), 0, "the pair is gone, the link is there");
	is_int(info.ifindex, 0, "and knows");
	is_int(link_detach(link, &t.err), 0, "detaching it is fine");
}

int main(void)
{
	net_init();
	net_add("red");
	net_add("blue");
	if (!tc_has_links(TC_NETKIT_PRIMARY))
		skip_all("this kernel has no netkit: it needs Linux 6.7");
	/* ip(8) of Debian 12 knows nothing of a pair; what no program decides goes on */
	must_run("ip -n red link add primary type netkit");
	must_run("ip -n red link set nk0 netns blue name peer");
	must_run("ip -n red link set primary up");
	must_run("ip -n blue link set peer up");
	tc_map_make(&t);
	red = tc_netns("red");
	blue = tc_netns("blue");
	ifindex = net_ifindex("red", "primary");

	direct(TC_NETKIT_PEER, "blue", "red", "peer", "primary");
	test_order(TC_NETKIT_PEER);
	test_verdict(TC_NETKIT_PEER);
	test_emptied(TC_NETKIT_PEER);
	direct_done();
	direct(TC_NETKIT_PRIMARY, "red", "blue", "primary", "peer");
	test_order(TC_NETKIT_PRIMARY);
	test_verdict(TC_NETKIT_PRIMARY);
	test_emptied(TC_NETKIT_PRIMARY);
	test_refused();
	test_attached();
	test_gone();
	direct_done();
	netns_done(&red);
	netns_done(&blue);
	close(t.map);
	braid_error_clear(&t.err);
	return done();
}
