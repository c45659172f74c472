/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A command is killed in front of every system call that changes what outlives it: pins,
 * links, and the store's files. Between two of them there is nothing to tell apart. Each
 * time frames must go on as before or after the change, and the next command must bring
 * everything to where it would be without the kill.
 *
 * With `crash`, the machine stops at that moment instead: what was not synchronised with the
 * disk is lost, and everything in the kernel. Then `braid restore` must bring back what was
 * before or what is after the change, entirely.
 *
 * The arguments behind those of all live tests: the name of a scenario, since they may run
 * side by side; and `crash`.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "live_common.h"
#include "live_disk.h"
#include "live_killed.h"
#include "wait.h"

enum { SOON_MS = 20000 }; /* only what never comes takes that long */

/* Arguments of braid; or what happens to it: "!wipe" all of bpffs, "!unlink" its links. */
struct line {
	const char *argv[7];
};

/* What is killed, and what the world is like around it. */
struct scenario {
	const char *name, *what;
	const char *needs;       /* a command of braid; NULL: none besides those of the first day */
	struct line before[3];   /* in an empty world */
	struct line command;     /* that is killed */
	struct line next;        /* the command behind it */
	const char *trips[2][3]; /* of r0, r1: before, after, and in between if that differs */
	const char *end[2];      /* when `next` has ended */
	bool no_revision;        /* the command makes none */
	bool untold;             /* what it leaves needs no words */
};

static void remove_pins(const char *which)
{
	_cleanup_run_ struct run r = {};

	run(&r, "find", live_text("%s/braid", getenv("BRAID_BPFFS")), "-depth", "-path", which,
	    "-delete");
}

static void wipe_links(void)
{
	remove_pins("*/links/*");
	if (!wait_until(!strcmp(live_trip(0), "") && !strcmp(live_trip(1), ""), SOON_MS))
		bail_out("something is attached without links");
}

/* Links first: programs whose tail calls have lost their targets would drop what we send. */
static void wipe(void)
{
	wipe_links();
	remove_pins("*");
}

/* Return: exit status. */
static int run_line(struct run *r, const struct line *l)
{
	const char *argv[8] = {live_braid};

	for (int i = 0; i < 7; i++)
		argv[i + 1] = l->argv[i];
	run_start(r, argv);
	return run_wait(r);
}

static void must_run_line(const struct line *l)
{
	_cleanup_run_ struct run r = {};

	if (!strcmp(l->argv[0], "!wipe"))
		wipe();
	else if (!strcmp(l->argv[0], "!unlink"))
		wipe_links();
	else if (run_line(&r, l))
		bail_out("braid %s: %s%s", l->argv[0], r.out, r.err);
}

static bool is_one_of(const char *trip, const char *const allowed[3])
{
	for (int i = 0; i < 3; i++)
		if (allowed[i] && !strcmp(trip, allowed[i]))
			return true;
	return false;
}

static void prepare(const struct scenario *s)
{
	_cleanup_run_ struct run r = {};

	braid(&r, "delete", "edge");
	for (size_t i = 0; i < 3 && s->before[i].argv[0]; i++)
		must_run_line(&s->before[i]);
}

static size_t count_pins_after_clean(const struct scenario *s)
{
	prepare(s);
	must_run_line(&s->command);
	must_run_line(&s->next);
	return live_pins();
}

/* No revision may be half done: neither in history nor for status. */
static bool is_settled(void)
{
	_cleanup_json_ json_t *history = braid_json("history", "edge");
	_cleanup_json_ json_t *status = braid_json("status");
	json_t *revision;
	size_t i;

	json_array_foreach (history, i, revision) {
		if (!strcmp(json_text(revision, "state"), "pending"))
			return false;
	}
	return !json_at(status, "pipelines/0/interrupted");
}

/* Revisions of which history says that their command was interrupted. */
static size_t count_interrupted(void)
{
	_cleanup_json_ json_t *history = braid_json("history", "edge");
	json_t *revision;
	size_t i, n = 0;

	json_array_foreach (history, i, revision)
		n += strstr(json_text(revision, "note"), "interrupted") != NULL;
	return n;
}

struct tally {
	int kills, bad_trips, interrupted, failed, unsettled, pins, bad_ends, told;
	int old, new; /* after a crash */
};

static void look_at_frames(const struct scenario *s, int nth, struct tally *t)
{
	for (int i = 0; i < 2; i++) {
		const char *trip = live_trip(i);

		if (is_one_of(trip, s->trips[i]))
			continue;
		t->bad_trips++;
		diag("killed in front of call %d: at r%d '%s'", nth, i, trip);
	}
}

static bool status_tells(void)
{
	_cleanup_json_ json_t *status = braid_json("status");

	return json_number(status, "pipelines/0/interrupted") > 0;
}

