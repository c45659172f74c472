/* SPDX-License-Identifier: GPL-2.0-only */
/* Other ways to attach than XDP's link, killed or crashed at every step: see live_scenario.h. */
#include <string.h>

#include "live_scenario.h"
#include "live_tc.h"

static char *egress(const char *name, const char *more, const char *marks)
{
	const char *m = live_write(live_text("%s.yaml", name),
				   "braid: 1\n"
				   "pipelines:\n"
				   "  - {name: edge, hook: tc-egress, %sstages: [%s]}\n",
				   more, live_tc_marks(marks));

	return keep(m);
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	net_add("home");
	net_enter("home"); /* so that it is found again behind a crash */
	if (argc > 4 && strstr(argv[4], "tcx") && !live_tc_links()) {
		skip("this kernel has no links for TC");
		return done();
	}

#define FILTER  "attach: {via: netlink}, "
#define NETLINK "attach: {via: netlink}, "
	char *tcx1 = egress("tcx1", ON_L0_L1, "1");
	char *tcx12 = egress("tcx12", ON_L0_L1, "1,2");
	char *tcx_l0 = egress("tcx-l0", ON_L0, "1");
	char *moved = egress("moved", ON_L0_L1 "attach: first, ", "1,2");
	char *filter1 = egress("filter1", ON_L0_L1 FILTER, "1");
	char *filter12 = egress("filter12", ON_L0_L1 FILTER, "1,2");
	char *filter_l0 = egress("filter-l0", ON_L0 FILTER, "1");
	char *xdp1 = keep(live_manifest("xdp1.yaml", ON_R0_R1 NETLINK, live_marks("1")));
	char *xdp12 = keep(live_manifest("xdp12.yaml", ON_R0_R1 NETLINK, live_marks("1,2")));
	char *link1 = keep(
		live_manifest("link1.yaml", ON_R0_R1 "attach: {via: link}, ", live_marks("1")));
	const struct scenario scenarios[] = {
		{
			.name = "tcx",
			.what = "a change by TCX links, and then what ran before",
			.before = {{{"apply", tcx1}}},
			.command = {{"apply", tcx12}},
			.next = {{"apply", tcx1}},
			.trips = {{"1", "12"}, {"1", "12"}},
			.end = {"1", "1"},
		},
		{
			.name = "tcx-less",
			.what = "an interface less by TCX links, repeated",
			.before = {{{"apply", tcx12}}},
			.command = {{"apply", tcx_l0}},
			.next = {{"apply", tcx_l0}},
			.trips = {{"12", "1"}, {"12", ""}},
			.end = {"1", ""},
		},
		{
			/* packets meet both revisions for a moment, and so until the next command
			 */
			.name = "tcx-move",
			.what = "to another place in the list, and back",
			.before = {{{"apply", tcx1}}},
			.command = {{"apply", moved}},
			.next = {{"apply", tcx1}},
			.trips = {{"91", "129", "1291"}, {"91", "129", "1291"}},
			.end = {"91", "91"},
		},
		{
			.name = "filter",
			.what = "a change by filters, and then what ran before",
			.before = {{{"apply", filter1}}},
			.command = {{"apply", filter12}},
			.next = {{"apply", filter1}},
			.trips = {{"1", "12"}, {"1", "12"}},
			.end = {"1", "1"},
		},
		{
			.name = "filter-first",
			.what = "a first apply by filters, repeated",
			.command = {{"apply", filter12}},
			.next = {{"apply", filter12}},
			.trips = {{"", "12"}, {"", "12"}},
			.end = {"12", "12"},
		},
		{
			.name = "filter-less",
			.what = "an interface less by filters, repeated",
			.before = {{{"apply", filter12}}},
			.command = {{"apply", filter_l0}},
			.next = {{"apply", filter_l0}},
			.trips = {{"12", "1"}, {"12", ""}},
			.end = {"1", ""},
		},
		{
			.name = "filter-delete",
			.what = "delete of filters, and then apply",
			.before = {{{"apply", filter1}}},
			.command = {{"delete", "edge"}},
			.next = {{"apply", filter1}},
			.trips = {{"1", ""}, {"1", ""}},
			.end = {"1", "1"},
			.no_revision = true,
		},
		{
			/* between the ways there is no program for a moment */
			.name = "tcx-way",
			.what = "from links to filters, and back",
			.before = {{{"apply", tcx1}}},
			.command = {{"apply", filter12}},
			.next = {{"apply", tcx1}},
			.trips = {{"1", "12", ""}, {"1", "12", ""}},
			.end = {"1", "1"},
		},
		{
			.name = "netlink",
			.what = "a change by netlink, and then what ran before",
			.before = {{{"apply", xdp1}}},
			.command = {{"apply", xdp12}},
			.next = {{"apply", xdp1}},
			.trips = {{"1", "12"}, {"1", "12"}},
			.end = {"1", "1"},
		},
		{
			.name = "netlink-first",
			.what = "a first apply by netlink, repeated",
			.command = {{"apply", xdp12}},
			.next = {{"apply", xdp12}},
			.trips = {{"", "12"}, {"", "12"}},
			.end = {"12", "12"},
		},
		{
			.name = "netlink-delete",
			.what = "delete by netlink, and then apply",
			.before = {{{"apply", xdp1}}},
			.command = {{"delete", "edge"}},
			.next = {{"apply", xdp1}},
			.trips = {{"1", ""}, {"1", ""}},
			.end = {"1", "1"},
			.no_revision = true,
		},
		{
			.name = "netlink-way",
			.what = "from a link to netlink, and back",
			.before = {{{"apply", link1}}},
			.command = {{"apply", xdp12}},
			.next = {{"apply", link1}},
			.trips = {{"1", "12", ""}, {"1", "12", ""}},
			.end = {"1", "1"},
		},
		{
			/* ip's programs are either there, or ours are in their place */
			.name = "netlink-replace",
			.what = "in the place of what ip attached, repeated",
			.before = {{{"!ip"}}},
			.command = {{"apply", "--replace", xdp12}},
			.next = {{"apply", "--replace", xdp12}},
			.trips = {{"1", "12"}, {"1", "12"}},
			.end = {"12", "12"},
		},
	};

	if (argc > 4 && !strcmp(argv[4], "tcx-move")) { /* the links live as long as the test */
		live_tc_stranger("left", "l0", 9);
		live_tc_stranger("left", "l1", 9);
	}
	return scenario_main(scenarios, sizeof(scenarios) / sizeof(*scenarios), argc, argv);
}
