// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-replace: is a frame lost, or counted twice, while what runs on an
 * interface is replaced? And how long does a replacement take?
 *
 * Replacements are spread over the frames, not over the time: number i happens
 * once i / (n + 1) of the frames have arrived and the version before has been
 * seen at work, so that every one of them happens under load.
 */
#include "common/harness.h"
#include "common/net.h"
#include "common/sandbox.h"
#include "common/stats.h"
#include "common/traffic.h"
#include "replace/variants.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

static const char about[] =
	"bench-replace: frames lost while the program on an interface is replaced";

static const struct variant *const variants[] = {
	&variant_bare,
	&variant_fused,
	&variant_tailcall,
	&variant_observed_fused,
	&variant_observed_tailcall,
};

struct plan {
	uint64_t frames;
	unsigned int replacements;
	unsigned int rounds;
};

/*
 * One value per round; @update_us one per replacement. Counts are exact as doubles.
 * @lost: of the stage that counted the fewest frames; @extra: of that with the most.
 */
struct series {
	double *sent, *received, *lost, *extra, *mpps, *update_us;
};

struct run {
	const struct variant *variant;
	void *self;
};

static double *values_new(size_t n)
{
	double *v = calloc(n, sizeof(*v));

	if (!v)
		err(1, "%zu values", n);
	return v;
}

/* The frames that some versions have counted, all together. */
struct counting {
	const struct run *run;
	unsigned int versions; /* bits */
};

static uint64_t count_versions(void *self)
{
	const struct counting *c = self;
	uint64_t n = 0;

	for (unsigned int v = 0; v < 2; v++)
		if (c->versions & (1U << v))
			n += c->run->variant->count(c->run->self, v);
	return n;
}

/* Waits until one or both versions have counted @want; false: nothing came for a second. */
static bool counted(const struct run *run, unsigned int versions, uint64_t want)
{
	return traffic_wait(count_versions, &(struct counting){run, versions}, want);
}

#define BOTH 3U

static void replace_under_load(const struct run *run, const struct plan *plan, double *ret_us)
{
	for (unsigned int i = 0; i < plan->replacements; i++) {
		unsigned int version = (i + 1) % 2;
		uint64_t before, start;

		if (!counted(run, BOTH, plan->frames / (plan->replacements + 1) * (i + 1)))
			errx(1, "%s: no frames any more at replacement %u", run->variant->name, i);
		before = run->variant->count(run->self, version);
		start = now_ns();
		run->variant->replace(run->self, version);
		ret_us[i] = (now_ns() - start) / 1e3;
		if (!counted(run, 1U << version, before + 1))
			errx(1, "%s: replacement %u has no effect", run->variant->name, i);
	}
}

static void round_run(const struct variant *variant, const struct plan *plan, unsigned int round,
		      struct series *series)
{
	struct run run = {variant};
	struct traffic *traffic;
	struct net net;
	struct counts counts;
	uint64_t sent;
	double seconds;

	net_open(&net);
	run.self = variant->open(variant, net.sink_ifindex);
	traffic = traffic_start(&net, plan->frames);
	replace_under_load(&run, plan, series->update_us + round * plan->replacements);
	traffic_finish(traffic, &sent, &seconds);

	counted(&run, BOTH, sent); /* what is still on its way; too few is seen below */
	variant->count_stages(run.self, &counts);
	variant->close(run.self);
	net_close(&net);

	series->sent[round] = sent;
	series->received[round] = counts.fewest;
	series->lost[round] = (double)sent - (double)counts.fewest;
	series->extra[round] = (double)counts.most - (double)sent;
	series->mpps[round] = sent / seconds / 1e6;
}

/* Of those replacements that lead to @version. */
static struct summary summarize_way(const struct plan *plan, const struct series *s,
				    unsigned int version)
{
	size_t n = (size_t)plan->rounds * plan->replacements, k = 0;
	double *us = values_new(n);
	struct summary summary;

	for (size_t i = 0; i < n; i++)
		if ((i % plan->replacements + 1) % 2 == version)
			us[k++] = s->update_us[i];
	summary = summarize(us, k);
	free(us);
	return summary;
}

