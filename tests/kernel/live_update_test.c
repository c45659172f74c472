/* SPDX-License-Identifier: GPL-2.0-only */
/* Stages of what runs are exchanged, come, go and move: with frames, and under a flood of them. */
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "live_common.h"
#include "live_flood.h"
#include "wait.h"

enum {
	FRAMES_BETWEEN = 16384, /* that each revision has to see at least */
	ROUNDS = 2,
	DEADLINE_MS = 60000,
};

/* Objects: `newer` has two programs, the others one. */
static char *mark, *newer, *newer1, *refused;

static long long revision(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	return json_number(status, "pipelines/0/revision");
}

/* The command succeeds, makes one revision, and then a frame has signatures @want. */
#define MUST(want, what, ...)                                                                      \
	do {                                                                                       \
		long long before_ = revision();                                                    \
		must_braid(__VA_ARGS__);                                                           \
		is_str(live_trip(0), want, "%s: %s", what, want);                                  \
		is_int(revision(), before_ + 1, "by one revision");                                \
	} while (0)

/* x has the object's own id, 1. */
static void test_stages(void)
{
	const char *x = live_text("x=%s", mark), *y = live_text("y=%s", newer);

	MUST("123", "add first", "stage", "add", "edge", x, "--first");
	MUST("23", "remove", "stage", "remove", "edge", "x");
	MUST("213", "add after", "stage", "add", "edge", x, "--after", "m2");
	MUST("321", "move before", "stage", "move", "edge", "m3", "--before", "m2");
	MUST("132", "move first", "stage", "move", "edge", "x", "--first");
	MUST("123", "move after", "stage", "move", "edge", "m3", "--after", "m2");
	MUST("231", "move last", "stage", "move", "edge", "x", "--last");
	MUST("31", "disable", "stage", "disable", "edge", "m2");
	MUST("1", "disable another", "stage", "disable", "edge", "m3");
	MUST("21", "enable", "stage", "enable", "edge", "m2");
	MUST("231", "enable the other", "stage", "enable", "edge", "m3");
	MUST("23", "remove the last one", "stage", "remove", "edge", "x");
	MUST("23f", "add another program", "stage", "add", "edge", y, "--program", "other");
	MUST("2f3", "move it", "stage", "move", "edge", "y", "--before", "m3");
	MUST("23", "remove it", "stage", "remove", "edge", "y");
	MUST("1", "add one that ends it", "stage", "add", "edge", x, "--first", "--proceed-on",
	     "drop");
	MUST("23", "and go back", "rollback", "edge");
}

static void test_update(void)
{
	_cleanup_free_ char *folder = text_fmt("%s/folder", net_scratch());
	_cleanup_free_ char *object = text_fmt("%s/new.o", folder);
	_cleanup_free_ char *braid_path = realpath(live_braid, NULL);
	_cleanup_json_ json_t *status = NULL;
	long long before;

	live_trip(0);
	before = live_count("m2", "count");
	MUST("a3", "update", "update", "edge", live_text("m2=%s", newer1));
	is_int(live_count("m2", "count"), before + 1, "its map goes on");
	MUST("2b", "update two", "update", "edge", live_text("m2=%s", mark),
	     live_text("m3=%s", newer1));
	MUST("2f", "another program", "update", "edge", live_text("m3=%s", newer), "--program",
	     "other");
	MUST("23", "and back", "update", "edge", live_text("m3=%s", mark), "--program", "mark");
	before = revision();
	must_braid("update", "edge", live_text("m3=%s", mark));
	is_int(revision(), before, "with what is there already nothing changes");

	must_run("mkdir -p %s", folder);
	must_run("cp %s %s", newer1, object);
	must_run("env -C %s %s update edge m2=new.o", folder, braid_path);
	is_str(live_trip(0), "a3", "a path from where the caller is");
	status = braid_json("status", "edge");
	is_str(json_text(status, "pipelines/0/stages/0/object"), object, "is kept from the root");
	unlink(object);
	MUST("3", "its file is gone, disable", "stage", "disable", "edge", "m2");
	MUST("a3", "and enable", "stage", "enable", "edge", "m2");
	MUST("23", "and update", "update", "edge", live_text("m2=%s", mark));
}

