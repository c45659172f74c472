/* SPDX-License-Identifier: GPL-2.0-only */
/* A variant goes in and out under a flood of frames, and what runs then is what ran before. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "live_flood.h"
#include "live_observe.h"
#include "wait.h"

enum {
	SWAPS = 100,
	FRAMES_BETWEEN = 2000, /* that each of the two has to see at least */
	DEADLINE_MS = 20000,
};

/* Return: whether frames went on all the time. */
static bool swap_under_load(int count)
{
	struct braid *b = observe_braid("test");
	bool went_on = true;

	for (int i = 0; i < SWAPS && went_on; i++) {
		struct braid_observer *o = observe_open(b, 100);
		long long before = live_counted(count);

		went_on = wait_until(live_counted(count) > before + FRAMES_BETWEEN, DEADLINE_MS);
		observe_close(o);
		before = live_counted(count);
		went_on = went_on &&
			  wait_until(live_counted(count) > before + FRAMES_BETWEEN, DEADLINE_MS);
	}
	braid_close(b);
	return went_on;
}

static long long entered(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	return json_number(status, "pipelines/0/counters/entered/packets");
}

static void test_swaps(const char *what, const char *more)
{
	_cleanup_observed_run_ struct observed_run before = {}, after = {};
	long long sent;
	int first, last;

	must_braid("apply", live_manifest("edge.yaml", live_text(ON_R0 "%s", more),
					  live_text("%s, %s", live_mark(1, ""),
						    live_mark(2, ", proceed-on: [pass]"))));
	observed_run_read(&before);
	first = live_open_count("m1");
	last = live_open_count("m2");
	live_flood_start();
	ok(swap_under_load(last), "%s: %d times in and out, under load", what, SWAPS);
	sent = live_flood_end();
	ok(wait_until(live_counted(first) == sent, DEADLINE_MS), "%s: the first stage saw them all",
	   what);
	is_int(live_counted(first), sent, "%s: %lld frames", what, sent);
	is_int(live_counted(last), sent, "%s: so did the last", what);
	is_int(entered(), sent, "%s: and the pipeline's own counters went on", what);
	close(first);
	close(last);
	observed_run_read(&after);
	ok(observed_run_is(&before, &after), "%s: what runs is what ran before", what);
	is_int(after.program, before.program, "%s: the same program", what);
	is_int(after.pins, before.pins, "%s: nothing is left", what);
	must_braid("delete", "edge");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_swaps("fused", AS_FUSED);
	test_swaps("tailcall", AS_TAILS);
	test_swaps("by netlink", "attach: {via: netlink}, ");
	return done();
}
