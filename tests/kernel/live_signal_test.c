/* SPDX-License-Identifier: GPL-2.0-only */
/* Signals: pause, resume, drain, shutdown, reload; of stages and of the whole pipeline. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "live_common.h"
#include "live_flood.h"
#include "live_killed.h"
#include "wait.h"

enum { FRAMES = 100000, DEADLINE_MS = 60000 };

/* "12" of stages m1 and m2; @more: keys of the pipeline, with a comma behind. */
static const char *manifest(const char *more, const char *ids)
{
	return live_manifest("m.yaml", live_text(ON_R0 "%s", more), live_marks(ids));
}

/* What a stage is told: "pause, user-0"; "" when nothing. From the map, by the command. */
static const char *signals_of(const char *stage)
{
	_cleanup_json_ json_t *j = braid_json("signal", "edge");
	char text[256] = "";
	json_t *s, *word;
	size_t i, k;

	json_array_foreach (json_at(j, "stages"), i, s) {
		if (strcmp(json_text(s, "name"), stage))
			continue;
		json_array_foreach (json_at(s, "signals"), k, word)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 k ? ", " : "", json_string_value(word));
	}
	return live_text("%s", text);
}

static const char *state(void)
{
	_cleanup_json_ json_t *j = braid_json("signal", "edge");

	return live_text("%s", json_text(j, "state"));
}

static long long revision(void)
{
	_cleanup_json_ json_t *j = braid_json("signal", "edge");

	return json_number(j, "revision");
}

/* How often history has an event that says @what. */
static int events(const char *what)
{
	_cleanup_json_ json_t *history = braid_json("history", "edge");
	json_t *entry;
	size_t i;
	int n = 0;

	json_array_foreach (history, i, entry)
		n += strstr(json_text(entry, "event"), what) != NULL;
	return n;
}

static void test_stage(const char *strategy)
{
	_cleanup_json_ json_t *status = NULL;
	_cleanup_run_ struct run r = {};

	must_braid("apply", manifest(strategy, "1,2,3"));
	is_str(live_trip(0), "123", "%sall stages run", strategy);
	is_int(braid(&r, "signal", "edge", "pause", "--stage", "m2"), 0, "pause one: %s", r.err);
	is_str(live_trip(0), "13", "the next frame goes past it");
	is_str(live_trip_asking(0, 2, 1), "13", "its verdict does not count");
	is_str(signals_of("m2"), "pause", "its state");
	is_str(signals_of("m1"), "", "and that of another");
	status = braid_json("status", "edge");
	is_str(json_text(status, "pipelines/0/stages/1/signals/0"), "pause", "status has it too");
	is_str(json_text(status, "pipelines/0/state"), "running", "the pipeline runs");
	must_braid("signal", "edge", "pause", "--stage", "m1");
	must_braid("signal", "edge", "pause", "--stage", "m3");
	is_str(live_trip(0), "", "all paused: the frame passes untouched");
	must_braid("signal", "edge", "resume", "--stage", "m1");
	is_str(live_trip(0), "1", "the first again");
	must_braid("signal", "edge", "resume", "--stage", "m2");
	must_braid("signal", "edge", "resume", "--stage", "m3");
	is_str(live_trip(0), "123", "and all");
	must_braid("delete", "edge");
}

static void test_pipeline(const char *strategy)
{
	_cleanup_json_ json_t *j = NULL, *again = NULL;
	_cleanup_run_ struct run r = {};

	must_braid("apply", manifest(strategy, "1,2"));
	j = braid_json("signal", "edge", "pause");
	is_str(json_text(j, "state"), "paused", "%spaused", strategy);
	is_str(json_text(j, "verdict"), "pass", "packets pass by default");
	ok(json_is_true(json_at(j, "changed")), "that changes something");
	is_str(live_trip(0), "", "no stage sees the next frame");
	again = braid_json("signal", "edge", "pause");
	ok(json_is_false(json_at(again, "changed")), "a second time it does not");
	must_braid("signal", "edge", "pause", "--verdict", "drop");
	ok(live_is_lost(0), "with drop nothing comes through, of any type");
	is_int(braid(&r, "status", "edge"), 0, "status");
	ok(strstr(r.out, "paused: packets are dropped"), "says so to people: %s", r.out);
	must_braid("signal", "edge", "resume");
	is_str(live_trip(0), "12", "resumed");
	is_str(state(), "running", "it runs");
	must_braid("signal", "edge", "drain");
	is_str(state(), "drained", "drained");
	is_str(live_trip(0), "", "frames pass it by");
	must_braid("signal", "edge", "resume");
	is_int(live_count("m1", "count"), 1, "of all those frames a stage saw one");
	must_braid("delete", "edge");
}