static void report_ways_json(const struct variant *variant, struct row *row,
			     const struct plan *plan, const struct series *s)
{
	char unit[64];

	for (unsigned int version = 0; version < 2 && variant->to[version]; version++) {
		snprintf(unit, sizeof(unit), "%s_us", variant->to[version]);
		row->unit = unit;
		row->summary = summarize_way(plan, s, version);
		row_print_json(row);
	}
}

static void report_json(const struct variant *variant, const struct plan *plan,
			const struct series *s)
{
	struct row row = {"replace", NULL, variant->name};
	char name[64];

	snprintf(name, sizeof(name), "%llu frames/%u replacements",
		 (unsigned long long)plan->frames, plan->replacements);
	row.name = name;
	const struct {
		const char *unit;
		const double *v;
		unsigned int n;
	} rows[] = {
		{"frames_sent", s->sent, plan->rounds},
		{"frames_received", s->received, plan->rounds},
		{"frames_lost", s->lost, plan->rounds},
		{"frames_extra", s->extra, plan->rounds},
		{"Mpps", s->mpps, plan->rounds},
		{"update_us", s->update_us, plan->rounds * plan->replacements},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		row.unit = rows[i].unit;
		row.summary = summarize(rows[i].v, rows[i].n);
		row_print_json(&row);
	}
	report_ways_json(variant, &row, plan, s);
}

static void report_table(const struct variant *variant, const struct plan *plan,
			 const struct series *s)
{
	for (unsigned int i = 0; i < plan->rounds; i++) {
		struct summary us = summarize(s->update_us + i * plan->replacements,
					      plan->replacements);

		printf("%-18s %10.0f %10.0f %6.0f %6.0f %9u %6.2f %9.1f %7.1f %7.1f\n",
		       variant->name, s->sent[i], s->received[i], s->lost[i], s->extra[i],
		       plan->replacements, s->mpps[i], us.min, us.median, us.p90);
	}
	for (unsigned int version = 2; version-- && variant->to[version];) {
		struct summary us = summarize_way(plan, s, version);

		printf("  %-16s %*s%9.1f %7.1f %7.1f\n", variant->to[version], 53, "", us.min,
		       us.median, us.p90);
	}
}

/* Return: whether every frame of every round was accounted for, once. */
static bool variant_bench(const struct variant *variant, const struct plan *plan, bool json)
{
	struct series s = {
		.sent = values_new(plan->rounds),
		.received = values_new(plan->rounds),
		.lost = values_new(plan->rounds),
		.extra = values_new(plan->rounds),
		.mpps = values_new(plan->rounds),
		.update_us = values_new((size_t)plan->rounds * plan->replacements),
	};
	bool exact = true;

	for (unsigned int i = 0; i < plan->rounds; i++) {
		round_run(variant, plan, i, &s);
		exact &= s.lost[i] == 0 && s.extra[i] == 0;
	}
	(json ? report_json : report_table)(variant, plan, &s);
	fflush(stdout);

	free(s.sent);
	free(s.received);
	free(s.lost);
	free(s.extra);
	free(s.mpps);
	free(s.update_us);
	return exact;
}

int main(int argc, char **argv)
{
	struct options options;
	struct plan plan;
	bool exact = true;

	options_parse(argc, argv, about, 3, 1, &options);
	plan.frames = options.quick ? 1000000 : 10000000;
	plan.replacements = options.quick ? 20 : 200;
	plan.rounds = options.rounds;

	pin_cpu(0);
	sandbox_enter();
	if (!options.json)
		printf("variant                  sent   received   lost  extra  replaced   Mpps"
		       "    update us: min  median     p90\n");
	for (size_t i = 0; i < sizeof(variants) / sizeof(*variants); i++)
		if (options_want(&options, variants[i]->name))
			exact &= variant_bench(variants[i], &plan, options.json);
	options_check(&options);
	if (!exact)
		errx(1, "frames were lost, or counted twice");
	return 0;
}
