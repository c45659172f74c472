/* SPDX-License-Identifier: GPL-2.0-only */
/* Killed or crashed at every step: see live_scenario.h. */
#include "live_common.h"
#include "live_scenario.h"

static const char *migrating(const char *name, int variant, const char *marks)
{
	return live_manifest(name, ON_R0_R1 "on-change: migrate, ",
			     live_text("{name: s, object: %s/live_migrate%d.bpf.o}, %s",
				       live_objects, variant, live_marks(marks)));
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	net_add("home");
	net_enter("home"); /* so that it is found again behind a crash */

	char *newer = keep(live_text("m2=%s/live_newer1.bpf.o", live_objects));
	char *older = keep(live_text("m2=%s/live_mark.bpf.o", live_objects));
	char *with_config = keep(live_text("%s, {name: c, object: %s/live_config1.bpf.o}",
					   live_marks("1"), live_objects));
	char *old = keep(live_manifest("old.yaml", ON_R0_R1, live_marks("1")));
	char *new = keep(live_manifest("new.yaml", ON_R0_R1, live_marks("1,2")));
	char *old_r0 = keep(live_manifest("r0.yaml", ON_R0, live_marks("1")));
	char *generic =
		keep(live_manifest("generic.yaml", ON_R0_R1 "mode: generic, ", live_marks("1,2")));
	char *tails = keep(live_manifest("tails.yaml", ON_R0_R1 AS_TAILS, live_marks("1,2")));
	char *fused = keep(live_manifest("fused.yaml", ON_R0_R1 AS_FUSED, live_marks("1,2")));
	char *config = keep(live_manifest("config.yaml", ON_R0_R1, with_config));
	char *records = keep(migrating("records.yaml", 0, "1"));
	char *wider = keep(migrating("wider.yaml", 1, "1,2"));
	const struct scenario scenarios[] = {
		{
			.name = "change",
			.what = "a change, and then what ran before",
			.before = {{{"apply", old}}},
			.command = {{"apply", new}},
			.next = {{"apply", old}},
			.trips = {{"1", "12"}, {"1", "12"}},
			.end = {"1", "1"},
		},
		{
			.name = "first",
			.what = "a first apply, repeated",
			.command = {{"apply", new}},
			.next = {{"apply", new}},
			.trips = {{"", "12"}, {"", "12"}},
			.end = {"12", "12"},
		},
		{
			.name = "interface-less",
			.what = "one interface less, repeated",
			.before = {{{"apply", new}}},
			.command = {{"apply", old_r0}},
			.next = {{"apply", old_r0}},
			.trips = {{"12", "1"}, {"12", ""}},
			.end = {"1", ""},
		},
		{
			.name = "interface-more",
			.what = "one interface more, and then without it",
			.before = {{{"apply", old_r0}}},
			.command = {{"apply", new}},
			.next = {{"apply", old_r0}},
			.trips = {{"1", "12"}, {"", "12"}},
			.end = {"1", ""},
		},
		{
			/* between the modes there is no program for a moment */
			.name = "mode",
			.what = "another mode, and then the one before",
			.before = {{{"apply", old}}},
			.command = {{"apply", generic}},
			.next = {{"apply", old}},
			.trips = {{"1", "12", ""}, {"1", "12", ""}},
			.end = {"1", "1"},
		},
		{
			.name = "delete",
			.what = "delete, and then apply",
			.before = {{{"apply", old}}},
			.command = {{"delete", "edge"}},
			.next = {{"apply", old}},
			.trips = {{"1", ""}, {"1", ""}},
			.end = {"1", "1"},
			.no_revision = true,
		},
		{
			.name = "restore",
			.what = "restore of an empty bpffs, repeated",
			.before = {{{"apply", tails}}, {{"!wipe"}}},
			.command = {{"restore"}},
			.next = {{"restore"}},
			.trips = {{"", "12"}, {"", "12"}},
			.end = {"12", "12"},
		},
		{
			.name = "restore-links",
			.what = "restore of links, repeated",
			.before = {{{"apply", tails}}, {{"!unlink"}}},
			.command = {{"restore"}},
			.next = {{"restore"}},
			.trips = {{"", "12"}, {"", "12"}},
			.end = {"12", "12"},
			.no_revision = true,
			.untold = true,
		},
		{
			.name = "update-fused",
			.what = "update of a stage, and back",
			.needs = "update",
			.before = {{{"apply", fused}}},
			.command = {{"update", "edge", newer}},
			.next = {{"update", "edge", older}},
			.trips = {{"12", "1a"}, {"12", "1a"}},
			.end = {"12", "12"},
		},
		{
			.name = "update-tailcall",
			.what = "update of one slot, and back",
			.needs = "update",
			.before = {{{"apply", tails}}},
			.command = {{"update", "edge", newer}},
			.next = {{"update", "edge", older}},
			.trips = {{"12", "1a"}, {"12", "1a"}},
			.end = {"12", "12"},
		},
		{
			.name = "disable",
			.what = "a stage is disabled, and enabled",
			.needs = "stage",
			.before = {{{"apply", tails}}},
			.command = {{"stage", "disable", "edge", "m2"}},
			.next = {{"stage", "enable", "edge", "m2"}},
			.trips = {{"12", "1"}, {"12", "1"}},
			.end = {"12", "12"},
		},
		{
			.name = "pause",
			.what = "a stage is paused, and resumed",
			.needs = "signal",
			.before = {{{"apply", tails}}},
			.command = {{"signal", "edge", "pause", "--stage", "m2"}},
			.next = {{"signal", "edge", "resume", "--stage", "m2"}},
			.trips = {{"12", "1"}, {"12", "1"}},
			.end = {"12", "12"},
			.no_revision = true,
			.untold = true,
		},
		{
			/* its value takes the place of the signature */
			.name = "config",
			.what = "a configuration, and back",
			.needs = "config",
			.before = {{{"apply", config}}, {{"config", "set", "edge", "c.value=3"}}},
			.command = {{"config", "set", "edge", "c.value=4"}},
			.next = {{"config", "set", "edge", "c.value=3"}},
			.trips = {{"3", "4"}, {"3", "4"}},
			.end = {"3", "3"},
			.no_revision = true,
			.untold = true,
		},
		{
			.name = "migrate",
			.what = "a map is migrated, repeated",
			.before = {{{"apply", records}}},
			.command = {{"apply", wider}},
			.next = {{"apply", wider}},
			.trips = {{"1", "12"}, {"1", "12"}},
			.end = {"12", "12"},
		},
	};

	return scenario_main(scenarios, sizeof(scenarios) / sizeof(*scenarios), argc, argv);
}
