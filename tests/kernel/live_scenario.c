/* SPDX-License-Identifier: GPL-2.0-only */
#include "live_scenario.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "live_common.h"
#include "live_disk.h"
#include "live_killed.h"
#include "wait.h"

enum { SOON_MS = 60000 }; /* only what never comes takes that long */

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

static void attach_by_ip(void)
{
	must_run("ip -force -n right link set r0 xdp obj %s/live_mark.bpf.o sec xdp", live_objects);
	must_run("ip -force -n right link set r1 xdp obj %s/live_mark.bpf.o sec xdp", live_objects);
}

static void attach_by_chain(void)
{
	_cleanup_run_ struct run r = {};

	braid(&r, "dispatcher", "remove", "--netns", "right", "--all", "r0"); /* if there is one */
	must_braid("dispatcher", "add", "--netns", "right", "r0",
		   live_text("%s/live_mark.bpf.o", live_objects));
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
	else if (!strcmp(l->argv[0], "!ip"))
		attach_by_ip();
	else if (!strcmp(l->argv[0], "!chain"))
		attach_by_chain();
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
	if (!s->pins_differ && live_pins() != pins) {
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
	ok(t.kills > (crashes ? 3 : 5), "%s: %s at %d points", s->what,
	   crashes ? "crashed" : "killed", t.kills);
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

char *keep(const char *text)
{
	static char *kept[16];
	static size_t n;

	if (n == sizeof(kept) / sizeof(*kept) || !(kept[n] = strdup(text)))
		bail_out("no room for %s", text);
	return kept[n++];
}

int scenario_main(const struct scenario *scenarios, size_t n, int argc, char **argv)
{
	const struct scenario *s = find(scenarios, n, argv[4]);
	bool crashes = argc > 5 && !strcmp(argv[5], "crash");

	live_killed_at_each_write = argc > 5 && !strcmp(argv[5], "each");
	if (s->needs && !has_command(s->needs)) {
		skip("braid has no command '%s'", s->needs);
		return done();
	}
	run_scenario(s, crashes);
	prepare(&(struct scenario){});
	is_int(live_pins(), 0, "nothing is left of all that");
	return done();
}
