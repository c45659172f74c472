/* SPDX-License-Identifier: GPL-2.0-only */
/* Filters of clsact: ours, and those that tc(8) makes. */
#include <errno.h>
#include <linux/if_ether.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/tc.h"
#include "net.h"
#include "run.h"
#include "tap.h"
#include "tc_common.h"
#include "wait.h"

enum { DEADLINE_MS = 60000, FLOOD = 30000 };

static struct tc_test t;

/* Where frames arrive. All is done at its ingress, unless it says otherwise. */
static struct netns blue;
static __u32 ifindex;

static struct tc_state look_at(enum tc_hook hook)
{
	struct tc_state state = {};

	if (tc_query(&blue, ifindex, hook, &state, &t.err))
		bail_out("looking: %s", tc_error(&t));
	return state;
}

static bool has_clsact(void)
{
	_cleanup_(tc_state_done) struct tc_state state = look_at(TC_INGRESS);

	return state.has_clsact;
}

static struct tc_filter attach(int prog, struct tc_filter f, bool expect_made)
{
	bool made;

	if (tc_filter_attach(&blue, ifindex, TC_INGRESS, prog, &f, &made, &t.err))
		bail_out("adding a filter: %s", tc_error(&t));
	is_int(made, expect_made, expect_made ? "clsact is made" : "clsact was there");
	return f;
}

static void detach(const struct tc_filter *f, int prog)
{
	is_int(tc_filter_detach(&blue, ifindex, TC_INGRESS, f, program_id(prog), true, &t.err), 0,
	       "a filter is removed");
}

/* As scripts do it. */
static void tc(const char *args)
{
	_net_in_(there, "blue");

	must_run("tc %s", args);
}

/* Priorities are chosen so that a filter stands where it is wanted. */
static void test_places(void)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_UNSPEC);
	_cleanup_close_ int two = tc_program_mark(&t, "two", 2, TC_ACT_UNSPEC);
	_cleanup_close_ int three = tc_program_mark(&t, "three", 3, TC_ACT_UNSPEC);
	_cleanup_close_ int four = tc_program_mark(&t, "four", 4, TC_ACT_UNSPEC);
	struct tc_filter f2 = attach(two, (struct tc_filter){}, true), f1, f3, f4;
	_cleanup_(tc_state_done) struct tc_state state = {};

	ok(f2.priority && f2.handle, "priority and handle are told: %u, %#x", f2.priority,
	   f2.handle);
	f1 = attach(one, (struct tc_filter){.place.position = TC_FIRST}, false);
	f4 = attach(four, (struct tc_filter){.priority = f2.priority + 10, .handle = 7}, false);
	is_int(f4.handle, 7, "a handle that was asked for");
	tc_trail_is(&t, 0x124, "first, and by priority");
	f3 = attach(three, (struct tc_filter){.place = {TC_AFTER, program_id(two), false, 0}},
		    false);
	tc_trail_is(&t, 0x1234, "after a program");
	detach(&f3, three);
	f3 = attach(three, (struct tc_filter){.place = {TC_BEFORE, program_id(four), false, 0}},
		    false);
	tc_trail_is(&t, 0x1234, "before a program");
	detach(&f4, four);
	f4 = attach(four, (struct tc_filter){.place.position = TC_LAST}, false);
	tc_trail_is(&t, 0x1234, "last");

	state = look_at(TC_INGRESS);
	is_int(state.list.n, 4, "all are listed");
	is_str(state.list.v[2].name, "three", "in order");
	is_int(state.list.v[2].priority, f3.priority, "with priority");
	is_int(state.list.v[2].handle, f3.handle, "handle");
	is_int(state.list.v[2].prog_id, program_id(three), "program");
	is_int(state.list.v[2].protocol, ETH_P_ALL, "protocol");
	is_str(state.list.v[2].kind, "bpf", "kind");
	ok(state.list.v[2].clsact && state.list.v[2].direct, "as a filter, direct-action");
	detach(&f1, one);
	detach(&f2, two);
	detach(&f3, three);
	ok(has_clsact(), "clsact stays for the last one");
	detach(&f4, four);
	ok(!has_clsact(), "and goes with it");
	tc_trail_is(&t, 0, "nothing is run");
}

