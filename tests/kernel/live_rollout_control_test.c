/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command that drives a rollout, under a flood of frames: a gate that fails, a controller
 * that is killed or interrupted, and versions that are promoted and taken back without a loss.
 */
#include <signal.h>
#include <string.h>

#include "live_rollout.h"
#include "wait.h"

enum { DEADLINE_MS = 30000 };

/* Of a rollout that runs: the one before may have come as far. */
static bool is_step(long long n)
{
	return wait_until(!strcmp(rollout_state(), "running") && rollout_step_number() == n,
			  DEADLINE_MS);
}

static bool history_says(const char *what)
{
	_cleanup_run_ struct run r = {};

	braid(&r, "history", "edge", "--json");
	return strstr(r.out, what);
}

/* A new version that drops a quarter of the frames. */
static void test_gate(const char *strategy, const char *maps)
{
	_cleanup_run_ struct run r = {};
	long long new;

	rollout_apply(strategy);
	live_flood_go();
	is_int(braid(&r, "rollout", "edge", live_text("s=%s", rollout_object(2)), "--steps",
		     "20,100", "--every", "10m", "--gate", "latency_p99<10s", "--gate",
		     "drop_rate<+0.5%", "--maps", maps),
	       1, "%smaps %s: a gate fails", strategy, maps);
	ok(strstr(r.err, "the gate 'drop_rate<+0.5%' failed at 20 %: drop_rate is 2") &&
		   strstr(r.err, "in the new version and 0.00 % in the old one"),
	   "the reason has both numbers");
	is_str(rollout_state(), "failed", "status says so");
	ok(history_says("drop_rate<+0.5%' failed"), "and history");
	is_int(rollout_packets("s@new", 1), -1, "the new version is gone");
	new = rollout_packets("s", 1);
	live_flood_stop();
	ok(rollout_send_all(), "nothing is dropped any more");
	is_int(rollout_packets("s", 1), new, "all goes to the old version");
	must_braid("delete", "edge");
}

static void test_good(void)
{
	_cleanup_run_ struct run r = {};

	rollout_apply(AS_FUSED);
	live_flood_go();
	is_int(braid(&r, "rollout", "edge", live_text("s=%s", rollout_object(1)), "--steps",
		     "10,50,100", "--every", "200ms", "--gate", "drop_rate<+0.5%", "--gate",
		     "pass_rate>-1%", "--key", "source"),
	       0, "a version that is as good is promoted");
	live_flood_stop();
	ok(strstr(r.out, "step 1 of 3, 10 %") && strstr(r.out, "step 3 of 3, 100 %") &&
		   strstr(r.out, "promoted"),
	   "step by step");
	if (!is_str(rollout_state(), "promoted", "status says so"))
		diag("%s%s", r.out, r.err);
	ok(!history_says("mended"), "nobody was sent back on the way to that");
	ok(rollout_packets("s", 1) > 0, "frames met it");
	must_braid("delete", "edge");
}

/* Without frames no gate can say anything: the step waits for them. */
static void test_held(void)
{
	_cleanup_run_ struct run r = {};
	const char *argv[] = {
		live_braid, "rollout",      "edge",          live_text("s=%s", rollout_object(1)),
		"--steps",  "50,100",       "--every",       "50ms",
		"--gate",   "drop_rate<1%", "--min-packets", "100",
		NULL};

	rollout_apply(AS_FUSED);
	run_start(&r, argv);
	ok(wait_until(({
			      _cleanup_json_ json_t *j = braid_json("rollout", "status", "edge");
			      strstr(json_text(j, "why"), "the step is held") != NULL;
		      }),
		      DEADLINE_MS),
	   "without frames the step is held, and status says why");
	is_int(rollout_step_number(), 1, "it is the first one");
	live_flood_go();
	is_int(run_wait(&r), 0, "with frames it goes on");
	live_flood_stop();
	is_str(rollout_state(), "promoted", "to the end");
	must_braid("delete", "edge");
}

/* In the background, at its first step. */
static void start(struct run *r, const char *steps, const char *every)
{
	const char *argv[] = {
		live_braid, "rollout", "edge",    live_text("s=%s", rollout_object(1)),
		"--steps",  steps,     "--every", every,
		NULL};

	run_start(r, argv);
	ok(is_step(1), "the controller runs");
}

