/* SPDX-License-Identifier: GPL-2.0-only */
/* Several observers of one pipeline, what is done to it meanwhile, and what a kill leaves. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "live_observe.h"
#include "live_tc.h"
#include "random.h"
#include "wait.h"

enum { SOON_MS = 60000, SLOTS = 8, MOVES = 40 };

static const char *manifest(const char *more, const char *marks)
{
	return live_manifest("edge.yaml", live_text(ON_R0_R1 "%s", more), live_marks(marks));
}

/* Packets that @o has looked at. */
static unsigned long long seen(struct braid_observer *o)
{
	struct braid_observer_count count = {};

	if (braid_observer_count(o, &count, NULL))
		bail_out("counting");
	return count.packets;
}

static int ignore(void *ctx, const struct braid_event *e)
{
	return 0;
}

/* As its process would: what is to be read first is read. */
static int tend(struct braid_observer *o)
{
	if (braid_observer_read(o, ignore, NULL, NULL))
		bail_out("reading events");
	return braid_observer_tend(o, NULL);
}

/* Each that looks sees the frame. Return: how many do not. */
static int count_blind(struct braid_observer *const *all, int wire)
{
	unsigned long long before[SLOTS] = {};
	int blind = 0;

	for (int i = 0; i < SLOTS; i++) {
		before[i] = all[i] ? seen(all[i]) : 0;
		if (all[i] && tend(all[i]))
			return SLOTS + 2;
	}
	if (strcmp(live_trip(wire), "12") != 0)
		return SLOTS + 1;
	for (int i = 0; i < SLOTS; i++)
		blind += all[i] && seen(all[i]) == before[i];
	return blind;
}

static void test_come_and_go(void)
{
	_cleanup_observed_run_ struct observed_run base = {}, now = {};
	struct braid *b = observe_braid("test");
	struct braid_observer *all[SLOTS] = {};
	struct rng r = {.state = 5};
	int blind = 0, miscounted = 0, n = 0;

	must_braid("apply", manifest("", "1,2"));
	observed_run_read(&base);
	for (int i = 0; i < MOVES; i++) {
		struct braid_observer **one = &all[rng_below(&r, SLOTS)];

		if (*one)
			observe_close(*one);
		*one = *one ? NULL : observe_open(b, 0);
		n += *one ? 1 : -1;
		blind += count_blind(all, i % 2);
		miscounted += observe_looking() != n;
	}
	is_int(blind, 0, "each observer saw each frame, at both interfaces");
	is_int(miscounted, 0, "status knows all of them");
	for (int i = 0; i < SLOTS; i++)
		observe_close(all[i]);
	observed_run_read(&now);
	ok(observed_run_is(&base, &now), "what runs in the end is what ran before");
	braid_close(b);
}

static void test_too_many(void)
{
	struct braid *b = observe_braid("test");
	const struct braid_observe_opts opts = {.sz = sizeof(opts), .what = BRAID_OBSERVE_TIMES};
	struct braid_observer *all[SLOTS], *more;
	struct braid_error err = BRAID_ERROR_INIT;

	for (int i = 0; i < SLOTS; i++) {
		all[i] = observe_open(b, 0);
		for (int k = 0; k < i; k++) /* so that no lease runs out */
			tend(all[k]);
	}
	is_int(braid_observer_open(b, "edge", &opts, &more, &err), -EUSERS, "a ninth is refused");
	ok(err.why && strstr(err.why, "test"), "and told who looks: %s", err.why ?: "");
	braid_error_clear(&err);
	is_int(observe_looking(), SLOTS, "the others look on");
	for (int i = 0; i < SLOTS; i++)
		observe_close(all[i]);
	braid_close(b);
}

static bool comes_back(struct braid_observer *o)
{
	return wait_until(tend(o) == 1, SOON_MS);
}

static void test_changes(const char *more)
{
	struct braid *b = observe_braid("test");
	_cleanup_json_ json_t *plan = NULL;
	struct braid_observer *o;

	must_braid("apply", manifest(more, "1,2"));
	o = observe_open(b, 0);
	plan = braid_json("plan", manifest(more, "1,2"));
	is_str(json_text(plan, "interfaces/0/action"), "update", "plan finds nothing in the way");
	is_int(tend(o), 0, "nor does plan stand in the way of who looks");
	must_braid("signal", "edge", "pause", "--stage", "m2");
	is_str(live_trip(0), "1", "paused while somebody looks");
	is_int(tend(o), 0, "who looks on");
	must_braid("signal", "edge", "resume", "--stage", "m2");
	is_str(live_trip(0), "12", "resumed");
	must_braid("apply", manifest(more, "1,2,3"));
	is_str(observe_state(), "", "an apply takes it out");
	ok(comes_back(o), "it comes back");
	is_int(braid_observer_stages(o), 3, "to the new revision");
	is_str(live_trip(0), "123", "which runs");
	ok(seen(o) > 0, "and is looked at");
	must_braid("rollback", "edge");
	ok(comes_back(o), "it comes back behind a rollback");
	is_str(live_trip(1), "12", "of what ran before");
	is_int(braid_observer_stages(o), 2, "and knows its stages");
	must_braid("delete", "edge");
	is_int(tend(o), -ENOENT, "behind a delete it does not");
	observe_close(o);
	is_int(live_pins(), 0, "nothing is left");
	braid_close(b);
}

