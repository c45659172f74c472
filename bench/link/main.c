// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-link: what it takes until a pipeline runs, and how large it is: the example
 * pipeline, and 64 counters.
 */
#include "common/sandbox.h"
#include "common/stats.h"
#include "link/measure.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

static const char about[] = "bench-link: time and size of linking, loading and applying pipelines";

static const char *const strategies[] = {"fused", "tailcall"};

static struct summary summary_of(const struct sample *samples, unsigned int n,
				 unsigned int quantity)
{
	double *values = calloc(n, sizeof(*values));
	struct summary s;

	if (!values)
		err(1, "%u values", n);
	for (unsigned int i = 0; i < n; i++)
		values[i] = samples[i].of[quantity];
	s = summarize(values, n);
	free(values);
	return s;
}

static void report(const char *name, const char *strategy, const struct sample *samples,
		   const struct options *options)
{
	for (unsigned int q = 0; q < QUANTITIES; q++) {
		struct row row = {"link", name, strategy, quantity_units[q],
				  summary_of(samples, options->rounds, q)};
		const struct summary *s = &row.summary;

		if (options->json)
			row_print_json(&row);
		else
			printf("%-10s  %-8s  %-14s %10.0f %10.0f %10.0f\n", name, strategy,
			       row.unit, s->min, s->median, s->p90);
	}
	fflush(stdout);
}

static void bench(struct braid *braid, const struct subject_kind *kind,
		  const struct options *options)
{
	enum { N = sizeof(strategies) / sizeof(*strategies) };
	struct sample *samples[N];
	struct subject subjects[N];

	for (unsigned int i = 0; i < N; i++) {
		samples[i] = calloc(options->rounds, sizeof(**samples));
		if (!samples[i])
			err(1, "%u samples", options->rounds);
		kind->open(strategies[i], &subjects[i]);
	}
	for (unsigned int round = 0; round < options->rounds; round++)
		for (unsigned int i = 0; i < N; i++)
			measure(braid, &subjects[i], &samples[i][round]);
	for (unsigned int i = 0; i < N; i++) {
		report(kind->name, strategies[i], samples[i], options);
		subject_close(&subjects[i]);
		free(samples[i]);
	}
}

int main(int argc, char **argv)
{
	struct options options;
	struct braid *braid;

	options_parse(argc, argv, about, 21, 1, &options);
	pin_cpu(0);
	measure_init();
	braid = sandbox_braid();
	if (!options.json)
		printf("case        variant   unit                  min     median        p90\n");
	for (unsigned int i = 0; i < subject_kinds_n; i++)
		if (options_want(&options, subject_kinds[i].name))
			bench(braid, &subject_kinds[i], &options);
	braid_close(braid);
	options_check(&options);
	return 0;
}
