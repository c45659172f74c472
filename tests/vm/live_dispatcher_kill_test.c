/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pipeline in a libxdp dispatcher, killed at every step: live_scenario.h. Beside it is a
 * component of another tool, which signs with 1, and must do so whatever is killed.
 */
#include <stdlib.h>

#include "live_common.h"
#include "live_scenario.h"

#define AS_CHAIN "strategy: dispatcher, "

int main(int argc, char **argv)
{
	live_init(argc, argv);
	setenv("LIBXDP_BPFFS", getenv("BRAID_BPFFS"), 1);

	char *mark = keep(live_text("%s/live_mark.bpf.o", live_objects));
	char *old = keep(live_manifest("old.yaml", ON_R0 AS_CHAIN, live_marks("2")));
	char *new = keep(live_manifest("new.yaml", ON_R0 AS_CHAIN, live_marks("2,3")));
	char *fused = keep(live_manifest("fused.yaml", ON_R0 AS_FUSED, live_marks("2,3")));
	const struct scenario scenarios[] = {
		{
			.name = "change",
			.what = "a change beside others, and then what ran before",
			.before = {{{"!chain"}}, {{"apply", old}}},
			.command = {{"apply", new}},
			.next = {{"apply", old}},
			.trips = {{"21", "231"}, {""}},
			.end = {"21", ""},
		},
		{
			.name = "join",
			.what = "joining others, repeated",
			.before = {{{"!chain"}}},
			.command = {{"apply", new}},
			.next = {{"apply", new}},
			.trips = {{"1", "231"}, {""}},
			.end = {"231", ""},
		},
		{
			.name = "part",
			.what = "leaving others, and then joining",
			.before = {{{"!chain"}}, {{"apply", old}}},
			.command = {{"delete", "edge"}},
			.next = {{"apply", old}},
			.trips = {{"21", "1"}, {""}},
			.end = {"21", ""},
			.no_revision = true,
		},
		{
			/* alone in the dispatcher, whose place it takes */
			.name = "fuse",
			.what = "out of a dispatcher of its own, and back",
			.before = {{{"apply", old}}},
			.command = {{"apply", fused}},
			.next = {{"apply", old}},
			.trips = {{"2", "23"}, {""}},
			.end = {"2", ""},
		},
		{
			.name = "adopt",
			.what = "taking others in",
			.before = {{{"!chain"}}, {{"apply", old}}},
			.command = {{"adopt", "--netns", "right", "--objects", mark, "r0"}},
			.next = {{"restore"}},
			.trips = {{"21", "21"}, {""}},
			.end = {"21", ""},
			.pins_differ = true,
		},
	};

	return scenario_main(scenarios, sizeof(scenarios) / sizeof(*scenarios), argc, argv);
}
