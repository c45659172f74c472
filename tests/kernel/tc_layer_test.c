/* SPDX-License-Identifier: GPL-2.0-only */
/* Links of TCX: order, revisions, updates under traffic, and what is told when it does not go. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/text.h"
#include "kernel/iface.h"
#include "kernel/link.h"
#include "kernel/tc.h"
#include "kernel/tcx_abi.h"
#include "net.h"
#include "run.h"
#include "tap.h"
#include "tc_common.h"
#include "wait.h"

enum { DEADLINE_MS = 60000, FLOOD = 30000, SLOTS = 63 };

static struct tc_test t;

/* The end where frames arrive, and where they are sent. */
static struct netns blue, red;
static __u32 blue_if, red_if;

static int attach(enum tc_hook hook, int prog, struct tc_place place)
{
	const struct netns *ns = hook == TC_EGRESS ? &red : &blue;
	int fd;

	if (tc_link_create(ns, hook == TC_EGRESS ? red_if : blue_if, hook, prog, &place, &fd,
			   &t.err))
		bail_out("attaching: %s", tc_error(&t));
	return fd;
}

static struct tc_state look(enum tc_hook hook)
{
	struct tc_state state = {};

	if (tc_query(hook == TC_EGRESS ? &red : &blue, hook == TC_EGRESS ? red_if : blue_if, hook,
		     &state, &t.err))
		bail_out("looking: %s", tc_error(&t));
	return state;
}

static void test_nothing(void)
{
	_cleanup_(tc_state_done) struct tc_state state = look(TC_INGRESS);

	is_int(state.list.n, 0, "nothing is attached");
	ok(!state.has_clsact && !state.has_ingress, "no queueing discipline either");
	is_int(state.revision, 1, "the list is of revision 1");
	ok(tc_has_links(TC_INGRESS) && tc_has_links(TC_EGRESS), "this kernel has TCX");
	tc_trail_is(&t, 0, "no programs");
}

/* What the kernel lists is the order that frames meet. */
static void test_order(enum tc_hook hook)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_UNSPEC);
	_cleanup_close_ int two = tc_program_mark(&t, "two", 2, TC_ACT_UNSPEC);
	_cleanup_close_ int three = tc_program_mark(&t, "three", 3, TC_ACT_UNSPEC);
	_cleanup_close_ int four = tc_program_mark(&t, "four", 4, TC_ACT_UNSPEC);
	_cleanup_close_ int l2 = -1, l1 = -1, l4 = -1, l3 = -1;
	_cleanup_(tc_state_done) struct tc_state state = {};
	const char *names[] = {"one", "two", "three", "four"};

	l2 = attach(hook, two, (struct tc_place){.position = TC_FIRST});
	tc_trail_is(&t, 0x2, "first of none");
	l1 = attach(hook, one, (struct tc_place){.position = TC_FIRST});
	tc_trail_is(&t, 0x12, "first");
	l4 = attach(hook, four, (struct tc_place){.position = TC_LAST});
	tc_trail_is(&t, 0x124, "last");
	l3 = attach(hook, three, (struct tc_place){TC_BEFORE, tc_link_id(l4), true, 0});
	tc_trail_is(&t, 0x1234, "before a link");
	close(l3);
	l3 = attach(hook, three, (struct tc_place){TC_AFTER, tc_link_id(l2), true, 0});
	tc_trail_is(&t, 0x1234, "after a link");
	close(l3);
	l3 = attach(hook, three, (struct tc_place){TC_AFTER, program_id(two), false, 0});
	tc_trail_is(&t, 0x1234, "after a program");
	close(l3);
	l3 = attach(hook, three, (struct tc_place){TC_BEFORE, program_id(four), false, 0});
	tc_trail_is(&t, 0x1234, "before a program");

	state = look(hook);
	if (!is_int(state.list.n, 4, "four are listed"))
		return;
	for (int i = 0; i < 4; i++)
		is_str(state.list.v[i].name, names[i], "number %d by its name", i + 1);
	is_int(state.list.v[2].prog_id, program_id(three), "its program");
	is_int(state.list.v[2].link_id, tc_link_id(l3), "its link");
	ok(!state.list.v[2].clsact && state.list.v[2].loaded_ns, "no filter; and when it came");
	ok(memcmp(state.list.v[2].tag, (__u8[8]){}, 8), "its tag");
}

/* A program that has decided is the last one. */
static void test_verdict(void)
{
	_cleanup_close_ int shot = tc_program_mark(&t, "shot", 1, TC_ACT_SHOT);
	_cleanup_close_ int next = tc_program_mark(&t, "next", 2, TC_ACT_UNSPEC);
	_cleanup_close_ int l1 = attach(TC_INGRESS, shot, (struct tc_place){});
	_held_ int l2 = attach(TC_INGRESS, next, (struct tc_place){});

	tc_trail_is(&t, 0x1, "the second program is not run");
	is_int(link_detach(l1, &t.err), 0, "without the first one");
	tc_trail_is(&t, 0x2, "it is");
}

