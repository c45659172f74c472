/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A rollout step by step, driven through the library: flows stay with their version, the share
 * is what was wanted, maps are one or apart, and what would disturb is refused.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "live_rollout.h"
#include "wait.h"

enum { DEADLINE_MS = 60000 };

static struct braid *braid_handle;
static struct braid_error err;

static void must(int r, const char *what)
{
	if (r)
		bail_out("%s: %s: %s (%s)", what, err.where ?: "", err.what ?: "", err.why ?: "");
}

/* Steps that are over at once: each braid_rollout_step() goes on. */
static void start(const char *steps, bool separate)
{
	struct braid_rollout_opts opts = {
		.sz = sizeof(opts), .steps = steps, .every_ns = 1, .separate_maps = separate};

	must(braid_rollout_start(braid_handle, "edge", "s", rollout_object(1), &opts, NULL, &err),
	     "start");
}

/* Return: its state afterwards. */
static const char *step(void)
{
	_cleanup_json_ json_t *j = NULL;
	uint64_t wait;
	char *text;

	must(braid_rollout_step(braid_handle, "edge", &wait, &text, &err), "step");
	j = json_loads(text, 0, NULL);
	free(text);
	return live_text("%s", json_text(j, "state"));
}

struct seen {
	unsigned int new, back, unseen;
};

static struct seen look_at_flows(void)
{
	_cleanup_close_ int map = rollout_map("s", "flows");
	struct seen seen = {};

	for (__u32 flow = 0; flow < ROLLOUT_FLOWS; flow++) {
		__u32 bits = 0;

		bpf_map_lookup_elem(map, &flow, &bits);
		seen.new += !!(bits & ROLLOUT_SEEN_NEW);
		seen.back += !!(bits & ROLLOUT_SEEN_BACK);
		seen.unseen += !bits;
	}
	return seen;
}

/* Five times the spread that chance has, which is less than 1 % of all flows. */
static bool is_share(unsigned int n, double percent)
{
	double part = percent / 100, spread = sqrt(part * (1 - part) * ROLLOUT_FLOWS);

	return fabs(n - part * ROLLOUT_FLOWS) <= 5 * spread;
}

static void test_sticky(const char *strategy)
{
	static const double percent[] = {1, 5, 25, 50, 75, 100};
	struct seen seen;

	rollout_apply(strategy);
	start("1,5,25,50,75,100", false);
	ok(rollout_send_all(), "%sall flows go through both versions", strategy);
	is_int(look_at_flows().new, 0, "none to the new one before the first step");
	for (int i = 0; i < 6; i++) {
		is_str(step(), "running", "step %d", i + 1);
		ok(rollout_send_all() && rollout_send_all(), "nothing is lost");
		seen = look_at_flows();
		ok(is_share(seen.new, percent[i]), "%g %%: %u of %u flows", percent[i], seen.new,
		   ROLLOUT_FLOWS);
		is_int(seen.back, 0, "no flow went back");
		is_int(seen.unseen, 0, "each was seen");
	}
	is_str(step(), "promoted", "behind the last step it is promoted");
	ok(rollout_send_all(), "nothing is lost");
	is_int(look_at_flows().back, 0, "no flow went back");
	is_int(rollout_packets("s@new", 1), -1, "there is one version");
	must_braid("delete", "edge");
}