static void test_interrupted(void)
{
	_cleanup_run_ struct run r = {}, second = {};

	rollout_apply(AS_FUSED);
	start(&r, "50,100", "1h");
	kill(r.pid, SIGINT);
	is_int(run_wait(&r), 1, "interrupted");
	ok(strstr(r.err, "50 % to the new version, and so it stays") &&
		   strstr(r.err, "braid rollout continue edge"),
	   "it says what is, and how to go on");
	is_str(rollout_state(), "running", "the share stays");

	run_start(&r, (const char *[]){live_braid, "rollout", "continue", "edge", NULL});
	ok(wait_until(history_says("rollout of s: continued"), DEADLINE_MS), "it goes on");
	is_int(braid(&second, "rollout", "pause", "edge"), 0, "another command pauses it");
	is_int(run_wait(&r), 1, "then the controller ends");
	ok(strstr(r.err, "is paused"), "and says so");
	is_str(rollout_state(), "paused", "status, too");
	is_int(braid(&second, "rollout", "promote", "edge"), 0, "promoted from there");
	is_str(rollout_state(), "promoted", "to the end");
	must_braid("delete", "edge");
}

static void test_killed(void)
{
	_cleanup_run_ struct run r = {};
	long long new;

	rollout_apply(AS_TAILS);
	live_flood_go();
	start(&r, "50,100", "1h");
	kill(r.pid, SIGKILL);
	is_int(run_wait(&r), 128 + SIGKILL, "the controller is killed");
	new = rollout_packets("s", 1);
	ok(wait_until(rollout_packets("s", 1) > new + 100000, DEADLINE_MS), "the share stays");
	is_str(rollout_state(), "running", "status says how far it was");
	must_braid("rollout", "abort", "edge");
	new = rollout_packets("s", 1);
	live_flood_stop();
	ok(rollout_send_all(), "aborted");
	is_int(rollout_packets("s", 1), new, "no frame goes to the new version");

	live_flood_go();
	start(&r, "50,100", "4s");
	kill(r.pid, SIGKILL);
	run_wait(&r);
	is_int(braid(&r, "rollout", "continue", "edge"), 0, "another one continues");
	is_str(rollout_state(), "promoted", "to the end");
	live_flood_stop();
	must_braid("delete", "edge");
}

/* Return: whether it went on behind frames that were seen. */
static bool end_under_load(const char *strategy, const char *maps, const char *end)
{
	_cleanup_run_ struct run r = {};
	const char *argv[] = {
		live_braid, "rollout", "edge",    live_text("s=%s", rollout_object(1)),
		"--steps",  "50,100",  "--every", "1h",
		"--maps",   maps,      NULL};
	const char *stage = strcmp(maps, "shared") ? "s@new" : "s";
	long long new = rollout_packets("s", 1);
	bool seen;

	run_start(&r, argv);
	seen = wait_until(rollout_packets(stage, 1) > (stage[1] ? 0 : new) + 10000, DEADLINE_MS);
	kill(r.pid, SIGTERM);
	run_wait(&r);
	return seen && !braid(&r, "rollout", end, "edge");
}

/* Every frame that was sent comes to z, which is behind all that happens. */
static void test_loss(const char *strategy)
{
	static const char *const maps[] = {"shared", "separate"};
	static const char *const ends[] = {"abort", "promote"};
	long long before, sent;

	rollout_apply(strategy);
	before = live_flood_sent();
	live_flood_go();
	for (int i = 0; i < 8; i++)
		ok(end_under_load(strategy, maps[i % 2], ends[i / 2 % 2]), "%smaps %s, %s",
		   strategy, maps[i % 2], ends[i / 2 % 2]);
	live_flood_stop();
	sent = live_flood_sent() - before;
	wait_until(rollout_packets("z", 0) >= sent, DEADLINE_MS);
	is_int(rollout_packets("z", 0), sent, "each frame of %lld arrived, once", sent);
	must_braid("delete", "edge");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	rollout_open_flood();
	test_gate(AS_FUSED, "shared");
	test_gate(AS_TAILS, "separate");
	test_good();
	test_held();
	test_interrupted();
	test_killed();
	test_loss(AS_FUSED);
	test_loss(AS_TAILS);
	live_flood_end();
	is_int(live_pins(), 0, "nothing is left of all that");
	return done();
}