static void test_revision(void)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_UNSPEC);
	_cleanup_close_ int two = tc_program_mark(&t, "two", 2, TC_ACT_UNSPEC);
	_cleanup_(tc_state_done) struct tc_state before = look(TC_INGRESS), after = {};
	struct tc_place place = {.position = TC_FIRST, .revision = before.revision};
	_held_ int l1 = attach(TC_INGRESS, one, place), l2 = -1;

	is_int(tc_link_create(&blue, blue_if, TC_INGRESS, two, &place, &l2, &t.err), -ESTALE,
	       "a list that has changed is refused");
	tc_says(&t, "tc-ingress");
	tc_says(&t, "somebody else");
	after = look(TC_INGRESS);
	is_int(after.list.n, 1, "nothing was attached");
	is_int(after.revision, before.revision + 1, "attaching counted the revision up");
	place.revision = after.revision;
	l2 = attach(TC_INGRESS, two, place);
	tc_trail_is(&t, 0x21, "the present revision is taken");
}

static void test_refused(void)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_UNSPEC);
	_cleanup_close_ int two = tc_program_mark(&t, "two", 2, TC_ACT_UNSPEC);
	const struct bpf_insn pass[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 2},
					{.code = BPF_JMP | BPF_EXIT}};
	_cleanup_close_ int xdp = bpf_prog_load(BPF_PROG_TYPE_XDP, "xdp", "GPL", pass, 2, NULL);
	struct tc_place place = {.position = TC_AFTER, .relative = program_id(two)};
	_held_ int l1 = attach(TC_INGRESS, one, (struct tc_place){}), fd = -1;
	struct tc_state state;

	is_int(tc_link_create(&blue, blue_if, TC_INGRESS, two, &place, &fd, &t.err), -ENOENT,
	       "behind one that is not there");
	tc_says(&t, "'one' (program");
	place.relative = program_id(xdp);
	is_int(tc_link_create(&blue, blue_if, TC_INGRESS, two, &place, &fd, &t.err), -ENOENT,
	       "behind one of another type");
	place = (struct tc_place){.position = TC_BEFORE};
	is_int(tc_link_create(&blue, blue_if, TC_INGRESS, two, &place, &fd, &t.err), -ENOENT,
	       "before nothing");
	place = (struct tc_place){TC_BEFORE, 0x7fffffff, true, 0};
	is_int(tc_link_create(&blue, blue_if, TC_INGRESS, two, &place, &fd, &t.err), -ENOENT,
	       "before a link of nobody");
	place = (struct tc_place){};
	is_int(tc_link_create(&blue, blue_if, TC_INGRESS, one, &place, &fd, &t.err), -EEXIST,
	       "the same program again");
	tc_says(&t, "once");
	is_int(tc_link_create(&blue, blue_if, TC_INGRESS, xdp, &place, &fd, &t.err), -EINVAL,
	       "an XDP program");
	tc_says(&t, "SCHED_CLS");
	is_int(tc_link_create(&blue, 9999, TC_INGRESS, two, &place, &fd, &t.err), -ENODEV,
	       "no interface");
	is_int(tc_query(&blue, 9999, TC_EGRESS, &state, &t.err), -ENODEV, "nor to look at");
	is_int(fd, -1, "no link was made");
	if (tc_has_links(TC_NETKIT_PRIMARY))
		return;
	is_int(tc_query(&blue, blue_if, TC_NETKIT_PRIMARY, &state, &t.err), -EINVAL, "no netkit");
	tc_says(&t, "6.7");
	is_int(tc_link_create(&blue, blue_if, TC_NETKIT_PEER, two, &place, &fd, &t.err),
	       -EOPNOTSUPP, "nor a link of it");
}

/* As many as the kernel takes are all listed. */
static void test_full(void)
{
	int progs[SLOTS + 1], links[SLOTS + 1], n, r = 0;
	_cleanup_(tc_state_done) struct tc_state state = {};
	bool same = true;

	for (n = 0; n <= SLOTS; n++) {
		progs[n] = tc_program_mark(&t, "many", 1, TC_ACT_UNSPEC);
		r = tc_link_create(&blue, blue_if, TC_INGRESS, progs[n], &(struct tc_place){},
				   &links[n], &t.err);
		if (r)
			break;
	}
	is_int(r, -ERANGE, "there is an end to it");
	tc_says(&t, "63");
	is_int(n, SLOTS, "at 63");
	state = look(TC_INGRESS);
	is_int(state.list.n, n, "all are listed");
	for (int i = 0; i < n && i < state.list.n; i++)
		same &= state.list.v[i].prog_id == program_id(progs[i]) &&
			state.list.v[i].link_id == tc_link_id(links[i]);
	ok(same, "in order");
	for (int i = 0; i <= n && i <= SLOTS; i++) {
		close(progs[i]);
		if (i < n)
			close(links[i]);
	}
}

static atomic_bool flooding;

static void *flood(void *arg)
{
	tc_send(&t, FLOOD);
	flooding = false;
	return NULL;
}

