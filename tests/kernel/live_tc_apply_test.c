/* SPDX-License-Identifier: GPL-2.0-only */
/* Pipelines at the hooks of TC over their life, by links and by filters of clsact. */
#include <stdlib.h>
#include <string.h>

#include "live_tc.h"

#define BY_FILTER "attach: {via: netlink}, "

static long long revision(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	return json_number(status, "pipelines/0/revision");
}

/* Applies @manifest; what is done at its first interface, and by which way. */
static void apply(const char *manifest, const char *action, const char *way, const char *trip,
		  const char *what)
{
	_cleanup_json_ json_t *j = braid_json("apply", manifest), *status = braid_json("status");

	is_str(json_text(j, "interfaces/0/action"), action, "%s: %s", what, action);
	is_str(json_text(j, "interfaces/0/way"), way, "by %s", way);
	is_str(json_text(status, "pipelines/0/interfaces/0/way"), way, "status has that");
	is_str(json_text(status, "pipelines/0/interfaces/0/state"), "attached", "attached");
	is_int(json_number(status, "pipelines/0/interfaces/0/program"),
	       json_number(status, "pipelines/0/programs/0/id"), "with the pipeline's program");
	is_str(live_trip(0), trip, "frames carry '%s'", trip);
}

static void unchanged(const char *manifest)
{
	_cleanup_json_ json_t *before = live_status(), *after = NULL;
	_cleanup_json_ json_t *j = braid_json("apply", manifest);
	size_t pins = live_pins();

	ok(json_is_false(json_at(j, "changed")), "again: nothing to do");
	after = live_status();
	ok(json_equal(before, after), "nothing in status changed");
	is_int(live_pins(), pins, "nor what is pinned");
}

static void gone(const char *what)
{
	must_braid("delete", "edge");
	is_str(live_trip(0), "", "%s: deleted, frames meet nothing", what);
	is_int(live_pins(), 0, "nothing is pinned");
	is_int(live_tc_programs("left", "l0", "tc-egress"), 0, "nothing is attached");
	is_int(live_tc_programs("left", "l1", "tc-egress"), 0, "nor at the other interface");
}

/* The same life by either way. @more: how it is attached; @way: what that is called. */
static void test_life(const char *more, const char *way)
{
	const char *one = live_text(ON_L0 "%s", more), *two = live_text(ON_L0_L1 "%s", more);
	int n;

	apply(live_tc_manifest("edge", "tc-egress", one, "1,2"), "attach", way, "12", "first");
	unchanged(live_tc_manifest("edge", "tc-egress", one, "1,2"));
	n = revision();
	apply(live_tc_manifest("edge", "tc-egress", one, "2,1"), "update", way, "21", "order");
	apply(live_tc_manifest("edge", "tc-egress", live_text("%s" AS_TAILS, one), "1,2"), "update",
	      way, "12", "tail calls");
	is_str(live_trip(1), "", "another interface is as it was");
	must_braid("apply", live_tc_manifest("edge", "tc-egress", two, "3"));
	is_str(live_trip(1), "3", "until it is named");
	is_str(live_trip(0), "3", "both");
	is_int(live_tc_programs("left", "l0", "tc-egress"), 1, "one program is attached");
	must_braid("rollback", "edge", live_text("%d", n));
	is_str(live_trip(0), "12", "rollback");
	is_str(live_trip(1), "", "to one interface");
	gone(way);
}

static void test_clsact_goes(void)
{
	const char *m = live_tc_manifest("edge", "tc-egress", ON_L0 BY_FILTER, "1");

	must_braid("apply", m);
	ok(live_tc_has_clsact("left", "l0"), "the pipeline made clsact");
	must_braid("delete", "edge");
	ok(!live_tc_has_clsact("left", "l0"), "and it goes with it");
	must_run("tc -n left qdisc add dev l0 clsact");
	must_braid("apply", m);
	must_braid("delete", "edge");
	ok(live_tc_has_clsact("left", "l0"), "one that was there stays");
	must_run("tc -n left qdisc del dev l0 clsact");
	must_braid("apply", m);
	must_run("tc -n left filter add dev l0 ingress bpf da obj %s/live_tc_mark.bpf.o sec tc",
		 live_objects);
	must_braid("delete", "edge");
	ok(live_tc_has_clsact("left", "l0"), "as does one that somebody else uses by now");
	must_run("tc -n left qdisc del dev l0 clsact");
}

static void test_priority(void)
{
	_cleanup_json_ json_t *status = NULL, *moved = NULL;

	apply(live_tc_manifest("edge", "tc-egress", ON_L0 "attach: {via: netlink, priority: 7}, ",
			       "1"),
	      "attach", "clsact", "1", "a priority");
	apply(live_tc_manifest("edge", "tc-egress", ON_L0 "attach: {via: netlink, priority: 7}, ",
			       "2"),
	      "update", "clsact", "2", "the same one");
	status = braid_json("status");
	is_int(json_number(status, "pipelines/0/interfaces/0/priority"), 7, "it is in status");
	apply(live_tc_manifest("edge", "tc-egress", ON_L0 "attach: {via: netlink, priority: 9}, ",
			       "3"),
	      "move", "clsact", "3", "another one");
	moved = braid_json("status");
	is_int(json_number(moved, "pipelines/0/interfaces/0/priority"), 9, "it is in status");
	is_int(live_tc_programs("left", "l0", "tc-egress"), 1, "one filter is left");
	gone("priorities");
}