/* The actual share is what counters say; the revision is exchanged meanwhile. */
static void test_update(void)
{
	_cleanup_json_ json_t *status = NULL;
	_cleanup_run_ struct run r = {};
	struct seen before, after;

	rollout_apply(AS_FUSED);
	start("25,100", false);
	is_str(step(), "running", "25 %%");
	ok(rollout_send_all(), "all flows");
	before = look_at_flows();
	status = braid_json("rollout", "status", "edge");
	ok(fabs(json_number_value(json_at(status, "actual")) - 25) < 1, "status: actual share %g",
	   json_number_value(json_at(status, "actual")));
	is_int(json_number(status, "old/packets") + json_number(status, "new/packets"),
	       ROLLOUT_FLOWS, "status: packets of both versions");
	ok(json_number(status, "new/latency/samples") > 0, "status: times are taken");

	must_braid("update", "edge", live_text("z=%s", rollout_object(1)));
	live_flood_send(ROLLOUT_FLOWS);
	ok(wait_until(rollout_packets("z", 1) == ROLLOUT_FLOWS, DEADLINE_MS),
	   "another stage is updated, and counts as the new one");
	after = look_at_flows();
	is_int(after.new, before.new, "the same flows go to the new version");
	is_int(after.back, 0, "and none back");
	is_str(step(), "running", "the step begins anew, with new counters");
	is_int(rollout_step_number(), 1, "it is the same step");

	is_int(braid(&r, "update", "edge", live_text("s=%s", rollout_object(1))), 3,
	       "the stage itself cannot be updated");
	ok(strstr(r.err, "promote") && strstr(r.err, "abort"), "and it says how to go on");
	is_int(braid(&r, "rollout", "edge", live_text("z=%s", rollout_object(1))), 3,
	       "nor can a second rollout begin");
	ok(strstr(r.err, "a rollout of the stage 's' is under way"), "and it says why");
	must_braid("rollout", "abort", "edge");
	is_int(braid(&r, "rollout", "abort", "edge"), 1, "aborted twice");
	ok(strstr(r.err, "no rollout is under way"), "there is nothing to abort");
	must_braid("delete", "edge");
}

static void test_separate(void)
{
	long long old, new;

	rollout_apply(AS_TAILS);
	start("50,100", true);
	step();
	ok(rollout_send_all(), "all flows");
	old = rollout_packets("s", 0);
	new = rollout_packets("s@new", 1);
	is_int(old + new, ROLLOUT_FLOWS, "each version counts in a map of its own");
	ok(is_share(new, 50), "%lld of them in that of the new one", new);
	is_int(rollout_packets("s@new", 0) + rollout_packets("s", 1), 0, "and only there");
	must_braid("rollout", "promote", "edge");
	is_int(rollout_packets("s", 1), new, "promoted: its maps go on");
	is_int(rollout_packets("s", 0), 0, "those of the old one do not");
	must_braid("delete", "edge");

	rollout_apply(AS_FUSED);
	start("50,100", true);
	step();
	ok(rollout_send_all(), "all flows");
	old = rollout_packets("s", 0);
	must_braid("rollout", "abort", "edge");
	is_int(rollout_packets("s", 0), old, "aborted: the maps of the old one go on");
	is_int(rollout_packets("s", 1), 0, "those of the new one do not");
	must_braid("delete", "edge");
}

static void test_shared(void)
{
	long long old, new;

	rollout_apply(AS_FUSED);
	start("50,100", false);
	step();
	ok(rollout_send_all(), "all flows");
	old = rollout_packets("s", 0);
	new = rollout_packets("s", 1);
	is_int(old + new, ROLLOUT_FLOWS, "both count in one map");
	must_braid("rollout", "promote", "edge");
	is_int(rollout_packets("s", 0), old, "promoted: it goes on");
	is_int(rollout_packets("s", 1), new, "all of it");
	must_braid("delete", "edge");
}

/* The program's name of stage number @i in status. */
static const char *program_of(int i)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	return live_text("%s", json_text(status, live_text("pipelines/0/stages/%d/program", i)));
}

static void test_program(void)
{
	struct braid_rollout_opts opts = {.sz = sizeof(opts), .every_ns = 1, .program = "look"};
	const char *object = live_text("%s/scratch.bpf.o", live_objects);

	must_braid("apply", live_manifest("program.yaml", ON_R0,
					  live_text("{name: s, object: %s, program: leave}, "
						    "{name: z, object: %s}",
						    object, rollout_object(0))));
	must(braid_rollout_start(braid_handle, "edge", "s", object, &opts, NULL, &err), "start");
	is_str(program_of(1), "look", "the new version has another program");
	must_braid("update", "edge", live_text("z=%s", rollout_object(1)));
	is_str(program_of(1), "look", "also in the next revision");
	is_str(program_of(0), "leave", "the old one has its own");
	must_braid("rollout", "promote", "edge");
	is_str(program_of(0), "look", "promoted, it is the stage's");
	must_braid("delete", "edge");
}

static const char *copy_object(int version)
{
	const char *path = live_text("%s/copy%d.o", net_scratch(), version);

	must_run("cp %s %s", rollout_object(version), path);
	return path;
}

