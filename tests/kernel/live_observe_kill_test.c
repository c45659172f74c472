/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Observers that are killed in front of every system call that leaves something: packets go on,
 * and the next command, whichever it is, finds the base in its place again and leaves nothing.
 * The arguments behind those of all live tests: the name of a scenario; and `each`, as in
 * live_scenario.h.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "live_killed.h"
#include "live_observe.h"
#include "wait.h"

enum { SOON_MS = 60000 };

/* What runs behind a kill: each of these has to clean up. */
static const struct next {
	const char *what;
	const char *argv[6];
} nexts[] = {
	{"apply", {"apply"}}, /* with the manifest behind it */
	{"signal", {"signal", "edge", "resume"}},
	{"restore", {"restore"}},
	{"sweep", {NULL}}, /* what the process does that waits for one that looks */
	{"look", {NULL}},  /* the next observer */
};

#define N_NEXTS (sizeof(nexts) / sizeof(*nexts))

struct tally {
	int kills, bad_trips, bad_states, failed, differ, others;
};

static const char *manifest(void)
{
	return live_manifest("edge.yaml", ON_R0_R1 AS_TAILS, live_marks("1,2"));
}

static int sweep(void)
{
	struct braid *b = observe_braid("test");
	int r = braid_observers_sweep(b, "edge", NULL);

	braid_close(b);
	return r;
}

static int look(void)
{
	struct braid *b = observe_braid("test");

	observe_close(observe_open(b, 0));
	braid_close(b);
	return 0;
}

static bool run_next(const struct next *n, struct run *r)
{
	if (!strcmp(n->what, "sweep"))
		return !sweep();
	if (!strcmp(n->what, "look"))
		return !look();
	if (!strcmp(n->what, "apply"))
		return !braid(r, "apply", manifest());
	return !braid(r, n->argv[0], n->argv[1], n->argv[2]);
}

static bool is_attached(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	return !strcmp(json_text(status, "pipelines/0/interfaces/0/state"), "attached") &&
	       !strcmp(json_text(status, "pipelines/0/interfaces/1/state"), "attached");
}

/* As readers and packets see it, and then as the next command leaves it. */
static void look_behind(const struct observed_run *base, int nth, bool others, struct tally *t)
{
	const struct next *next = &nexts[nth % N_NEXTS];
	_cleanup_observed_run_ struct observed_run now = {};
	_cleanup_run_ struct run r = {};

	for (int i = 0; i < 2; i++) {
		const char *trip = live_trip(i);

		if (!strcmp(trip, "12"))
			continue;
		t->bad_trips++;
		diag("killed in front of call %d: at r%d '%s'", nth, i, trip);
	}
	t->bad_states += !is_attached();
	if (!run_next(next, &r)) {
		t->failed++;
		diag("killed in front of call %d: %s: %s%s", nth, next->what, r.out ?: "",
		     r.err ?: "");
	}
	if (others)
		return;
	observed_run_read(&now);
	if (observed_run_is(base, &now) && !*observe_state())
		return;
	t->differ++;
	diag("killed in front of call %d, then %s: program %lld, %zu pins, '%s'", nth, next->what,
	     now.program, now.pins, observe_state());
}

static void report(const char *what, const struct tally *t)
{
	ok(t->kills > 20, "%s: killed at %d points", what, t->kills);
	is_int(t->bad_trips, 0, "%s: frames go on", what);
	is_int(t->bad_states, 0, "%s: and status says so", what);
	is_int(t->failed, 0, "%s: the next command succeeds", what);
	is_int(t->differ, 0, "%s: and then the very program of before runs, and nothing is left",
	       what);
}

static void test_alone(const char *const argv[], const struct observed_run *base)
{
	struct tally t = {};

	for (int nth = 0; live_killed_everywhere(argv, nth, NULL); nth++) {
		t.kills++;
		look_behind(base, nth, false, &t);
	}
	report("an observer", &t);
}

/* The other one comes back by itself, and leaves what ran before. */
static void test_beside(const char *const argv[], const struct observed_run *base)
{
	_cleanup_observed_run_ struct observed_run now = {};
	struct tally t = {};
	struct looker other;

	looker_start(&other, 0);
	for (int nth = 0; live_killed_everywhere(argv, nth, NULL); nth++) {
		t.kills++;
		look_behind(base, nth, true, &t);
		if (!wait_until(observe_looking() == 1 && observe_listed() == 1, SOON_MS)) {
			t.others++;
			diag("killed in front of call %d: %d look", nth, observe_looking());
		}
	}
	is_int(looker_end(&other), 0, "the other one ends in order");
	is_int(t.others, 0, "it has always come back");
	observed_run_read(&now);
	t.differ = !observed_run_is(base, &now);
	report("beside another", &t);
}

/* An apply is killed while somebody looks, and so is who looks; then what ran before is wanted. */
static void test_change(void)
{
	char *new = strdup(live_manifest("new.yaml", ON_R0_R1 AS_TAILS, live_marks("1,2,3")));
	const char *const argv[] = {live_braid, "apply", new, NULL};
	struct tally t = {};
	bool killed = true;

	for (int nth = 0; killed; nth++) {
		_cleanup_run_ struct run r = {};
		struct looker l;

		looker_start(&l, 0);
		killed = live_killed_everywhere(argv, nth, NULL);
		t.kills += killed;
		for (int i = 0; i < 2; i++) {
			const char *trip = live_trip(i);

			t.bad_trips += strcmp(trip, "12") && strcmp(trip, "123");
		}
		looker_kill(&l);
		t.failed += braid(&r, "apply", manifest()) != 0;
		t.differ += strcmp(live_trip(0), "12") || strcmp(live_trip(1), "12") ||
			    *observe_state();
		t.bad_states += !is_attached();
	}
	report("a change beside an observer", &t);
	free(new);
}

int main(int argc, char **argv)
{
	_cleanup_observed_run_ struct observed_run base = {};
	char self[4096];
	const char *const tool[] = {self, "look", NULL};

	if (argc == 2) /* what is killed */
		return look();
	if (!realpath("/proc/self/exe", self))
		bail_out("/proc/self/exe: %s", strerror(errno));
	live_killed_at_each_write = argc > 5 && !strcmp(argv[5], "each");
	live_init(argc, argv);
	net_add("home"); /* restore goes by names */
	net_enter("home");
	must_braid("apply", manifest());
	observed_run_read(&base);
	if (argc > 4 && !strcmp(argv[4], "beside"))
		test_beside(tool, &base);
	else if (argc > 4 && !strcmp(argv[4], "change"))
		test_change();
	else
		test_alone(tool, &base);
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "nothing is pinned in the end");
	return done();
}
