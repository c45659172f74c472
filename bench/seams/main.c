// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-seams: what a packet pays for each thing that can stand at a seam.
 *
 * In every round each variant of a case is applied anew and run once, in turns: see
 * bench-chain, which says why.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/sandbox.h"
#include "common/stats.h"
#include "seams/measure.h"

static const char about[] =
	"bench-seams: nanoseconds per packet for signals, configuration, switch, rollout, state";

/* One value per round: CPU time, and the same run by the kernel's account. */
struct series {
	unsigned int programs, insns; /* the same in each round */
	double *ns, *kernel_ns;
};

static void series_init(struct series *series, unsigned int rounds)
{
	*series = (struct series){
		.ns = calloc(rounds, sizeof(double)),
		.kernel_ns = calloc(rounds, sizeof(double)),
	};
	if (!series->ns || !series->kernel_ns)
		err(1, "series of %u", rounds);
}

static void series_done(struct series *series)
{
	free(series->ns);
	free(series->kernel_ns);
}

static void row_out(struct row *row, const char *unit, const char *base, struct summary summary)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%s", unit, base);
	row->unit = text;
	row->summary = summary;
	row_print_json(row);
}

static void comparison_out(struct row *row, const char *base, const double *of, const double *with,
			   unsigned int rounds)
{
	row_out(row, "ns_over_", base, summarize_pairs(of, with, rounds, difference_of));
	row_out(row, "ratio_", base, summarize_pairs(of, with, rounds, ratio_of));
}

static void report_json(const struct bench_case *c, const struct series *all, unsigned int rounds)
{
	for (unsigned int i = 0; i < c->n; i++) {
		struct row row = {"seams", c->name, c->variants[i].name};
		unsigned int bases[] = {0, c->second};

		row_out(&row, "programs", "", summarize(&(double){all[i].programs}, 1));
		row_out(&row, "insns", "", summarize(&(double){all[i].insns}, 1));
		row_out(&row, "ns", "", summarize(all[i].ns, rounds));
		row_out(&row, "ns_kernel", "", summarize(all[i].kernel_ns, rounds));
		for (unsigned int k = 0; k < 1 + !!c->second; k++)
			if (i > bases[k])
				comparison_out(&row, c->variants[bases[k]].name, all[i].ns,
					       all[bases[k]].ns, rounds);
	}
}

static void comparison_print(const double *of, const double *with, unsigned int rounds)
{
	struct summary ns = summarize_pairs(of, with, rounds, difference_of);
	struct summary ratio = summarize_pairs(of, with, rounds, ratio_of);

	printf("  %7.2f (%6.2f-%6.2f)  %5.2f (%4.2f-%5.2f)", ns.median, ns.p10, ns.p90,
	       ratio.median, ratio.p10, ratio.p90);
}

static void report_table(const struct bench_case *c, const struct series *all, unsigned int rounds)
{
	printf("\n%s: %s; %u rounds, ns per packet\n"
	       "%-14s progs insns     min  median     p90  kernel",
	       c->name, c->text, rounds, "variant");
	printf("  %7s %s (p10-p90), ratio", "over", c->variants[0].name);
	if (c->second)
		printf("; the same over %s", c->variants[c->second].name);
	printf("\n");
	for (unsigned int i = 0; i < c->n; i++) {
		struct summary raw = summarize(all[i].ns, rounds);

		printf("%-14s %5u %5u %7.2f %7.2f %7.2f %7.0f", c->variants[i].name,
		       all[i].programs, all[i].insns, raw.min, raw.median, raw.p90,
		       summarize(all[i].kernel_ns, rounds).median);
		if (i)
			comparison_print(all[i].ns, all[0].ns, rounds);
		if (c->second && i > c->second)
			comparison_print(all[i].ns, all[c->second].ns, rounds);
		printf("\n");
	}
}

static void case_bench(struct braid *b, const struct bench_case *c, const struct options *options)
{
	unsigned int runs = options->quick ? 20000 : 200000;
	struct series *all = calloc(c->n, sizeof(*all));

	if (!all)
		err(1, "series");
	for (unsigned int i = 0; i < c->n; i++)
		series_init(&all[i], options->rounds);

	for (unsigned int round = 0; round < options->rounds; round++)
		for (unsigned int turn = 0; turn < c->n; turn++) {
			/* Nobody is always first. */
			unsigned int i = (round + turn) % c->n;
			struct measurement m;

			measure(b, &c->variants[i], runs, &m);
			all[i].programs = m.programs;
			all[i].insns = m.insns;
			all[i].ns[round] = m.ns;
			all[i].kernel_ns[round] = m.kernel_ns;
		}

	(options->json ? report_json : report_table)(c, all, options->rounds);
	fflush(stdout);
	for (unsigned int i = 0; i < c->n; i++)
		series_done(&all[i]);
	free(all);
}

int main(int argc, char **argv)
{
	struct options options;
	struct braid *b;

	options_parse(argc, argv, about, 31, 1, &options);
	pin_cpu(0);
	sandbox_enter();
	measure_init();
	b = sandbox_braid();
	for (unsigned int i = 0; i < cases_n; i++)
		if (options_want(&options, cases[i].name))
			case_bench(b, &cases[i], &options);
	options_check(&options);
	braid_close(b);
	return 0;
}