static void test_no_room(void)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_UNSPEC);
	_cleanup_close_ int two = tc_program_mark(&t, "two", 2, TC_ACT_UNSPEC);
	struct tc_filter f1 = attach(one, (struct tc_filter){.priority = 1}, true);
	struct tc_filter f2 = attach(two, (struct tc_filter){.priority = 65535}, false), f;
	bool made;

	f = (struct tc_filter){.place.position = TC_FIRST};
	is_int(tc_filter_attach(&blue, ifindex, TC_INGRESS, two, &f, &made, &t.err), -ENOSPC,
	       "nothing is before 1");
	f = (struct tc_filter){.place.position = TC_LAST};
	is_int(tc_filter_attach(&blue, ifindex, TC_INGRESS, two, &f, &made, &t.err), -ENOSPC,
	       "nor behind 65535");
	tc_says(&t, "priority");
	f = (struct tc_filter){.place = {TC_BEFORE, 0x7fffffff, false, 0}};
	is_int(tc_filter_attach(&blue, ifindex, TC_INGRESS, two, &f, &made, &t.err), -ENOENT,
	       "before one that is not there");
	f = (struct tc_filter){.priority = 65536};
	is_int(tc_filter_attach(&blue, ifindex, TC_INGRESS, two, &f, &made, &t.err), -EINVAL,
	       "65536 is none");
	f = (struct tc_filter){.priority = 1, .handle = f1.handle};
	is_int(tc_filter_attach(&blue, ifindex, TC_INGRESS, two, &f, &made, &t.err), -EEXIST,
	       "the same priority and handle");
	is_int(f.priority, 1, "what was asked for is not written over");
	detach(&f1, one);
	detach(&f2, two);
}

/* What tc(8) has attached, by what it knows of it, and left alone. */
static void test_foreign(void)
{
	_cleanup_close_ int ours = tc_program_mark(&t, "ours", 1, TC_ACT_UNSPEC);
	_cleanup_close_ int theirs = tc_program_mark(&t, "theirs", 2, TC_ACT_UNSPEC);
	_cleanup_free_ char *root = NULL, *pin = NULL;
	_cleanup_(tc_state_done) struct tc_state in = {}, out = {};
	struct tc_filter f = {.priority = 5};
	bool made;

	if (bpffs_root(&root, &t.err) || !(pin = text_fmt("%s/theirs", root)) ||
	    bpffs_pin(theirs, pin, &t.err))
		bail_out("%s", tc_error(&t));
	tc("qdisc add dev veth0 clsact");
	{
		_net_in_(there, "blue");
		must_run("tc filter add dev veth0 ingress pref 10 bpf da object-pinned %s", pin);
		must_run("tc filter add dev veth0 ingress pref 20 protocol ip u32 match u8 17 0xff "
			 "at 9");
		must_run("tc filter add dev veth0 egress pref 30 handle 9 bpf object-pinned %s",
			 pin);
		must_run("tc filter add dev veth0 ingress chain 3 pref 40 bpf da object-pinned %s",
			 pin);
	}
	in = look_at(TC_INGRESS);
	out = look_at(TC_EGRESS);
	if (!is_int(in.list.n, 3, "three at ingress") || !is_int(out.list.n, 1, "one at egress"))
		return;
	is_int(in.list.v[0].prog_id, program_id(theirs), "a program");
	is_str(in.list.v[0].name, "theirs", "by its name");
	is_int(in.list.v[0].priority, 10, "its pref");
	ok(in.list.v[0].direct, "it decides itself");
	is_str(in.list.v[1].kind, "u32", "another kind");
	is_int(in.list.v[1].prog_id, 0, "without a program");
	is_int(in.list.v[1].protocol, ETH_P_IP, "for some packets");
	is_int(in.list.v[2].chain, 3, "one in another chain");
	is_int(out.list.v[0].handle, 9, "its handle");
	ok(!out.list.v[0].direct, "actions of its own");

	is_int(tc_filter_attach(&blue, ifindex, TC_INGRESS, ours, &f, &made, &t.err), 0,
	       "one of ours before them");
	ok(!made, "by their clsact");
	tc_trail_is(&t, 0x12, "both are run");
	f.priority = 20;
	f.handle = 0;
	is_int(tc_filter_attach(&blue, ifindex, TC_INGRESS, ours, &f, &made, &t.err), -EEXIST,
	       "the priority of u32");
	tc_says(&t, "tc filter show");
	f = (struct tc_filter){.priority = 5, .handle = 1};
	detach(&f, ours);
	ok(has_clsact(), "clsact stays, as it has filters");
	tc_trail_is(&t, 0x2, "theirs are run");
	tc("qdisc delete dev veth0 clsact");
	if (unlink(pin))
		bail_out("unlink: %s", strerror(errno));
}