/* Each is refused with these words, and all is as it was. */
static void test_refused(void)
{
	const char *bad = live_text("bad=%s", refused);
	const struct {
		const char *argv[8];
		const char *says, *hint;
	} calls[] = {
		{{"update", "edge", live_text("gone=%s", mark)}, "has no stage 'gone'"},
		{{"update", "edge", live_text("m22=%s", mark)}, "no stage 'm22'", "mean 'm2'?"},
		{{"update", "egde", live_text("m2=%s", mark)},
		 "no pipeline 'egde'",
		 "mean 'edge'?"},
		{{"update", "edge", "m2=/nonexistent.o"}, "/nonexistent.o"},
		{{"update", "edge", live_text("m2=%s", newer1), "m3=/nonexistent.o"},
		 "/nonexistent.o"},
		{{"update", "edge", live_text("m2=%s", newer), "--program", "newr"},
		 "'newr'",
		 "mean 'newer'?"},
		{{"update", "edge", live_text("m2=%s", refused), "--program", "beyond"}, "'id'"},
		{{"stage", "add", "edge", bad, "--program", "beyond"}, "4711"},
		{{"stage", "add", "edge", live_text("m2=%s", mark)}, "the name 'm2'"},
		{{"stage", "add", "edge", live_text("q=%s", newer)}, "programs"},
		{{"stage", "add", "edge", live_text("q=%s", mark), "--after", "gone"}, "'gone'"},
		{{"stage", "add", "edge", live_text("q=%s", mark), "--proceed-on", "pas"},
		 "unknown verdict 'pas'",
		 "mean 'pass'?"},
		{{"stage", "move", "edge", "m2", "--after", "m2"}, "beside itself"},
		{{"stage", "remove", "edge", "m4"}, "has no stage 'm4'"},
	};
	long long before = revision();
	size_t pins = live_pins();

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		const char *argv[9] = {live_braid};
		_cleanup_run_ struct run r = {};

		memcpy(argv + 1, calls[i].argv, sizeof(calls[i].argv));
		run_start(&r, argv);
		run_wait(&r);
		is_int(r.status, 1, "%s is refused", calls[i].says);
		ok(strstr(r.err, calls[i].says), "it says: %s", r.err);
		ok(!calls[i].hint || strstr(r.err, calls[i].hint), "with advice");
	}
	is_str(live_trip(0), "23", "what ran runs");
	is_int(revision(), before, "as the same revision");
	is_int(live_pins(), pins, "nothing is left");
}

static void test_last(void)
{
	_cleanup_run_ struct run r = {};

	must_braid("stage", "disable", "edge", "m3");
	is_int(braid(&r, "stage", "disable", "edge", "m2"), 1, "the last one that runs stays");
	ok(strstr(r.err, "braid delete edge"), "says what to do: %s", r.err);
	is_int(braid(&r, "stage", "remove", "edge", "m2"), 1, "it cannot be removed either");
	is_str(live_trip(0), "2", "it runs");
	must_braid("stage", "enable", "edge", "m3");
}

static void test_shared(const char *strategy)
{
	const char *m = live_manifest(
		"shared.yaml",
		live_text(ON_R0 "%sshared-maps: {both: [m2.sizes, m3.sizes]}, ", strategy),
		live_marks("2,3"));
	_cleanup_run_ struct run r = {};

	must_braid("apply", m);
	is_int(braid(&r, "stage", "remove", "edge", "m3"), 0, "one of two that share a map goes");
	ok(strstr(r.out, "nothing is shared as 'both' any more"), "it says so: %s", r.out);
	is_str(live_trip(0), "2", "the other one runs");
	must_braid("apply", m);
	is_str(live_trip(0), "23", "the manifest, applied again, is what runs");
}

