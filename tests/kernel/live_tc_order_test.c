/* SPDX-License-Identifier: GPL-2.0-only */
/* Where in the list of a TC hook a pipeline stands: frames carry the signatures in that order. */
#include <string.h>

#include "live_tc.h"

static const char *edge(const char *attach)
{
	return live_tc_manifest("edge", "tc-egress", live_text(ON_L0 "attach: %s, ", attach), "1");
}

static const char *other(const char *attach)
{
	return live_tc_manifest("other", "tc-egress", live_text(ON_L0 "attach: %s, ", attach), "2");
}

static void apply(const char *manifest, const char *action, const char *trip, const char *what)
{
	_cleanup_json_ json_t *j = braid_json("apply", manifest);

	is_str(json_text(j, "interfaces/0/action"), action, "%s: %s", what, action);
	if (*json_text(j, "error/what"))
		diag("%s: %s", json_text(j, "error/what"), json_text(j, "error/why"));
	is_str(live_trip(0), trip, "%s: '%s'", what, trip);
}

static void refused(const char *manifest, const char *says, const char *what)
{
	_cleanup_run_ struct run r = {};
	const char *trip = live_text("%s", live_trip(0));
	size_t pins = live_pins();

	is_int(braid(&r, "apply", manifest), 1, "%s: refused", what);
	ok(strstr(r.err, says), "the error says '%s': %s", says, r.err);
	is_str(live_trip(0), trip, "what ran runs");
	is_int(live_pins(), pins, "nothing more is pinned, and nothing less");
}

static void delete_both(void)
{
	_cleanup_run_ struct run r = {};

	braid(&r, "delete", "edge");
	braid(&r, "delete", "other");
	is_int(live_tc_programs("left", "l0", "tc-egress"), 0, "nothing is attached");
	is_int(live_pins(), 0, "nothing is pinned");
}

static void test_attach(void)
{
	apply(edge("last"), "attach", "1", "one");
	apply(other("first"), "attach", "21", "another one, first");
	must_braid("delete", "other");
	apply(other("last"), "attach", "12", "last");
	must_braid("delete", "other");
	apply(other("{before: \"pipeline:edge\"}"), "attach", "21", "before a pipeline");
	must_braid("delete", "other");
	apply(other("{after: \"pipeline:edge\"}"), "attach", "12", "after it");
	must_braid("delete", "other");
	apply(other("{before: \"program:edge\"}"), "attach", "21", "before a program");
	delete_both();
}

/* To where the manifest says now; what others have changed meanwhile does not count. */
static void test_move(void)
{
	_cleanup_json_ json_t *status = NULL, *again = NULL;

	apply(edge("last"), "attach", "1", "one");
	apply(other("last"), "attach", "12", "two");
	status = braid_json("status", "other");
	apply(other("first"), "move", "21", "to the front");
	apply(other("{before: \"pipeline:edge\"}"), "update", "21", "it is there already");
	apply(other("{after: \"pipeline:edge\"}"), "move", "12", "behind");
	again = braid_json("status", "other");
	ok(json_number(status, "pipelines/0/interfaces/0/link") !=
		   json_number(again, "pipelines/0/interfaces/0/link"),
	   "a link keeps its place, so it is another one");
	is_int(live_tc_programs("left", "l0", "tc-egress"), 2, "the old one is gone");
	apply(edge("{after: \"pipeline:other\"}"), "move", "21", "the other way round");
	apply(other("{after: \"pipeline:edge\", via: link}"), "update", "21",
	      "who was moved by another stays, if the manifest says nothing new");
	must_braid("rollback", "other");
	is_str(live_trip(0), "21", "going back to the same order moves nothing");
	delete_both();
}

static void test_names(void)
{
	_cleanup_json_ json_t *status = NULL;

	apply(edge("last"), "attach", "1", "one");
	refused(other("{after: \"pipeline:third\"}"), "is not there",
		"a pipeline that is not there");
	refused(other("{after: \"program:third\"}"), "'edge' (program",
		"a program that is not there");
	status = braid_json("status", "edge");
	apply(other(live_text("{before: \"id:%lld\"}",
			      json_number(status, "pipelines/0/interfaces/0/program"))),
	      "attach", "21", "a program by its id");
	must_braid("apply", live_tc_manifest("third", "tc-egress", ON_L0, "3"));
	must_run("tc -n left qdisc add dev l0 clsact");
	must_run("tc -n left filter add dev l0 egress bpf da obj %s/live_tc_mark.bpf.o sec tc",
		 live_objects);
	is_str(live_trip(0), "2131", "filters come behind links");
	refused(live_tc_manifest("edge", "tc-egress", ON_L0 "attach: {after: \"program:mark\"}, ",
				 "1"),
		"is not there", "a filter is in no list of links");
	must_run("tc -n left qdisc del dev l0 clsact");
	must_braid("delete", "third");
	delete_both();
}

/* A pipeline of that name in another home has a program of that name, too. */
static void test_ambiguous(void)
{
	must_braid("apply", edge("last"));
	{
		_net_in_(there, "left");
		must_braid("apply", edge("last"));
	}
	is_str(live_trip(0), "11", "two of one name");
	refused(other("{after: \"program:edge\"}"), "several programs", "which is meant");
	apply(other("{before: \"pipeline:edge\"}"), "attach", "211", "one is of our home");
	{
		_net_in_(there, "left");
		must_braid("delete", "edge");
	}
	delete_both();
}

/* On any kernel. Each goes behind those that are there. */
static void test_filters(void)
{
	apply(edge("{via: netlink}"), "attach", "1", "one");
	apply(other("{via: netlink}"), "attach", "12", "another one");
	apply(other("{via: netlink, priority: 5}"), "move", "21", "of a priority");
	is_int(live_tc_programs("left", "l0", "tc-egress"), 2, "one filter each");
	delete_both();
	ok(!live_tc_has_clsact("left", "l0"), "clsact goes with the last one");
}

/* After a reboot it matters more that it runs than behind whom. */
static void test_restore(void)
{
	apply(other("last"), "attach", "2", "one");
	apply(edge("{before: \"pipeline:other\"}"), "attach", "12", "two");
	must_run("ip -n left link delete l0");
	live_plug(0);
	must_braid("delete", "other");
	must_braid("restore");
	is_str(live_trip(0), "1", "restored, though whom it came before is gone");
	delete_both();
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_filters();
	if (!live_tc_links()) {
		skip("this kernel has no links for TC");
		return done();
	}
	test_attach();
	test_move();
	test_names();
	test_ambiguous();
	test_restore();
	return done();
}
