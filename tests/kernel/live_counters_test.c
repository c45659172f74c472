/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a running pipeline counts: exactly the frames that were sent, by what became of them, on
 * all CPUs, and through changes of the pipeline under load.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "braid/live.h"
#include "live_common.h"
#include "live_flood.h"
#include "wait.h"

enum {
	FRAMES = 3 * 4096, /* that each revision has to see at least */
	TRIPS = 20,
	DEADLINE_MS = 20000,
	DROP = 1,
	TX = 3,
};

#define LAST "{name: m3, object: %s/live_mark.bpf.o, constants: {id: 3, verdict: 1}}"

/* Three stages; the last one drops what nobody has decided on. */
static const char *manifest(const char *keys, const char *second)
{
	return live_manifest("m.yaml", live_text(ON_R0_R1 "%s", keys),
			     live_text("%s, %s, " LAST, live_mark(1, ""), second, live_objects));
}

static json_t *counters(void)
{
	json_t *status = braid_json("status", "edge");
	json_t *c = json_incref(json_at(status, "pipelines/0/counters"));

	json_decref(status);
	return c;
}

static long long packets(const char *path)
{
	_cleanup_json_ json_t *c = counters();

	return json_number(c, live_text("%s/packets", path));
}

/* Frames that ask stages for verdicts: where each leaves is counted there. */
static void test_verdicts(const char *keys)
{
	_cleanup_json_ json_t *c = NULL;
	long long others;

	must_braid("apply", manifest(keys, live_mark(2, ", proceed-on: [pass, drop]")));
	for (int i = 0; i < 3; i++)
		live_trip_asking(0, 1, DROP);
	for (int i = 0; i < 4; i++)
		live_trip_asking(1, 2, DROP); /* goes on from there, and m3 drops it */
	for (int i = 0; i < 5; i++)
		live_trip_asking(0, 3, 2);
	live_trip_asking(0, 1, TX);
	c = counters();
	is_int(json_number(c, "stages/0/verdicts/drop/packets"), 3, "%s m1 dropped 3", keys);
	is_int(json_number(c, "stages/0/verdicts/drop/bytes"), 3 * FRAME_SIZE, "%s its bytes",
	       keys);
	is_int(json_number(c, "stages/0/verdicts/tx/packets"), 1, "%s … and sent one back", keys);
	ok(json_is_true(json_at(c, "stages/0/verdicts/drop/leaves")), "%s drop leaves m1", keys);
	is_int(json_number(c, "stages/1/verdicts/drop/packets"), 4, "%s m2 said drop to 4", keys);
	ok(json_is_false(json_at(c, "stages/1/verdicts/drop/leaves")),
	   "%s … and they went on all the same", keys);
	is_int(json_number(c, "stages/2/verdicts/drop/packets"), 4, "%s m3 dropped these", keys);
	/* beside those asked about each trip has a follower, and hosts say more */
	others = json_number(c, "stages/2/verdicts/pass/packets") - 5;
	ok(others >= 13, "%s m3 let %lld others pass", keys, others);
	is_int(json_number(c, "stages/1/packets"), 4 + 5 + others, "%s m2 met all but 4", keys);
	is_int(json_number(c, "entered/packets"), 3 + 1 + 4 + 5 + others, "%s all", keys);
	is_int(json_number(c, "left/drop/packets"), 3 + 4, "%s 7 left with drop", keys);
	is_int(json_number(c, "left/pass/packets"), 5 + others, "%s the rest with pass", keys);
	must_braid("delete", "edge");
}

static void test_signals(void)
{
	must_braid("apply", manifest(AS_FUSED, live_mark(2, "")));
	must_braid("signal", "edge", "pause", "--stage", "m2");
	live_trip_asking(0, 2, TX);
	live_trip_asking(0, 2, TX);
	is_int(packets("stages/1"), 0, "a paused stage meets none");
	ok(packets("stages/1/bypassed") >= 4, "they went past it");
	is_int(packets("stages/2"), packets("stages/0"), "and on");
	must_braid("signal", "edge", "resume", "--stage", "m2");
	must_braid("signal", "edge", "pause");
	live_trip(0);
	live_trip(0);
	ok(packets("entered") - packets("stages/0") >= 4,
	   "a closed pipeline counts what comes, and no stage does");
	is_int(packets("left/pass") + packets("left/drop"), packets("entered"), "and what leaves");
	must_braid("delete", "edge");
}

static void test_off(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *c = NULL;

	must_braid("apply", manifest(AS_FUSED, live_mark(2, "")));
	live_trip_asking(0, 1, TX);
	is_int(packets("left/tx"), 1, "it counts");
	is_int(braid(&r, "status", "edge"), 0, "status");
	ok(strstr(r.out, "tx "), "and says it to people");
	must_braid("apply", manifest(AS_FUSED "stats: off, ", live_mark(2, "")));
	live_trip_asking(0, 1, TX);
	c = counters();
	ok(!c, "stats: off");
	must_braid("apply", manifest(AS_FUSED, live_mark(2, "")));
	is_int(packets("left/tx"), 0, "behind a gap it counts from the beginning");
	must_braid("delete", "edge");
}