static void test_ways(void)
{
	apply(live_tc_manifest("edge", "tc-egress", ON_L0, "1"), "attach", "tcx", "1", "a link");
	apply(live_tc_manifest("edge", "tc-egress", ON_L0 BY_FILTER, "2"), "change-way", "clsact",
	      "2", "a filter");
	is_int(live_tc_programs("left", "l0", "tc-egress"), 1, "the link is gone");
	apply(live_tc_manifest("edge", "tc-egress", ON_L0, "3"), "change-way", "tcx", "3",
	      "a link");
	ok(!live_tc_has_clsact("left", "l0"), "and clsact");
	gone("ways");
}

/* Another hook is another place: the new one first, then the old one goes. */
static void test_hooks(void)
{
	apply(live_tc_manifest("edge", "tc-egress", ON_L0, "1"), "attach", "tcx", "1", "egress");
	must_braid("apply", live_tc_manifest("edge", "tc-ingress",
					     "interfaces: [{name: r0, netns: right}], ", "4,5"));
	is_str(live_trip(0), "", "nothing at egress any more");
	is_str(live_tc_trip_in(0, 0), "45", "ingress signs");
	is_str(live_tc_trip_in(4, 2), "dropped", "and drops");
	is_int(live_tc_programs("right", "r0", "tc-ingress"), 1, "one program there");
	gone("hooks");
}

/* Somebody removes what is attached, or an interface is made again. */
static void test_lost(const char *more, const char *way)
{
	const char *m = live_tc_manifest("edge", "tc-egress", live_text(ON_L0_L1 "%s", more), "1");
	_cleanup_json_ json_t *status = NULL;
	size_t pins;

	must_braid("apply", m);
	pins = live_pins();
	must_run("ip -n left link delete l1");
	live_plug(1);
	status = braid_json("status");
	is_str(json_text(status, "pipelines/0/interfaces/1/state"), "detached",
	       "%s: an interface was made again", way);
	must_braid("restore");
	is_str(live_trip(1), "1", "restore attaches to it");
	is_str(live_trip(0), "1", "the other one was left alone");
	is_int(live_pins(), pins, "as many pins as before");
	gone(way);
}

static void test_filter_removed(void)
{
	const char *m = live_tc_manifest("edge", "tc-egress", ON_L0 BY_FILTER, "1");
	_cleanup_json_ json_t *status = NULL;

	must_braid("apply", m);
	must_run("tc -n left filter del dev l0 egress");
	status = braid_json("status");
	is_str(json_text(status, "pipelines/0/interfaces/0/state"), "detached",
	       "somebody removed the filter");
	is_str(live_trip(0), "", "nothing runs");
	must_braid("restore");
	is_str(live_trip(0), "1", "restore brings it back");
	must_run("tc -n left filter del dev l0 egress");
	must_braid("apply", m);
	is_str(live_trip(0), "1", "so does apply");
	gone("removed");
}

/* bpffs is emptied: the filter is still there. It is the same one that restore exchanges. */
static void test_emptied(void)
{
	const char *m = live_tc_manifest("edge", "tc-egress", ON_L0 BY_FILTER, "1");

	must_braid("apply", m);
	must_run("find %s/braid -depth -delete", getenv("BRAID_BPFFS"));
	is_str(live_trip(0), "1", "bpffs is empty, the filter runs");
	must_braid("restore");
	is_str(live_trip(0), "1", "restored, once");
	is_int(live_tc_programs("left", "l0", "tc-egress"), 1, "by one filter");
	must_run("find %s/braid -path '*/links/*' -delete", getenv("BRAID_BPFFS"));
	must_braid("restore");
	is_int(live_tc_programs("left", "l0", "tc-egress"), 1, "also without its note");
	must_run("find %s/braid -depth -delete", getenv("BRAID_BPFFS"));
	must_braid("apply", live_tc_manifest("edge", "tc-egress", ON_L0 BY_FILTER, "2"));
	is_str(live_trip(0), "2", "and changed");
	must_run("find %s/braid -depth -delete", getenv("BRAID_BPFFS"));
	gone("emptied");
	must_run("tc -n left qdisc del dev l0 clsact"); /* nobody knows any more who made it */
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	net_add("home");
	net_enter("home"); /* so that restore finds it when bpffs was emptied */
	test_life(BY_FILTER, "clsact");
	test_emptied();
	test_clsact_goes();
	test_priority();
	test_lost(BY_FILTER, "clsact");
	test_filter_removed();
	if (!live_tc_links()) {
		skip("this kernel has no links for TC");
		return done();
	}
	test_life("", "tcx");
	test_ways();
	test_hooks();
	test_lost("", "tcx");
	return done();
}
