/* SPDX-License-Identifier: GPL-2.0-only */
/* What an observer of a running pipeline is told of real packets. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <string.h>

#include "live_observe.h"
#include "wait.h"

enum { ARRIVES_MS = 60000 };

static const char *const verdicts[] = {"drop"};
static const char *const before[] = {"m2"};

/* The type of a frame is that of the tests. */
static const struct braid_filter of_type[] = {
	{BPF_LD | BPF_H | BPF_ABS, 0, 0, 12},
	{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, FRAME_TYPE},
	{BPF_RET | BPF_K, 0, 0, 65535},
	{BPF_RET | BPF_K, 0, 0, 0},
};

struct story {
	struct braid_observer *o;
	char text[512];
	size_t n, packets;
	unsigned long long last;
	int strange; /* events that no frame of ours can have */
};

/* "m1:pass(1) m2:pass(2)!": stage, verdict, signatures; '!' where it leaves. */
static int tell(void *ctx, const struct braid_event *e)
{
	struct story *s = ctx;
	const char *verdict = braid_verdict_name("xdp", e->verdict) ?: "?";
	const unsigned char *bytes = e->bytes;
	bool is_before = e->point != BRAID_EVENT_ENTRY && e->point & BRAID_EVENT_BEFORE;
	const char *stage = braid_observer_stage(s->o, e->point & ~BRAID_EVENT_BEFORE);

	s->strange += e->length != FRAME_SIZE || e->captured != 64 || e->head || !e->time_ns;
	s->packets += e->packet != s->last;
	s->last = e->packet;
	if (e->point == BRAID_EVENT_ENTRY)
		s->n += snprintf(s->text + s->n, sizeof(s->text) - s->n, "%sentry(%d)",
				 s->n ? " " : "", bytes[FRAME_SIGNED]);
	else
		s->n += snprintf(s->text + s->n, sizeof(s->text) - s->n, "%s%s%s%s(%d)%s",
				 s->n ? " " : "", is_before ? ">" : "", stage ?: "?",
				 is_before ? "" : live_text(":%s", verdict), bytes[FRAME_SIGNED],
				 e->leaves ? "!" : "");
	return 0;
}

static bool has_come(struct story *s, size_t n)
{
	if (braid_observer_read(s->o, tell, s, NULL))
		bail_out("reading events");
	return s->n >= n;
}

static void is_told(const struct braid_observe_opts *opts, int ask, int verdict, const char *want,
		    const char *what)
{
	struct braid *b = observe_braid("test");
	struct braid_observe_opts o = *opts;
	struct story s = {};

	o.sz = sizeof(o);
	o.what = BRAID_OBSERVE_EVENTS;
	o.snap = 64;
	o.filter = of_type;
	o.n_filter = sizeof(of_type) / sizeof(*of_type);
	if (braid_observer_open(b, "edge", &o, &s.o, NULL))
		bail_out("looking");
	live_trip_asking(0, ask, verdict);
	wait_until(has_come(&s, strlen(want)), ARRIVES_MS);
	is_str(s.text, want, "%s", what);
	is_int(s.packets, 1, "%s: one packet, the one that the filter wants", what);
	is_int(s.strange, 0, "%s: with its lengths and times", what);
	observe_close(s.o);
	braid_close(b);
}

static void test_events(const char *more)
{
	const struct braid_observe_opts all = {};
	const struct braid_observe_opts drops = {.verdicts = verdicts, .n_verdicts = 1};
	const struct braid_observe_opts in_front = {.before = before, .n_before = 1};
	const struct braid_observe_opts only_behind = {.only = 1, .behind = before, .n_behind = 1};
	const struct braid_observe_opts only_in_front = {
		.only = 1, .before = before, .n_before = 1};

	must_braid("apply",
		   live_manifest("edge.yaml", live_text(ON_R0 "%s", more), live_marks("1,2,3")));
	is_told(&all, 0, 0, "entry(0) m1:pass(1) m2:pass(2) m3:pass(3)!", "all seams");
	is_told(&all, 2, XDP_DROP, "entry(0) m1:pass(1) m2:drop(2)!", "a drop");
	is_told(&drops, 2, XDP_DROP, "m2:drop(2)!", "drops only");
	is_told(&in_front, 0, 0, "entry(0) m1:pass(1) >m2(1) m2:pass(2) m3:pass(3)!",
		"in front of a stage");
	is_told(&only_behind, 0, 0, "m2:pass(2)", "only behind a stage");
	is_told(&only_behind, 2, XDP_DROP, "m2:drop(2)!", "only behind a stage, a drop");
	is_told(&only_in_front, 0, 0, ">m2(1)", "only in front of a stage");
}