static void test_expected(void)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_UNSPEC);
	_cleanup_close_ int two = tc_program_mark(&t, "two", 2, TC_ACT_UNSPEC);
	struct tc_filter f = attach(one, (struct tc_filter){}, true), other = {1, 1, {}};
	__u32 id1 = program_id(one), id2 = program_id(two);

	is_int(tc_filter_update(&blue, ifindex, TC_INGRESS, &f, id2, two, &t.err), -ESTALE,
	       "another program than expected");
	tc_says(&t, "'one'");
	is_int(tc_filter_update(&blue, ifindex, TC_INGRESS, &other, id1, two, &t.err), -ENOENT,
	       "another filter");
	is_int(tc_filter_detach(&blue, ifindex, TC_INGRESS, &f, id2, true, &t.err), -ESTALE,
	       "nor is it removed");
	tc_trail_is(&t, 0x1, "nothing has changed");
	is_int(tc_filter_update(&blue, ifindex, TC_INGRESS, &f, id1, two, &t.err), 0,
	       "the expected one");
	tc_trail_is(&t, 0x2, "is replaced");
	detach(&f, two);
	is_int(tc_filter_detach(&blue, ifindex, TC_INGRESS, &f, id2, true, &t.err), 0,
	       "removing it again is fine");
	is_int(tc_filter_detach(&blue, 9999, TC_INGRESS, &f, id2, true, &t.err), 0,
	       "and so it is where the interface is gone");
	is_int(tc_filter_update(&blue, 9999, TC_INGRESS, &f, id2, one, &t.err), -ENODEV,
	       "where nothing can be updated");
}

/* The older queueing discipline has an ingress, too. */
static void test_ingress_qdisc(void)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_UNSPEC);
	struct tc_filter f = {};
	_cleanup_(tc_state_done) struct tc_state state = {};
	bool made = true;

	tc("qdisc add dev veth0 ingress");
	state = look_at(TC_INGRESS);
	ok(state.has_ingress && !state.has_clsact, "it is seen");
	is_int(tc_filter_attach(&blue, ifindex, TC_EGRESS, one, &f, &made, &t.err), -EBUSY,
	       "it has no egress");
	tc_says(&t, "'ingress'");
	is_int(tc_filter_attach(&blue, ifindex, TC_INGRESS, one, &f, &made, &t.err), 0,
	       "its ingress serves");
	ok(!made, "no clsact is made");
	tc_trail_is(&t, 0x1, "frames meet the filter");
	detach(&f, one);
	tc_state_done(&state);
	state = look_at(TC_INGRESS);
	ok(state.has_ingress, "it is not ours to remove");
	tc("qdisc delete dev veth0 ingress");
}

static void test_refused(void)
{
	const struct bpf_insn pass[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 2},
					{.code = BPF_JMP | BPF_EXIT}};
	_cleanup_close_ int xdp = bpf_prog_load(BPF_PROG_TYPE_XDP, "xdp", "GPL", pass, 2, NULL);
	struct tc_filter f = {};
	bool made;

	is_int(tc_filter_attach(&blue, ifindex, TC_INGRESS, xdp, &f, &made, &t.err), -EINVAL,
	       "a program of another type");
	tc_says(&t, "SCHED_CLS");
	ok(!has_clsact(), "clsact is not left behind");
	is_int(f.priority, 0, "nothing was filled in");
	is_int(tc_filter_attach(&blue, 9999, TC_INGRESS, xdp, &f, &made, &t.err), -ENODEV,
	       "no interface");
	is_int(tc_filter_attach(&blue, ifindex, TC_NETKIT_PEER, xdp, &f, &made, &t.err), -EINVAL,
	       "netkit has no filters");
}

