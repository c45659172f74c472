// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-observe: how much slower is a pipeline while `braid trace` or `braid capture` looks at
 * it, and how many packets can be looked at before events are missed?
 *
 * The generator sends all the time, as fast as it can. In each round everybody looks in turn;
 * what arrives meanwhile is compared with what arrives while nobody looks, in the same round.
 */
#include "common/harness.h"
#include "common/net.h"
#include "common/sandbox.h"
#include "common/stats.h"
#include "common/status.h"
#include "common/traffic.h"
#include "observe/watcher.h"

#include <err.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char about[] =
	"bench-observe: what a pipeline loses in speed while somebody looks at its packets";

#define CAPTURE  "-w", SANDBOX "/watched.pcapng", "--ring", "2:64M"
#define COUNTERS 3

static const struct kind kinds[] = {
	{.name = "nobody"},
	{.name = "trace 1:1000", .command = "trace", .sample = 1000},
	{.name = "trace 1:100", .command = "trace", .sample = 100},
	{.name = "trace 1:10", .command = "trace", .sample = 10},
	{.name = "capture 1:1000", .command = "capture", .words = {CAPTURE}, .sample = 1000},
	{.name = "capture 1:100", .command = "capture", .words = {CAPTURE}, .sample = 100},
	{.name = "capture 1:30", .command = "capture", .words = {CAPTURE}, .sample = 30},
	{.name = "capture 1:10", .command = "capture", .words = {CAPTURE}, .sample = 10},
	{.name = "capture 1:3", .command = "capture", .words = {CAPTURE}, .sample = 3},
	{.name = "capture all", .command = "capture", .words = {CAPTURE}, .sample = 1},
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* One value per round. */
struct series {
	double *mpps, *looked_kpps, *missed;
};

struct bench {
	struct braid *braid;
	struct braid_pipeline *pipeline;
	int sink; /* its counter; an fd */
	uint64_t window_ns;
	struct series series[KINDS];
};

static void apply(struct bench *b, int ifindex)
{
	struct braid_apply_opts opts = {.sz = sizeof(opts)};
	struct braid_error error = BRAID_ERROR_INIT;
	char ifname[IF_NAMESIZE];
	json_t *status;

	if (!if_indextoname(ifindex, ifname))
		err(1, "interface %d", ifindex);
	b->pipeline = pipeline_open(WATCHED, "fused");
	pipeline_repeat(b->pipeline, "counter", EMBEDDED(counter), COUNTERS);
	pipeline_repeat(b->pipeline, "sink", EMBEDDED(sink), 1);
	braid_must(braid_pipeline_add_interface(b->pipeline, ifname, NULL, &error), &error, ifname);
	braid_must(braid_apply(b->braid, b->pipeline, &opts, NULL, &error), &error, "applying");
	status = status_read(b->braid, WATCHED);
	b->sink = status_map(status, "sink_0", "count");
	json_decref(status);
}

/* Frames per second that arrive, while nothing else happens. */
static double measure(const struct bench *b)
{
	const struct timespec pause = {.tv_sec = b->window_ns / 1000000000,
				       .tv_nsec = b->window_ns % 1000000000};
	uint64_t before = counter_read(b->sink, 0), begin = now_ns();

	nanosleep(&pause, NULL);
	return (counter_read(b->sink, 0) - before) * 1e9 / (now_ns() - begin);
}

static void measure_kind(struct bench *b, size_t k, unsigned int round)
{
	const struct kind *kind = &kinds[k];
	struct watched watched = {};
	struct watcher w;
	double pps;

	if (kind->command)
		watcher_start(&w, kind, b->braid);
	pps = measure(b);
	if (kind->command)
		watcher_end(&w, kind, &watched);
	if (pps == 0)
		errx(1, "%s: nothing arrives", kind->name);
	if (kind->command && !watched.looked_at)
		errx(1, "%s: it has seen nothing", kind->name);
	b->series[k].mpps[round] = pps / 1e6;
	b->series[k].looked_kpps[round] = kind->command ? pps / kind->sample / 1e3 : 0;
	b->series[k].missed[round] = watched.looked_at
					     ? 100.0 * watched.missed / (watched.looked_at * EVENTS)
					     : 0;
}

static void report_json(const struct bench *b, size_t k, unsigned int rounds)
{
	const struct series *s = &b->series[k];
	struct row row = {"observe", "4 stages", kinds[k].name};

	row.unit = "Mpps";
	row.summary = summarize(s->mpps, rounds);
	row_print_json(&row);
	row.unit = "ratio_nobody";
	row.summary = summarize_pairs(s->mpps, b->series[0].mpps, rounds, ratio_of);
	row_print_json(&row);
	row.unit = "looked_at_kpps";
	row.summary = summarize(s->looked_kpps, rounds);
	row_print_json(&row);
	row.unit = "missed_percent";
	row.summary = summarize(s->missed, rounds);
	row_print_json(&row);
}

static void report_line(const struct bench *b, size_t k, unsigned int rounds)
{
	const struct series *s = &b->series[k];
	struct summary mpps = summarize(s->mpps, rounds);
	struct summary looked = summarize(s->looked_kpps, rounds);
	struct summary missed = summarize(s->missed, rounds);
	struct summary ratio = summarize_pairs(s->mpps, b->series[0].mpps, rounds, ratio_of);

	printf("%-15s %6.2f %6.2f %6.2f     %4.2f (%4.2f-%5.2f) %10.1f %8.1f (%5.1f-%5.1f)\n",
	       kinds[k].name, mpps.min, mpps.median, mpps.p90, ratio.median, ratio.p10, ratio.p90,
	       looked.median, missed.median, missed.p10, missed.p90);
}

static double *values_new(size_t n)
{
	double *v = calloc(n, sizeof(*v));

	if (!v)
		err(1, "%zu values", n);
	return v;
}

int main(int argc, char **argv)
{
	struct bench b = {};
	struct braid_error error = BRAID_ERROR_INIT;
	struct options options;
	struct traffic *traffic;
	struct net net;
	uint64_t sent;
	double seconds;

	options_parse(argc, argv, about, 11, 1, &options);
	b.window_ns = options.quick ? 50000000 : 500000000;
	for (size_t k = 0; k < KINDS; k++)
		b.series[k] = (struct series){values_new(options.rounds),
					      values_new(options.rounds),
					      values_new(options.rounds)};
	pin_cpu(0); /* and so the commands: who reads is not where packets come in */
	sandbox_enter();
	net_open(&net);
	b.braid = sandbox_braid();
	apply(&b, net.sink_ifindex);
	traffic = traffic_start(&net, 0);
	for (unsigned int round = 0; round < options.rounds; round++)
		for (size_t k = 0; k < KINDS; k++)
			if (!k || options_want(&options, kinds[k].name))
				measure_kind(&b, k, round);
	traffic_finish(traffic, &sent, &seconds);
	options_check(&options);
	if (!options.json)
		printf("who looks        Mpps: min median p90    / nobody (p10-p90)   looked "
		       "at   events missed\n"
		       "                                                              kpps      "
		       "%% (p10-p90)\n");
	for (size_t k = 0; k < KINDS; k++)
		if (!k || options_want(&options, kinds[k].name))
			(options.json ? report_json : report_line)(&b, k, options.rounds);
	for (size_t k = 0; k < KINDS; k++) {
		free(b.series[k].mpps);
		free(b.series[k].looked_kpps);
		free(b.series[k].missed);
	}
	braid_must(braid_delete(b.braid, WATCHED, &error), &error, "deleting");
	braid_pipeline_free(b.pipeline);
	braid_close(b.braid);
	net_close(&net);
	return 0;
}