static void test_rollout(void)
{
	const struct braid_rollout_opts opts = {
		.sz = sizeof(opts), .steps = "1,100", .every_ns = 3600000000000};
	const char *newer = live_text("%s/live_newer1.bpf.o", live_objects);
	struct braid *b = observe_braid("test");
	struct braid_observer *o;

	must_braid("apply", manifest("", "1,2"));
	o = observe_open(b, 0);
	is_int(braid_rollout_start(b, "edge", "m2", newer, &opts, NULL, NULL), 0,
	       "a rollout begins while somebody looks");
	ok(comes_back(o), "who looks comes back");
	ok(braid_observer_stages(o) > 3, "and sees both versions, and who chooses");
	is_int(braid_rollout_pause(b, "edge", NULL, NULL), 0, "it is paused");
	is_int(tend(o), 0, "under the eyes of who looks");
	is_int(braid_rollout_promote(b, "edge", NULL, NULL), 0, "it is promoted");
	ok(comes_back(o), "who looks comes back");
	is_str(live_trip(0), "1a", "to the new version");
	is_int(braid_observer_stages(o), 2, "which is alone");
	observe_close(o);
	must_braid("delete", "edge");
	braid_close(b);
}

static void test_killed(void)
{
	_cleanup_observed_run_ struct observed_run base = {}, now = {};
	_cleanup_run_ struct run r = {};
	struct looker l;

	must_braid("apply", manifest("", "1,2"));
	observed_run_read(&base);
	looker_start(&l, 0);
	is_str(observe_state(), "observed", "status says so");
	looker_kill(&l);
	is_str(observe_state(), "nobody looks", "behind a kill it says that nobody looks");
	is_str(live_trip(0), "12", "frames go on");
	is_int(braid(&r, "apply", manifest("", "1,2")), 0, "the next command");
	ok(strstr(r.out, "a looker"), "tells what it found: %s", r.out);
	observed_run_read(&now);
	ok(observed_run_is(&base, &now), "and the base runs");
	is_str(observe_state(), "", "with nobody");
}

/* One that was stopped loses its lease, and its seat if somebody comes by. */
static void test_stopped(void)
{
	struct looker l;

	looker_start(&l, 0);
	kill(l.pid, SIGSTOP);
	ok(wait_until(observe_looking() == 0, SOON_MS), "stopped, it looks no more soon");
	must_braid("signal", "edge", "resume");
	is_int(observe_listed(), 0, "the next command takes it out");
	kill(l.pid, SIGCONT);
	ok(wait_until(observe_looking() == 1, SOON_MS), "going on, it comes back");
	kill(l.pid, SIGSTOP);
	ok(wait_until(observe_looking() == 0, SOON_MS), "stopped again");
	kill(l.pid, SIGCONT);
	ok(wait_until(observe_looking() == 1, SOON_MS), "it looks on where nobody came by");
	is_int(looker_end(&l), 0, "and ends in order");
	is_str(observe_state(), "", "with nobody left");
	must_braid("delete", "edge");
}

static void test_tc(const char *more)
{
	struct braid *b = observe_braid("test");
	struct braid_observer *o;
	unsigned long long before;

	must_braid("apply",
		   live_tc_manifest("edge", "tc-egress", live_text(ON_L0_L1 "%s", more), "1,2"));
	o = observe_open(b, 0);
	before = seen(o);
	is_str(live_trip(0), "12", "%s: frames go through the variant", more);
	is_str(live_trip(1), "12", "%s: at both interfaces", more);
	ok(seen(o) >= before + 2, "%s: and are seen", more);
	is_int(live_tc_programs("left", "l0", "tc-egress"), 1, "%s: there is one program", more);
	observe_close(o);
	is_str(live_trip(0), "12", "%s: and then through the base", more);
	is_str(observe_state(), "", "%s: with nobody", more);
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "%s: nothing is left", more);
	braid_close(b);
}

/* Nothing in bpffs tells of what is attached any more, and that was a variant. */
static void test_emptied(const char *manifest, const char *ns, const char *ifname, const char *hook,
			 const char *what)
{
	struct looker l;

	must_braid("apply", manifest);
	looker_start(&l, 0);
	looker_kill(&l);
	must_run("find %s/braid -mindepth 1 -delete", getenv("BRAID_BPFFS"));
	is_str(live_trip(0), "12", "%s: bpffs was emptied, the variant runs", what);
	must_braid("restore");
	is_str(live_trip(0), "12", "%s: restored, in its place", what);
	if (hook)
		is_int(live_tc_programs(ns, ifname, hook), 1, "%s: not beside it", what);
	is_str(observe_state(), "", "%s: nobody looks", what);
	must_braid("delete", "edge");
	is_str(live_trip(0), "", "%s: and deleted", what);
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_come_and_go();
	test_too_many();
	test_killed();
	test_stopped();
	test_rollout();
	test_changes(AS_FUSED);
	test_changes(AS_TAILS);
	test_changes("attach: {via: netlink}, ");
	if (live_tc_links())
		test_tc("attach: {via: link}, ");
	else
		skip("no links for TC");
	test_tc("attach: {via: netlink}, ");
	test_emptied(live_tc_manifest("edge", "tc-egress", ON_L0 "attach: {via: netlink}, ", "1,2"),
		     "left", "l0", "tc-egress", "a filter");
	test_emptied(
		live_manifest("netlink.yaml", ON_R0 "attach: {via: netlink}, ", live_marks("1,2")),
		"right", "r0", NULL, "by netlink");
	return done();
}