/* Behind TCX, if that goes on. */
static void test_behind_tcx(void)
{
	_cleanup_close_ int next = tc_program_mark(&t, "next", 1, TC_ACT_UNSPEC);
	_cleanup_close_ int pass = tc_program_mark(&t, "pass", 2, TC_ACT_OK);
	_cleanup_close_ int filter = tc_program_mark(&t, "filter", 3, TC_ACT_OK), link = -1;
	struct tc_filter f = attach(filter, (struct tc_filter){}, true);
	_cleanup_(tc_state_done) struct tc_state state = {};

	if (!tc_has_links(TC_INGRESS))
		return skip("this kernel has no TCX: it needs Linux 6.6");
	if (tc_link_create(&blue, ifindex, TC_INGRESS, next, &(struct tc_place){}, &link, &t.err))
		bail_out("%s", tc_error(&t));
	tc_trail_is(&t, 0x13, "TCX goes on to the filter");
	state = look_at(TC_INGRESS);
	is_int(state.list.n, 2, "both are listed");
	ok(!state.list.v[0].clsact && state.list.v[1].clsact, "in this order");
	closep(&link);
	if (tc_link_create(&blue, ifindex, TC_INGRESS, pass, &(struct tc_place){}, &link, &t.err))
		bail_out("%s", tc_error(&t));
	tc_trail_is(&t, 0x2, "TCX has decided");
	detach(&f, filter);
	tc_trail_is(&t, 0x2, "clsact goes without what TCX has");
}

static atomic_bool flooding;

static void *flood(void *arg)
{
	tc_send(&t, FLOOD);
	flooding = false;
	return NULL;
}

/* Each frame meets exactly one of two programs that take turns. */
static void test_update(void)
{
	_cleanup_close_ int all = tc_program_count(&t, "all", TC_MAP_COUNT_ALL);
	_cleanup_close_ int a = tc_program_count(&t, "a", TC_MAP_COUNT_A);
	_cleanup_close_ int b = tc_program_count(&t, "b", TC_MAP_COUNT_B);
	struct tc_filter first = attach(all, (struct tc_filter){}, true);
	struct tc_filter f = attach(a, (struct tc_filter){}, false);
	__u32 ids[2] = {program_id(a), program_id(b)};
	unsigned int updates = 0, failed = 0;
	pthread_t thread;

	for (int word = 0; word < TC_MAP_SIZE; word++)
		tc_value_set(&t, word, 0);
	flooding = true;
	if (pthread_create(&thread, NULL, flood, NULL))
		bail_out("pthread_create");
	for (; flooding; updates++)
		failed += !!tc_filter_update(&blue, ifindex, TC_INGRESS, &f, ids[updates % 2],
					     updates % 2 ? a : b, &t.err);
	pthread_join(thread, NULL);
	ok(wait_until(tc_value(&t, TC_MAP_COUNT_ALL) == FLOOD, DEADLINE_MS), "all frames are seen");
	is_int(failed, 0, "all of %u updates succeed", updates);
	ok(updates > 1, "there were some");
	wait_until(tc_value(&t, TC_MAP_COUNT_A) + tc_value(&t, TC_MAP_COUNT_B) == FLOOD,
		   DEADLINE_MS);
	is_int(tc_value(&t, TC_MAP_COUNT_A) + tc_value(&t, TC_MAP_COUNT_B), FLOOD,
	       "each frame met one program");
	detach(&f, updates % 2 ? b : a);
	detach(&first, all);
	while (wire_count(t.wire_out, 1, 0))
		; /* what the flood has left there */
}

/* More than one message of the kernel's holds. */
static void test_many(void)
{
	_cleanup_close_ int one = tc_program_mark(&t, "one", 1, TC_ACT_UNSPEC);
	_cleanup_(tc_state_done) struct tc_state state = {};
	enum { MANY = 700 };
	struct tc_filter f = {.priority = 100};
	bool sorted = true, made;

	for (int i = 0; i < MANY; i++, f.priority++) {
		f.handle = 1;
		if (tc_filter_attach(&blue, ifindex, TC_INGRESS, one, &f, &made, &t.err))
			bail_out("%s", tc_error(&t));
	}
	state = look_at(TC_INGRESS);
	is_int(state.list.n, MANY, "all of very many are listed");
	for (size_t i = 0; i < state.list.n; i++)
		sorted &= state.list.v[i].priority == 100 + i;
	ok(sorted, "in order");
	tc("qdisc delete dev veth0 clsact");
}

int main(void)
{
	net_init();
	net_add("red");
	net_add("blue");
	net_veth("red", "veth0", "blue", "veth0");
	tc_wires(&t, "red", "veth0", "blue", "veth0");
	tc_map_make(&t);
	blue = tc_netns("blue");
	ifindex = net_ifindex("blue", "veth0");

	test_places();
	test_no_room();
	test_foreign();
	test_expected();
	test_ingress_qdisc();
	test_refused();
	test_behind_tcx();
	test_update();
	test_many();
	netns_done(&blue);
	close(t.map);
	close(t.wire_in);
	close(t.wire_out);
	braid_error_clear(&t.err);
	return done();
}