/* The machine stops, and starts again. */
static void crash(const struct scenario *s, int nth, struct tally *t)
{
	_cleanup_run_ struct run r = {};
	_cleanup_free_ char *first = NULL, *second = NULL;

	wipe();
	live_disk_crash();
	if (braid(&r, "restore")) {
		t->failed++;
		diag("crashed in front of call %d: restore: %s%s", nth, r.out, r.err);
	}
	t->told += strstr(r.out, "was interrupted") != NULL;
	first = strdup(live_trip(0));
	second = strdup(live_trip(1));
	if (!strcmp(first, s->trips[0][0]) && !strcmp(second, s->trips[1][0])) {
		t->old++;
	} else if (!strcmp(first, s->trips[0][1]) && !strcmp(second, s->trips[1][1])) {
		t->new ++;
	} else {
		t->bad_trips++;
		diag("crashed in front of call %d: restored to '%s', '%s'", nth, first, second);
	}
}

static void look_at_end(const struct scenario *s, int nth, size_t pins, struct tally *t)
{
	if (!is_settled()) {
		t->unsettled++;
		diag("killed in front of call %d: still unsettled", nth);
	}
	if (live_pins() != pins) {
		t->pins++;
		diag("killed in front of call %d: %zu pins, not %zu", nth, live_pins(), pins);
	}
	for (int i = 0; i < 2; i++) {
		const char *trip = live_trip(i);

		if (!strcmp(trip, s->end[i]))
			continue;
		t->bad_ends++;
		diag("killed in front of call %d: in the end at r%d '%s'", nth, i, trip);
	}
}

static void end_with_next(const struct scenario *s, int nth, size_t pins, struct tally *t)
{
	_cleanup_run_ struct run r = {};

	if (run_line(&r, &s->next)) {
		t->failed++;
		diag("killed in front of call %d: %s%s", nth, r.out, r.err);
	}
	t->told += strstr(r.out, "was interrupted") || strstr(r.out, "not been removed");
	look_at_end(s, nth, pins, t);
}

/* In front of the @nth call. false: there are not so many. */
static bool kill_once(const struct scenario *s, int nth, bool crashes, size_t pins, struct tally *t)
{
	const char *const *c = s->command.argv;
	const char *const argv[] = {live_braid, c[0], c[1], c[2], c[3], c[4], c[5], c[6], NULL};
	bool was_killed;

	prepare(s);
	if (crashes)
		live_disk_start(getenv("BRAID_STATE"));
	was_killed = live_killed_everywhere(argv, nth, crashes ? live_disk_synced : NULL);
	if (!was_killed && !crashes)
		return false;
	t->kills++;
	if (crashes) {
		crash(s, nth, t);
	} else {
		look_at_frames(s, nth, t);
		t->interrupted += status_tells();
	}
	end_with_next(s, nth, pins, t);
	return was_killed;
}

static void run_scenario(const struct scenario *s, bool crashes)
{
	size_t pins = count_pins_after_clean(s);
	size_t interrupted = count_interrupted();
	struct tally t = {};

	for (int nth = 0; kill_once(s, nth, crashes, pins, &t); nth++)
		;
	ok(t.kills > 5, "%s: %s at %d points", s->what, crashes ? "crashed" : "killed", t.kills);
	is_int(t.bad_trips, 0,
	       crashes ? "restored to what was before or after, entirely"
		       : "frames go on as before or after");
	is_int(t.failed, 0, "the next command succeeds");
	is_int(t.unsettled, 0, "no revision stays half done");
	is_int(t.pins, 0, "nothing is left in bpffs, nothing is missing");
	is_int(t.bad_ends, 0, "what was wanted last runs");
	if (crashes) {
		/* where nothing runs before, and this is what is wanted, there is no old one */
		ok(t.new > 0 && (t.old > 0 || !strcmp(s->command.argv[0], "restore")),
		   "restored %d times to what was before, %d to after", t.old, t.new);
		return;
	}
	if (!s->untold)
		ok(t.told > 0, "the next command told %d times what it found", t.told);
	if (s->no_revision)
		return;
	ok(count_interrupted() > interrupted, "so does history");
	if (s->before[0].argv[0])
		ok(t.interrupted > 0, "and status, %d times, before that", t.interrupted);
}

static bool has_command(const char *name)
{
	_cleanup_run_ struct run r = {};

	run(&r, live_braid, "--help");
	return strstr(r.out, live_text("\n  %s ", name));
}

static const struct scenario *find(const struct scenario *s, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (name && !strcmp(s[i].name, name))
			return &s[i];
	bail_out("which scenario?");
}

/* live_text() and others use their memory again; what is kept stays to the end. */
static char *keep(const char *text)
{
	static char *kept[16];
	static size_t n;

	if (n == sizeof(kept) / sizeof(*kept) || !(kept[n] = strdup(text)))
		bail_out("no room for %s", text);
	return kept[n++];
}

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
	const struct scenario *s = find(scenarios, sizeof(scenarios) / sizeof(*scenarios), argv[4]);
	bool crashes = argc > 5 && !strcmp(argv[5], "crash");

	if (s->needs && !has_command(s->needs)) {
		skip("braid has no command '%s'", s->needs);
		return done();
	}
	run_scenario(s, crashes);
	prepare(&(struct scenario){});
	is_int(live_pins(), 0, "nothing is left of all that");
	return done();
}