/* At full rate: a paused stage sees none, the others see all. */
static void test_under_load(const char *strategy)
{
	const char *stages = live_text("%s, %s, {name: m3, object: %s/live_mark.bpf.o, "
				       "constants: {id: 3, verdict: 1}}",
				       live_mark(1, ""), live_mark(2, ""), live_objects);
	long long sent, paused, last;
	int count[3];

	must_braid("apply", live_manifest("m.yaml", live_text(ON_R0 "%s", strategy), stages));
	for (int i = 0; i < 3; i++)
		count[i] = live_open_count(live_text("m%d", i + 1));
	live_flood_start();
	ok(wait_until(live_counted(count[1]) > FRAMES, DEADLINE_MS), "%sframes flow", strategy);
	for (int i = 0; i < 5; i++) {
		must_braid("signal", "edge", "pause", "--stage", "m2");
		paused = live_counted(count[1]);
		last = live_counted(count[2]);
		ok(wait_until(live_counted(count[2]) > last + FRAMES, DEADLINE_MS),
		   "others see frames while m2 is paused");
		is_int(live_counted(count[1]), paused, "m2 sees none of them");
		must_braid("signal", "edge", "resume", "--stage", "m2");
		ok(wait_until(live_counted(count[1]) > paused + FRAMES, DEADLINE_MS),
		   "then it does");
	}
	must_braid("signal", "edge", "drain");
	paused = live_counted(count[0]);
	is_int(live_counted(count[2]), paused, "drained: what entered has left");
	/* the flood never stops: that frames come all the same is seen behind it */
	must_braid("signal", "edge", "pause", "--verdict", "drop");
	is_int(live_counted(count[0]), paused, "and nothing enters");
	must_braid("signal", "edge", "resume");
	ok(wait_until(live_counted(count[2]) > paused + FRAMES, DEADLINE_MS), "resumed");
	sent = live_flood_end();
	wait_until(live_counted(count[0]) == live_counted(count[2]), DEADLINE_MS);
	is_int(live_counted(count[0]), live_counted(count[2]), "first and last saw the same");
	ok(sent > live_counted(count[0]), "%lld of %lld frames entered", live_counted(count[0]),
	   sent);
	for (int i = 0; i < 3; i++)
		close(count[i]);
	must_braid("delete", "edge");
}

/* Each frame that is sent while a pipeline is closed comes through unseen; none before or after. */
static void test_counted_exactly(void)
{
	int trips = 0;

	must_braid("apply", manifest("", "1,2"));
	for (int i = 0; i < 10; i++) {
		must_braid("signal", "edge", i % 2 ? "resume" : "pause");
		for (int k = 0; k < 5; k++)
			trips += !strcmp(live_trip(0), i % 2 ? "12" : "");
	}
	is_int(trips, 50, "fifty frames, each as the signal before it says");
	is_int(live_count("m1", "count"), 25, "half of them were seen");
	must_braid("delete", "edge");
}

static void test_survives(void)
{
	must_braid("apply", manifest("", "1,2,3"));
	must_braid("signal", "edge", "pause", "--stage", "m2");
	must_braid("apply", manifest("", "2,3,1"));
	is_str(live_trip(0), "31", "it follows its stage to another place");
	must_braid("apply", manifest(AS_TAILS, "4,2,1"));
	is_str(live_trip(0), "41", "and to another strategy");
	must_braid("apply", manifest("", "4,1"));
	is_str(live_trip(0), "41", "a stage that is gone has none");
	must_braid("apply", manifest("", "1,2"));
	is_str(live_trip(0), "1", "when it is back it is paused");
	must_braid("rollback", "edge", "1");
	is_str(live_trip(0), "13", "after a rollback, too");
	must_braid("signal", "edge", "pause", "--verdict", "drop");
	must_braid("apply", manifest("", "1,2"));
	ok(live_is_lost(0), "so it is with the pipeline");
	must_braid("delete", "edge");
	must_braid("apply", manifest("", "1,2"));
	is_str(live_trip(0), "12", "a new life of the name begins with nothing paused");
	ok(events("signal pause to stage m2") > 0, "history has what was");
	must_braid("delete", "edge");
}