/* Each frame meets exactly one of two programs that take turns. */
static void test_update(enum tc_hook hook)
{
	_cleanup_close_ int all = tc_program_count(&t, "all", TC_MAP_COUNT_ALL);
	_cleanup_close_ int a = tc_program_count(&t, "a", TC_MAP_COUNT_A);
	_cleanup_close_ int b = tc_program_count(&t, "b", TC_MAP_COUNT_B);
	_held_ int first = attach(hook, all, (struct tc_place){});
	_cleanup_close_ int link = attach(hook, a, (struct tc_place){});
	unsigned int updates = 0, failed = 0;
	pthread_t thread;

	for (int word = 0; word < TC_MAP_SIZE; word++)
		tc_value_set(&t, word, 0);
	flooding = true;
	if (pthread_create(&thread, NULL, flood, NULL))
		bail_out("pthread_create");
	for (; flooding; updates++)
		failed += !!(updates % 2 ? link_update(link, b, a, &t.err)
					 : link_update(link, a, b, &t.err));
	pthread_join(thread, NULL);
	ok(wait_until(tc_value(&t, TC_MAP_COUNT_ALL) == FLOOD, DEADLINE_MS), "all frames are seen");
	is_int(failed, 0, "all of %u updates succeed", updates);
	ok(updates > 1, "there were some");
	wait_until(tc_value(&t, TC_MAP_COUNT_A) + tc_value(&t, TC_MAP_COUNT_B) == FLOOD,
		   DEADLINE_MS);
	is_int(tc_value(&t, TC_MAP_COUNT_A) + tc_value(&t, TC_MAP_COUNT_B), FLOOD,
	       "each frame met one program");
	while (wire_count(t.wire_out, 1, 0))
		; /* what the flood has left there */
}

static void test_link_errors(void)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_UNSPEC);
	_cleanup_close_ int two = tc_program_mark(&t, "two", 2, TC_ACT_UNSPEC);
	_cleanup_close_ int three = tc_program_mark(&t, "three", 3, TC_ACT_UNSPEC);
	_cleanup_close_ int l1 = attach(TC_INGRESS, one, (struct tc_place){});
	_held_ int l2 = attach(TC_INGRESS, two, (struct tc_place){});
	struct link_info info;

	is_int(link_info(l1, &info, &t.err), 0, "what a link is");
	is_int(info.kind, LINK_TCX, "of TCX");
	is_int(info.ifindex, blue_if, "its interface");
	is_int(info.attach_type, ABI_TCX_INGRESS, "its hook");
	is_int(info.prog_id, program_id(one), "its program");
	is_int(link_update(l1, three, three, &t.err), -ESTALE, "it runs another program");
	tc_says(&t, "somebody else");
	is_int(link_update(l1, one, two, &t.err), -EEXIST, "a program that is there already");
	tc_trail_is(&t, 0x12, "nothing has changed");
	is_int(link_update(l1, one, three, &t.err), 0, "the right one");
	tc_trail_is(&t, 0x32, "in the same place");
	is_int(link_detach(l1, &t.err), 0, "detaching");
	is_int(link_detach(l1, &t.err), 0, "and again");
	tc_trail_is(&t, 0x2, "one is left");
	is_int(link_info(l1, &info, &t.err), 0, "the link is there");
	is_int(info.ifindex, 0, "at no interface");
	is_int(link_update(l1, three, one, &t.err), -ENODEV, "and cannot be updated");
}

static void test_device_gone(void)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_UNSPEC), link = -1;
	_cleanup_close_ int two = tc_program_mark(&t, "two", 2, TC_ACT_UNSPEC);
	struct link_info info;
	__u32 ifindex;

	net_veth("red", "gone0", "blue", "gone1");
	ifindex = net_ifindex("blue", "gone1");
	is_int(tc_link_create(&blue, ifindex, TC_EGRESS, one, &(struct tc_place){}, &link, &t.err),
	       0, "attached to an interface");
	must_run("ip -n blue link delete gone1");
	is_int(link_info(link, &info, &t.err), 0, "which goes");
	is_int(info.ifindex, 0, "the link knows");
	is_int(link_update(link, one, two, &t.err), -ENODEV, "and is of no use");
	tc_says(&t, "gone");
	is_int(link_detach(link, &t.err), 0, "detaching it is fine");
}

int main(void)
{
	net_init();
	net_add("red");
	net_add("blue");
	net_veth("red", "veth0", "blue", "veth0");
	if (!tc_has_links(TC_INGRESS))
		skip_all("this kernel has no TCX: it needs Linux 6.6");
	tc_wires(&t, "red", "veth0", "blue", "veth0");
	tc_map_make(&t);
	red = tc_netns("red");
	blue = tc_netns("blue");
	red_if = net_ifindex("red", "veth0");
	blue_if = net_ifindex("blue", "veth0");

	test_nothing();
	test_order(TC_INGRESS);
	test_order(TC_EGRESS);
	test_verdict();
	test_revision();
	test_refused();
	test_full();
	test_update(TC_INGRESS);
	test_update(TC_EGRESS);
	test_link_errors();
	test_device_gone();
	netns_done(&red);
	netns_done(&blue);
	close(t.map);
	close(t.wire_in);
	close(t.wire_out);
	braid_error_clear(&t.err);
	return done();
}
