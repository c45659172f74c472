/* SPDX-License-Identifier: GPL-2.0-only */
/* A flood of frames while revisions are exchanged: each is seen by each stage, once. */
#include "live_common.h"
#include "live_flood.h"
#include "wait.h"

enum {
	FRAMES_BETWEEN = 16384, /* that each revision has to see at least */
	CHANGES = 20,
	DEADLINE_MS = 20000,
};

static const char *manifest(const char *strategy)
{
	return live_manifest("m.yaml", live_text(ON_R0 "%s", strategy),
			     live_text("%s, %s, {name: m3, object: %s/live_mark.bpf.o, "
				       "constants: {id: 3, verdict: 1}}",
				       live_mark(1, ""), live_mark(2, ""), live_objects));
}

/* Return: whether all changes happened, and were seen at work. */
static bool change_under_load(int seen_last)
{
	for (int i = 0; i < CHANGES; i++) {
		long long before = live_counted(seen_last);
		_cleanup_run_ struct run r = {};

		if (!wait_until(live_counted(seen_last) > before + FRAMES_BETWEEN, DEADLINE_MS))
			return false;
		if (i % 2 ? braid(&r, "rollback", "edge")
			  : braid(&r, "apply", manifest(AS_TAILS))) {
			diag("%s%s", r.out, r.err);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	const char *const stages[] = {"m1", "m2", "m3"};
	_cleanup_json_ json_t *status = NULL;
	int counts[3];
	long long sent;

	live_init(argc, argv);
	must_braid("apply", manifest(AS_TAILS));
	must_braid("apply", manifest(AS_FUSED));
	for (int i = 0; i < 3; i++)
		counts[i] = live_open_count(stages[i]);
	live_flood_start();
	ok(change_under_load(counts[2]), "%d changes while frames flow", CHANGES);
	sent = live_flood_end();
	status = braid_json("status", "edge");
	is_int(json_number(status, "pipelines/0/revision"), 2 + CHANGES, "each was a revision");
	ok(sent > CHANGES * FRAMES_BETWEEN, "%lld frames were sent", sent);
	for (int i = 0; i < 3; i++) {
		wait_until(live_counted(counts[i]) >= sent, DEADLINE_MS);
		is_int(live_counted(counts[i]), sent, "stage %s saw each of them once", stages[i]);
		close(counts[i]);
	}
	must_braid("delete", "edge");
	return done();
}