/* Somebody who reads all the time, as a scraper would, only faster. */
static struct {
	pthread_t thread;
	atomic_bool stop;
	long long reads, back, failed;
} reader;

static void *read_on(void *arg)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	const struct braid_opts opts = {.sz = sizeof(opts)};
	long long last = 0;
	struct braid *b;

	if (braid_open(&opts, &b, &err))
		bail_out("%s", err.what);
	while (!reader.stop) {
		_cleanup_free_ char *text = NULL;
		_cleanup_json_ json_t *j = NULL;
		long long now;

		if (braid_counters(b, "edge", NULL, &text, &err)) {
			diag("%s: %s", err.what, err.why ?: "");
			braid_error_clear(&err);
			reader.failed++;
			continue;
		}
		j = json_loads(text, 0, NULL);
		now = json_number(j, "left/drop/packets");
		reader.back += now < last;
		last = now;
		reader.reads++;
	}
	braid_close(b);
	return NULL;
}

static bool grows(void)
{
	long long before = live_flood_sent();

	return wait_until(live_flood_sent() > before + FRAMES, DEADLINE_MS);
}

/* Whole revisions, single slots, and back again. */
static void change_under_load(void)
{
	const char *const changes[][2] = {
		{AS_TAILS, live_mark(2, "")},
		{AS_TAILS, live_mark(2, ", proceed-on: [pass, drop, tx]")},
		{AS_FUSED, live_mark(2, "")},
		{AS_TAILS, live_mark(2, "")},
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		_cleanup_json_ json_t *report = NULL;

		ok(grows(), "frames flow");
		must_braid("apply", manifest(changes[i][0], changes[i][1]));
		ok(grows(), "frames flow");
		report = braid_json("update", "edge",
				    live_text("m2=%s/live_newer1.bpf.o", live_objects));
		ok(!strcmp(changes[i][0], AS_FUSED) == !json_at(report, "only"),
		   "of one program behind a tail call only that is exchanged");
	}
	ok(grows(), "frames flow");
}

static void test_load(void)
{
	_cleanup_json_ json_t *c = NULL;
	long long sent, first;

	must_braid("apply", manifest(AS_FUSED, live_mark(2, "")));
	c = counters();
	first = json_number(c, "revision");
	json_decref(c);
	reader.stop = false;
	if (pthread_create(&reader.thread, NULL, read_on, NULL))
		bail_out("a thread");
	live_flood_start();
	change_under_load();
	sent = live_flood_end();
	wait_until(packets("left/drop") >= sent, DEADLINE_MS);
	reader.stop = true;
	pthread_join(reader.thread, NULL);
	c = counters();
	is_int(json_number(c, "left/drop/packets"), sent, "all frames are counted, once");
	is_int(json_number(c, "left/drop/bytes"), sent * FRAME_SIZE, "with their bytes");
	is_int(json_number(c, "stages/2/verdicts/drop/packets"), sent, "where they left");
	ok(json_number(c, "stages/0/packets") >= sent, "and in front");
	is_int(json_number(c, "revision"), first + 8, "by nine revisions");
	ok(reader.reads > 20 && !reader.failed, "%lld reads meanwhile", reader.reads);
	is_int(reader.back, 0, "no number ever went back");
	must_braid("delete", "edge");
}

static void use_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bail_out("cannot choose a CPU");
}

/* Each CPU counts by itself: what they have counted is what all have. */
static void test_cpus(void)
{
	const struct braid_counters_opts each = {.sz = sizeof(each), .cpus = 1};
	const struct braid_opts opts = {.sz = sizeof(opts)};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *j = NULL;
	long long sent, sum = 0, busy = 0, asked = 0;
	struct braid *b;
	json_t *cpu;
	size_t i;

	must_braid("apply", manifest(AS_FUSED, live_mark(2, "")));
	use_cpu(0);
	live_flood_start(); /* its thread stays there */
	use_cpu(1);
	for (int k = 0; k < TRIPS; k++, asked++)
		live_trip_asking(1, 1, TX);
	ok(grows(), "frames on the one CPU, trips on the other");
	sent = live_flood_end();
	wait_until(packets("left/drop") >= sent, DEADLINE_MS);
	if (braid_open(&opts, &b, &err) || braid_counters(b, "edge", &each, &text, &err))
		bail_out("%s", err.what);
	braid_close(b);
	j = json_loads(text, 0, NULL);
	json_array_foreach (json_at(j, "cpus"), i, cpu) {
		sum += json_number(cpu, "stages/0/packets");
		busy += json_number(cpu, "stages/0/packets") > 0;
	}
	is_int(json_number(j, "left/drop/packets"), sent, "all frames of the flood");
	is_int(json_number(j, "left/tx/packets"), asked, "all trips");
	is_int(sum, json_number(j, "entered/packets"), "CPUs together");
	ok(busy > 1, "%lld CPUs", busy);
	must_braid("delete", "edge");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_verdicts(AS_FUSED);
	test_verdicts(AS_TAILS);
	test_signals();
	test_off();
	test_load();
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		test_cpus();
	else
		skip("there is one CPU");
	return done();
}
