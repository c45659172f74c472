// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-update: one stage of ten is exchanged under load. When is the new one at work, when
 * is all done, and is a frame lost, or counted twice, meanwhile?
 *
 * As in bench-replace, updates are spread over the frames, so that all happen under load.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/net.h"
#include "common/stats.h"
#include "common/traffic.h"
#include "update/ways.h"

static const char about[] =
	"bench-update: one stage of ten exchanged under load; N updates in each case, or a tenth\n"
	"of the default where 100,000 records move: give --rounds 200 for as many there";

/* Stages with the same maps, and stages whose records must be migrated. */
static const struct kind *const kinds[] = {&kind_carry, &kind_migrate};
static const char *const strategies[] = {"fused", "tailcall"};

struct plan {
	uint64_t frames;
	unsigned int updates;
};

/* Counts are exact as doubles. */
struct result {
	double sent, received, lost, extra, records_lost, mpps, slots;
	double *first_us, *return_us; /* since the update began; one for each */
};

/* What is waited for: frames of one version, or of all. */
struct counting {
	const struct subject *subject;
	int version; /* -1: all */
};

static uint64_t count(void *self)
{
	const struct counting *c = self;
	uint64_t n = 0;

	for (int v = 0; v < VERSIONS; v++)
		if (c->version < 0 || c->version == v)
			n += counter_read(c->subject->count, v);
	return n;
}

static bool counted(const struct subject *s, int version, uint64_t want)
{
	return traffic_wait(count, &(struct counting){s, version}, want);
}

static void update_once(const struct subject *s, const struct way *way, unsigned int i,
			struct result *ret)
{
	unsigned int version = (i + 1) % s->kind->versions;
	uint64_t before = counter_read(s->count, version), start;

	subject_forget(s, version);
	start = now_ns();
	ret->slots += way->update(s, version);
	ret->return_us[i] = (now_ns() - start) / 1e3;
	if (!counted(s, version, before + 1))
		errx(1, "%s: update %u has no effect", way->name, i);
	ret->first_us[i] = (subject_first(s, version) - start) / 1e3;
}

static void update_under_load(const struct subject *s, const struct way *way,
			      const struct plan *plan, struct result *ret)
{
	for (unsigned int i = 0; i < plan->updates; i++) {
		if (!counted(s, -1, plan->frames / (plan->updates + 1) * (i + 1)))
			errx(1, "%s: no frames any more at update %u", way->name, i);
		update_once(s, way, i, ret);
	}
}

static void run(const struct kind *kind, const char *strategy, const struct way *way,
		const struct plan *plan, struct result *ret)
{
	struct traffic *traffic;
	struct subject subject;
	struct counts counts;
	struct net net;
	uint64_t sent;
	double seconds;

	net_open(&net);
	subject_open(kind, strategy, &subject);
	traffic = traffic_start(&net, plan->frames);
	update_under_load(&subject, way, plan, ret);
	traffic_finish(traffic, &sent, &seconds);

	counted(&subject, -1, sent); /* what is still on its way; too few is seen below */
	counts = subject_counts(&subject);
	if (kind->has_records)
		ret->records_lost = subject_records_lost(&subject, plan->updates % kind->versions,
							 sent);
	subject_close(&subject);
	net_close(&net);

	ret->sent = sent;
	ret->received = counts.fewest;
	ret->lost = (double)sent - (double)counts.fewest;
	ret->extra = (double)counts.most - (double)sent;
	ret->mpps = sent / seconds / 1e6;
}

static void report_json(const char *name, const struct kind *kind, const struct way *way,
			const struct plan *plan, const struct result *r)
{
	struct row row = {"update", name, way->name};
	const struct {
		const char *unit;
		const double *v;
		unsigned int n;
	} rows[] = {
		{"frames_sent", &r->sent, 1},
		{"frames_received", &r->received, 1},
		{"frames_lost", &r->lost, 1},
		{"frames_extra", &r->extra, 1},
		{"slots_replaced", &r->slots, 1},
		{"Mpps", &r->mpps, 1},
		{"first_us", r->first_us, plan->updates},
		{"return_us", r->return_us, plan->updates},
		{"records_lost", &r->records_lost, kind->has_records},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].n) {
			row.unit = rows[i].unit;
			row.summary = summarize(rows[i].v, rows[i].n);
			row_print_json(&row);
		}
}

static void report_table(const char *name, const struct kind *kind, const struct way *way,
			 const struct plan *plan, const struct result *r)
{
	struct summary first = summarize(r->first_us, plan->updates);
	struct summary done = summarize(r->return_us, plan->updates);

	printf("%-16s %-7s %10.0f %10.0f %6.0f %6.0f ", name, way->name, r->sent, r->received,
	       r->lost, r->extra);
	if (kind->has_records)
		printf("%7.0f", r->records_lost);
	else
		printf("%7s", "-");
	printf(" %7u %5.0f %6.2f %8.0f %8.0f %8.0f  %8.0f %8.0f %8.0f\n", plan->updates, r->slots,
	       r->mpps, first.min, first.median, first.p90, done.min, done.median, done.p90);
}

static double *values_new(size_t n)
{
	double *v = calloc(n, sizeof(*v));

	if (!v)
		err(1, "%zu values", n);
	return v;
}

/* Return: whether every frame was accounted for, once. */
static bool way_bench(const char *name, const struct kind *kind, const char *strategy,
		      const struct way *way, const struct plan *plan, bool json)
{
	struct result r = {
		.first_us = values_new(plan->updates),
		.return_us = values_new(plan->updates),
	};

	run(kind, strategy, way, plan, &r);
	(json ? report_json : report_table)(name, kind, way, plan, &r);
	fflush(stdout);
	free(r.first_us);
	free(r.return_us);
	return r.lost == 0 && r.extra == 0 && r.records_lost == 0;
}

/* Records take long to migrate. */
static unsigned int updates_of(const struct kind *kind, const struct options *options)
{
	if (options->rounds_given || !kind->has_records)
		return options->rounds;
	return options->quick ? 2 : options->rounds / 10;
}

int main(int argc, char **argv)
{
	struct options options;
	struct plan plan;
	bool exact = true;

	options_parse(argc, argv, about, 200, 6, &options);
	plan.frames = options.quick ? 1000000 : 10000000;

	pin_cpu(0);
	sandbox_enter();
	subjects_init();
	if (!options.json)
		printf("%-24s       sent   received   lost  extra records updates slots   Mpps"
		       "  first us: min  median   p90  return us: min median    p90\n",
		       "case             way");
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
		for (size_t i = 0; i < sizeof(strategies) / sizeof(*strategies); i++) {
			char name[32];

			plan.updates = updates_of(kinds[k], &options);
			snprintf(name, sizeof(name), "%s/%s", kinds[k]->name, strategies[i]);
			for (size_t w = 0; w < ways_n && options_want(&options, name); w++)
				exact &= way_bench(name, kinds[k], strategies[i], &ways[w], &plan,
						   options.json);
		}
	options_check(&options);
	if (!exact)
		errx(1, "frames were lost, or counted twice");
	return 0;
}
