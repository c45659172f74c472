/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands of a rollout are killed in front of every system call that leaves a trace. Each
 * time frames go on, and the next command brings the rollout to one of its ends. The arguments
 * behind those of all live tests: the number of a scenario, since they may run side by side; and
 * `each`, as in live_scenario.h.
 */
#include <stdlib.h>
#include <string.h>

#include "live_killed.h"
#include "live_rollout.h"

enum { FRAMES = 256 };

struct scenario {
	const char *name;
	bool is_begun;           /* by another command, and at its first step */
	const char *command[10]; /* that is killed; NULL in [2]: which object */
	const char *next;        /* the verb behind it */
	const char *ends[2];     /* states that there may be then; "" is: none was ever begun */
};

static const struct scenario scenarios[] = {
	{
		.name = "a whole rollout",
		.command = {"rollout", "edge", NULL, "--steps", "50,100", "--every", "20ms"},
		.next = "continue",
		.ends = {"promoted", ""},
	},
	{
		.name = "abort",
		.is_begun = true,
		.command = {"rollout", "abort", "edge"},
		.next = "abort",
		.ends = {"aborted", "aborted"},
	},
	{
		.name = "promote",
		.is_begun = true,
		.command = {"rollout", "promote", "edge"},
		.next = "promote",
		.ends = {"promoted", "promoted"},
	},
};

/* At its first step, which lasts longer than the test. */
static void begin(void)
{
	struct braid_rollout_opts opts = {
		.sz = sizeof(opts), .steps = "50,100", .every_ns = 3600000000000};
	struct braid *b = NULL;
	uint64_t wait;

	if (braid_open(NULL, &b, NULL) ||
	    braid_rollout_start(b, "edge", "s", rollout_object(1), &opts, NULL, NULL) ||
	    braid_rollout_step(b, "edge", &wait, NULL, NULL))
		bail_out("a rollout cannot begin");
	braid_close(b);
}

static void prepare(const struct scenario *s)
{
	_cleanup_run_ struct run r = {};

	braid(&r, "delete", "edge");
	rollout_apply(AS_FUSED);
	if (s->is_begun)
		begin();
}

static bool is_one_version(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	return json_array_size(json_at(status, "pipelines/0/stages")) == 2 &&
	       !json_at(status, "pipelines/0/interrupted");
}

/* "" when it never began. */
static const char *state(void)
{
	_cleanup_run_ struct run r = {};
	const char *now;

	if (braid(&r, "rollout", "status", "edge"))
		return "";
	now = rollout_state();
	return strcmp(now, "ended") || rollout_step_number() ? now : "";
}

struct tally {
	int kills, lost, wrong_end, two_versions, pins;
};

static void look(const struct scenario *s, int nth, size_t pins, struct tally *t)
{
	_cleanup_run_ struct run r = {};
	const char *end;

	t->kills++;
	if (!rollout_send(FRAMES)) {
		t->lost++;
		diag("killed in front of call %d: frames are lost", nth);
	}
	braid(&r, "rollout", s->next, "edge"); /* fails when all was done */
	end = state();
	if (strcmp(end, s->ends[0]) && strcmp(end, s->ends[1])) {
		t->wrong_end++;
		diag("killed in front of call %d: then it is '%s': %s%s", nth, end, r.out, r.err);
	}
	if (!is_one_version()) {
		t->two_versions++;
		diag("killed in front of call %d: unsettled", nth);
	}
	if (live_pins() != pins) {
		t->pins++;
		diag("killed in front of call %d: %zu pins, not %zu", nth, live_pins(), pins);
	}
	t->lost += !rollout_send(FRAMES);
}

static void run_scenario(const struct scenario *s)
{
	const char *argv[12] = {live_braid};
	struct tally t = {};
	size_t pins;

	for (int i = 0; i < 7; i++)
		argv[1 + i] = s->command[i];
	rollout_apply(AS_FUSED);
	pins = live_pins();
	for (int nth = 0;; nth++) {
		prepare(s);
		if (!s->is_begun)
			argv[3] = live_text("s=%s", rollout_object(1));
		if (!live_killed_at(argv, nth))
			break;
		look(s, nth, pins, &t);
	}
	ok(t.kills > 10, "%s: killed at %d points", s->name, t.kills);
	is_int(t.lost, 0, "frames go on");
	is_int(t.wrong_end, 0, "the next command brings it to an end");
	is_int(t.two_versions, 0, "in which there is one version");
	is_int(t.pins, 0, "nothing is left in bpffs, nothing is missing");
}

int main(int argc, char **argv)
{
	size_t which = argc > 4 ? strtoul(argv[4], NULL, 10) : SIZE_MAX;

	if (which >= sizeof(scenarios) / sizeof(*scenarios))
		bail_out("which scenario? 0 to %zu", sizeof(scenarios) / sizeof(*scenarios) - 1);
	live_killed_at_each_write = argc > 5 && !strcmp(argv[5], "each");
	live_init(argc, argv);
	rollout_open_flood();
	run_scenario(&scenarios[which]);
	must_braid("delete", "edge");
	live_flood_end();
	is_int(live_pins(), 0, "nothing is left of all that");
	return done();
}