/* m4, then m2 for marked frames and m3 for others. */
static void test_choice(const char *strategy)
{
	const char *x = live_text("x=%s", mark);
	const char *m = live_manifest(
		"choice.yaml", live_text(ON_R0 "%s", strategy),
		live_text("%s, {name: kind, switch: ethertype, cases: [{when: 0x%x, stages: "
			  "[%s]}], default: [%s]}, %s",
			  live_mark(4, ""), FRAME_TYPE, live_mark(2, ""), live_mark(3, ""),
			  live_mark(5, "")));
	long long other;

	must_braid("apply", m);
	other = live_count("m3", "count");
	is_str(live_trip(0), "425", "a frame goes through its branch");
	is_int(live_count("m3", "count"), other, "and not through the other one");
	MUST("4125", "add into a branch", "stage", "add", "edge", x, "--before", "m2");
	MUST("4251", "move behind the choice", "stage", "move", "edge", "x", "--last");
	MUST("4125", "move in front of it", "stage", "move", "edge", "x", "--before", "kind");
	MUST("415", "an empty branch goes straight on", "stage", "remove", "edge", "m2");
	MUST("415", "without its last stage the choice goes", "stage", "remove", "edge", "m3");
	MUST("415", "and comes back", "rollback", "edge");
	MUST("45", "the other branch", "stage", "move", "edge", "x", "--after", "m3");
}

static const char *flood_manifest(const char *strategy)
{
	return live_manifest("flood.yaml", live_text(ON_R0 "%s", strategy),
			     live_text("%s, %s, {name: m3, object: %s, constants: {id: 3, verdict: "
				       "1}}",
				       live_mark(1, ""), live_mark(2, ""), mark));
}

/* Return: whether all changes happened, and were seen at work. */
static bool change_under_load(int seen_last)
{
	const char *to_newer = live_text("m2=%s", newer1);
	const char *to_mark = live_text("m2=%s", mark), *x = live_text("x=%s", newer);
	const char *const calls[][8] = {
		{live_braid, "update", "edge", to_newer},
		{live_braid, "update", "edge", to_mark},
		{live_braid, "stage", "add", "edge", x, "--program=other", "--after=m1"},
		{live_braid, "stage", "move", "edge", "m2", "--first"},
		{live_braid, "stage", "disable", "edge", "x"},
		{live_braid, "stage", "move", "edge", "m1", "--before=m2"},
		{live_braid, "stage", "enable", "edge", "x"},
		{live_braid, "stage", "remove", "edge", "x"},
	};

	for (size_t i = 0; i < ROUNDS * sizeof(calls) / sizeof(*calls); i++) {
		long long before = live_counted(seen_last);
		_cleanup_run_ struct run r = {};

		if (!wait_until(live_counted(seen_last) > before + FRAMES_BETWEEN, DEADLINE_MS))
			return false;
		run_start(&r, calls[i % (sizeof(calls) / sizeof(*calls))]);
		if (run_wait(&r)) {
			diag("%s%s", r.out, r.err);
			return false;
		}
	}
	return true;
}

static void test_flood(const char *strategy)
{
	const char *const stages[] = {"m1", "m2", "m3"};
	long long before[3], sent;
	int counts[3];

	must_braid("apply", flood_manifest(strategy));
	for (int i = 0; i < 3; i++) {
		counts[i] = live_open_count(stages[i]);
		before[i] = live_counted(counts[i]);
	}
	live_flood_start();
	ok(change_under_load(counts[2]), "changes while frames flow");
	sent = live_flood_end();
	ok(sent > ROUNDS * 8 * FRAMES_BETWEEN, "%lld frames were sent", sent);
	for (int i = 0; i < 3; i++) {
		wait_until(live_counted(counts[i]) - before[i] >= sent, DEADLINE_MS);
		is_int(live_counted(counts[i]) - before[i], sent, "stage %s saw each of them once",
		       stages[i]);
		close(counts[i]);
	}
}

static void test_strategy(const char *strategy)
{
	diag("%s", strategy);
	must_braid("apply",
		   live_manifest("m.yaml", live_text(ON_R0 "%s", strategy), live_marks("2,3")));
	test_stages();
	test_update();
	test_refused();
	test_last();
	test_shared(strategy);
	test_choice(strategy);
	test_flood(strategy);
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "nothing is pinned any more");
}

static char *object(const char *name)
{
	return strdup(live_text("%s/live_%s.bpf.o", live_objects, name));
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	mark = object("mark");
	newer = object("newer");
	newer1 = object("newer1");
	refused = object("refused");
	test_strategy(AS_FUSED);
	test_strategy(AS_TAILS);
	free(mark);
	free(newer);
	free(newer1);
	free(refused);
	return done();
}