/* What the program of a stage saw: its signals; -1: no frame came. */
static long long seen(void)
{
	long long value = live_count("look", "seen");

	return value >> 32 ? value & 0xffffffff : -1;
}

static const char *with_look(const char *strategy)
{
	return live_manifest("m.yaml", live_text(ON_R0 "%s", strategy),
			     live_text("%s, {name: look, object: %s/live_signals.bpf.o}",
				       live_mark(1, ""), live_objects));
}

static void test_programs_look(const char *strategy)
{
	must_braid("apply", with_look(strategy));
	live_trip(0);
	is_int(seen(), 0, "%sa program sees no signals", strategy);
	must_braid("signal", "edge", "set", "0", "--stage", "look");
	live_trip(0);
	is_int(seen(), 1 << 16, "then its operator's");
	must_braid("signal", "edge", "set", "15");
	live_trip(0);
	is_int(seen(), 1ll << 31 | 1 << 16, "one to all stages, too");
	is_str(signals_of("m1"), "user-15", "which all have");
	must_braid("signal", "edge", "clear", "0", "--stage", "look");
	must_braid("signal", "edge", "drain", "--stage", "look");
	live_trip(0);
	is_int(seen(), 1ll << 31 | 2, "and drain, with which it runs on");
	must_braid("signal", "edge", "clear", "15");
	must_braid("signal", "edge", "resume", "--stage", "look");
	live_trip(0);
	is_int(seen(), 0, "and none again");
	must_braid("delete", "edge");
}

static void test_shutdown(void)
{
	_cleanup_json_ json_t *history = NULL, *j = NULL;
	_cleanup_run_ struct run r = {};

	must_braid("apply", manifest("", "1,2,3"));
	is_int(braid(&r, "signal", "edge", "shutdown", "--stage", "m2"), 0, "a stage: %s", r.err);
	is_str(live_trip(0), "13", "is gone");
	history = braid_json("history", "edge");
	is_str(json_text(history, "0/state"), "current", "by a new revision");
	is_int(braid(&r, "signal", "edge", "pause", "--stage", "m2"), 1, "it takes no signals");
	ok(strstr(r.err, "disabled"), "as it is disabled: %s", r.err);
	must_braid("rollback", "edge");
	is_str(live_trip(0), "123", "when it is back it is not shut down");
	must_braid("signal", "edge", "shutdown", "--stage", "m1");
	must_braid("signal", "edge", "shutdown", "--stage", "m2");
	is_int(braid(&r, "signal", "edge", "shutdown", "--stage", "m3"), 1, "not the last one");
	is_str(live_trip(0), "3", "which goes on");
	is_str(signals_of("m3"), "", "without a signal");
	j = braid_json("signal", "edge", "shutdown");
	is_str(json_text(j, "state"), "deleted", "the pipeline");
	is_str(live_trip(0), "", "is gone");
	is_int(live_pins(), 0, "with all of it");
}

static void copy(const char *from, const char *to)
{
	must_run("cp %s/%s %s/%s", live_objects, from, net_scratch(), to);
}

static void test_reload(void)
{
	_cleanup_json_ json_t *same = NULL, *j = NULL;
	_cleanup_run_ struct run r = {};

	live_write("reload.yaml", "braid: 1\n"
				  "pipelines:\n"
				  "  - {name: edge, hook: xdp, " ON_R0
				  "stages: [{name: m1, object: one.bpf.o}]}\n");
	copy("live_mark.bpf.o", "one.bpf.o");
	if (chdir(net_scratch()))
		bail_out("chdir: %s", strerror(errno));
	must_braid("apply", "reload.yaml");
	if (chdir("/"))
		bail_out("chdir: %s", strerror(errno));
	is_str(live_trip(0), "1", "an object by a relative path");
	same = braid_json("signal", "edge", "reload");
	ok(json_is_false(json_at(same, "changed")), "reload: nothing changed");
	copy("live_signals.bpf.o", "one.bpf.o");
	j = braid_json("signal", "edge", "reload");
	ok(json_is_true(json_at(j, "changed")), "another object, read from another folder");
	is_int(json_number(j, "revision"), json_number(same, "revision") + 1, "a new revision");
	is_str(live_trip(0), "", "it runs");
	must_run("rm %s/one.bpf.o", net_scratch());
	is_int(braid(&r, "signal", "edge", "reload"), 1, "a file that is gone");
	ok(strstr(r.err, "one.bpf.o"), "is named: %s", r.err);
	is_int(json_number(j, "revision"), revision(), "what ran runs");
	must_braid("delete", "edge");
}