static void test_times(void)
{
	struct braid *b = observe_braid("test");
	const struct braid_observe_opts opts = {.sz = sizeof(opts), .what = BRAID_OBSERVE_TIMES};
	struct braid_times stage = {}, whole = {}, clock = {};
	struct braid_observer *o;
	uint64_t sum = 0;

	if (braid_observer_open(b, "edge", &opts, &o, NULL))
		bail_out("looking");
	is_int(braid_observer_fd(o), -1, "who wants times only has no events");
	is_str(live_trip(0), "123", "frames go on");
	is_int(braid_observer_times(o, 0, &stage, NULL), 0, "times of a stage");
	is_int(braid_observer_times(o, BRAID_TIMES_WHOLE, &whole, NULL), 0, "of the pipeline");
	is_int(braid_observer_times(o, BRAID_TIMES_CLOCK, &clock, NULL), 0, "of the clock");
	is_int(braid_observer_times(o, 99, &clock, NULL), -EINVAL, "there is no stage 99");
	is_int(stage.n, 2, "two frames: with the one behind it");
	is_int(whole.n, 2, "in the whole, too");
	for (int i = 0; i < BRAID_TIMES_BUCKETS; i++)
		sum += stage.buckets[i];
	is_int(sum, 2, "each is in a bucket");
	ok(braid_times_percentile(&stage, 100) >= braid_times_percentile(&stage, 50),
	   "percentiles grow");
	observe_close(o);
	braid_close(b);
}

static void test_refused(void)
{
	static const char *const nobody[] = {"m4"}, *const none[] = {"dorp"};
	const struct braid_observe_opts some_times = {
		.sz = sizeof(some_times), .what = BRAID_OBSERVE_TIMES, .only = 1};
	const struct braid_observe_opts nothing = {.sz = sizeof(nothing)};
	const struct braid_observe_opts stage = {
		.sz = sizeof(stage), .what = BRAID_OBSERVE_EVENTS, .before = nobody, .n_before = 1};
	const struct braid_observe_opts verdict = {.sz = sizeof(verdict),
						   .what = BRAID_OBSERVE_EVENTS,
						   .verdicts = none,
						   .n_verdicts = 1};
	const struct braid_filter endless = {.code = BPF_LD | BPF_IMM};
	const struct braid_observe_opts filter = {.sz = sizeof(filter),
						  .what = BRAID_OBSERVE_EVENTS,
						  .filter = &endless,
						  .n_filter = 1};
	_cleanup_observed_run_ struct observed_run base = {}, now = {};
	struct braid *b = observe_braid("test");
	struct braid_observer *o;

	observed_run_read(&base);
	is_int(braid_observer_open(b, "edge", &nothing, &o, NULL), -EINVAL, "it wants nothing");
	is_int(braid_observer_open(b, "edge", &some_times, &o, NULL), -EINVAL, "times of some");
	is_int(braid_observer_open(b, "edge", &stage, &o, NULL), -EINVAL, "an unknown stage");
	is_int(braid_observer_open(b, "edge", &verdict, &o, NULL), -EINVAL, "an unknown verdict");
	is_int(braid_observer_open(b, "edge", &filter, &o, NULL), -EINVAL,
	       "a filter without an end");
	is_int(braid_observer_open(b, "egde", &filter, &o, NULL), -ENOENT, "an unknown pipeline");
	observed_run_read(&now);
	ok(observed_run_is(&base, &now), "and nothing has changed");
	is_str(observe_state(), "", "nobody looks");
	braid_close(b);
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_events(AS_FUSED);
	test_events(AS_TAILS);
	test_times();
	test_refused();
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "nothing is left");
	return done();
}