/* Both versions are in the store: the files may go. */
static void test_stored(void)
{
	const char *old = copy_object(0), *new = copy_object(1);
	_cleanup_json_ json_t *status = NULL;

	must_braid("apply", live_manifest("stored.yaml", ON_R0,
					  live_text("{name: s, object: %s}, {name: z, object: %s}",
						    old, rollout_object(0))));
	must(braid_rollout_start(braid_handle, "edge", "s", new, NULL, NULL, &err), "start");
	must_run("rm %s %s", old, new);
	must_braid("update", "edge", live_text("z=%s", rollout_object(1)));
	must_braid("rollout", "promote", "edge");
	live_flood_send(ROLLOUT_FLOWS);
	ok(wait_until(rollout_packets("s", 1) == ROLLOUT_FLOWS, DEADLINE_MS),
	   "promoted, from the store");

	/* the update's revision has both versions, and no rollout is under way */
	must_braid("rollback", "edge");
	status = braid_json("status", "edge");
	is_str(json_text(status, "pipelines/0/stages/1/name"), "s@new", "both versions again");
	live_flood_send(ROLLOUT_FLOWS);
	ok(wait_until(rollout_packets("z", 1) == 2 * ROLLOUT_FLOWS, DEADLINE_MS), "frames flow");
	is_int(rollout_packets("s", 0), ROLLOUT_FLOWS, "to the old one");
	is_int(rollout_packets("s", 1), ROLLOUT_FLOWS, "and to no other");
	must_braid("rollout", "abort", "edge");
	is_str(program_of(2), "", "aborted: one version");
	must_braid("delete", "edge");
}

static void test_refused(void)
{
	static const struct {
		const char *option, *value, *says;
	} wrong[] = {
		{"--gate", "dorp_rate<2%", "metrics of a version are aborted_rate, drop_rate"},
		{"--gate", "drop_rate<2", "a rate is given in percent"},
		{"--steps", "5,1,100", "a step is more than the one before"},
		{"--steps", "5,50", "the last step is 100"},
		{"--steps", "0,100", "more than 0"},
		{"--steps", "1,x,100", "a step is a number"},
		{"--key", "flows", "expected flow, source or random"},
		{"--program", "other", "other"},
	};
	_cleanup_run_ struct run r = {};

	rollout_apply(AS_FUSED);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		is_int(braid(&r, "rollout", "edge", live_text("s=%s", rollout_object(1)),
			     wrong[i].option, wrong[i].value),
		       1, "%s %s", wrong[i].option, wrong[i].value);
		if (!ok(strstr(r.err, wrong[i].says), "says: %s", wrong[i].says))
			diag("%s", r.err);
	}
	is_int(braid(&r, "rollout", "edge", live_text("s=%s", rollout_object(1)), "--steps", "100",
		     "--gate", "drop_rate<+1%"),
	       1, "a gate that has nothing to compare with");
	is_int(braid(&r, "rollout", "edge", live_text("q=%s", rollout_object(1))), 1,
	       "no such stage");
	is_int(braid(&r, "rollout", "edge", "s=/nonexistent.o"), 1, "no such object");
	is_int(braid(&r, "rollout", "egde", live_text("s=%s", rollout_object(1))), 1,
	       "no such pipeline");
	is_int(braid(&r, "rollout", "edge", live_text("s=%s/live_refused.bpf.o", live_objects)), 1,
	       "one that the verifier refuses");
	is_int(braid(&r, "rollout", "status", "edge"), 1, "none of them began");
	ok(rollout_send_all(), "and what ran before runs");
	must_braid("delete", "edge");
}

int main(int argc, char **argv)
{
	struct braid_opts opts = {.sz = sizeof(opts), .cause = "test", .wait_ns = 10000000000};

	live_init(argc, argv);
	must(braid_open(&opts, &braid_handle, &err), "braid_open");
	rollout_open_flood();
	test_refused();
	test_sticky(AS_FUSED);
	test_sticky(AS_TAILS);
	test_update();
	test_shared();
	test_separate();
	test_program();
	test_stored();
	live_flood_end();
	braid_close(braid_handle);
	braid_error_clear(&err);
	is_int(live_pins(), 0, "nothing is left of all that");
	return done();
}