/* Fails with @status, and standard error says @word. */
#define fails(status, word, ...)                                                                   \
	do {                                                                                       \
		_cleanup_run_ struct run r_ = {};                                                  \
		is_int(braid(&r_, "signal", __VA_ARGS__), status, "fails: %s", word);              \
		ok(strstr(r_.err, word), "and says '%s': %s", word, r_.err);                       \
	} while (0)

static void test_errors(void)
{
	fails(1, "no pipeline 'edge'", "edge", "pause");
	must_braid("apply", manifest("signals: none, ", "1,2"));
	fails(1, "signals: none", "edge", "pause");
	fails(1, "signals: none", "edge", "pause", "--stage", "m1");
	is_str(live_trip(0), "12", "it runs on");
	is_str(state(), "running", "and has a state all the same");
	must_braid("apply", manifest("signals: pipeline, ", "1,2"));
	fails(1, "signals: pipeline", "edge", "pause", "--stage", "m1");
	fails(1, "signals: pipeline", "edge", "set", "1");
	must_braid("signal", "edge", "pause");
	is_str(live_trip(0), "", "the whole can be paused");
	must_braid("signal", "edge", "resume");
	must_braid("apply", manifest("", "1,2"));
	fails(1, "'m3'", "edge", "pause", "--stage", "m3");
	fails(1, "'pause'", "edge", "puase");
	fails(1, "verdict", "edge", "pause", "--stage", "m1", "--verdict", "drop");
	fails(1, "verdict", "edge", "drain", "--verdict", "drop");
	fails(1, "'tx'", "edge", "pause", "--verdict", "tx");
	fails(1, "0 to 15", "edge", "set", "16");
	fails(1, "whole pipeline", "edge", "reload", "--stage", "m1");
	fails(2, "which bit", "edge", "set");
	fails(2, "one signal", "edge", "pause", "m1");
	is_str(live_trip(0), "12", "none of that changed anything");
	must_braid("delete", "edge");
}

struct tally {
	int kills, stored, differed, wrong, failed;
};

/* Killed between the store and the map: the next command makes the map follow. */
static void look(int nth, int before, struct tally *t)
{
	_cleanup_run_ struct run r = {};
	bool stored = events("pause to stage m2") > before;
	const char *want = stored ? "13" : "123";

	t->stored += stored;
	t->differed += strcmp(live_trip(0), want) != 0;
	if (braid(&r, "signal", "edge", "resume", "--stage", "m3"))
		t->failed++;
	if (strcmp(live_trip(0), want)) {
		t->wrong++;
		diag("killed in front of call %d: '%s', not '%s': %s", nth, live_trip(0), want,
		     r.err);
	}
}

static void test_killed(void)
{
	const char *const argv[] = {live_braid, "signal", "edge", "pause", "--stage", "m2", NULL};
	struct tally t = {};

	must_braid("apply", manifest("", "1,2,3"));
	for (int nth = 0;; nth++) {
		int before = events("pause to stage m2");

		if (!live_killed_at(argv, nth))
			break;
		t.kills++;
		look(nth, before, &t);
		must_braid("signal", "edge", "resume", "--stage", "m2");
	}
	ok(t.kills > 5, "killed at %d points", t.kills);
	ok(t.stored > 0 && t.stored < t.kills, "behind some of them it was wanted");
	ok(t.differed > 0, "and what ran did not know %d times", t.differed);
	is_int(t.failed, 0, "the next command succeeds");
	is_int(t.wrong, 0, "and what is wanted runs");
	ok(events("signals were not as they are wanted") == t.differed, "history tells of each");
	must_braid("delete", "edge");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	/* one of the tests leaves its folder */
	live_braid = realpath(live_braid, NULL);
	live_objects = realpath(live_objects, NULL);
	if (!live_braid || !live_objects)
		bail_out("%s: %s", argv[1], strerror(errno));
	test_stage(AS_FUSED);
	test_stage(AS_TAILS);
	test_pipeline(AS_FUSED);
	test_pipeline(AS_TAILS);
	test_counted_exactly();
	test_survives();
	test_programs_look(AS_FUSED);
	test_programs_look(AS_TAILS);
	test_shutdown();
	test_reload();
	test_errors();
	test_killed();
	/* behind all that looks at single frames: while it is drained, the flood comes through */
	test_under_load(AS_FUSED);
	test_under_load(AS_TAILS);
	is_int(live_pins(), 0, "nothing is left");
	return done();
}
