// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-chain: what a packet pays for going through a chain of programs.
 *
 * In every round each variant is loaded anew and run once, in turns. Loading
 * anew matters: the kernel chooses at random where the machine code lies, and a
 * lucky or unlucky place would otherwise pass for a property of the variant.
 */
#include "chain/lengths.h"
#include "chain/measure.h"
#include "chain/variants.h"
#include "common/stats.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

static const char about[] =
	"bench-chain: nanoseconds per packet through chains of 1 to 64 BPF programs";

static const struct {
	const char *name, *text;
} kinds[] = {
	{"bounds", "one bounds check per stage"},
	{"counter", "per stage: parse Ethernet and IPv4, count in a per-CPU map"},
};

/* clang-format off */
#define LENGTH(n) n,
/* clang-format on */
static const unsigned int lengths[] = {CHAIN_LENGTHS(LENGTH)};

#define CASE_NAME_SIZE 32

/* One value per round: CPU time, and the same run by the kernel's account. */
struct series {
	struct image image;
	unsigned int programs; /* the same in each round */
	double *ns, *kernel_ns;
};

static void series_init(struct series *series, const struct variant *variant,
			const struct chain *chain, unsigned int rounds)
{
	*series = (struct series){
		.ns = calloc(rounds, sizeof(double)),
		.kernel_ns = calloc(rounds, sizeof(double)),
	};
	if (!series->ns || !series->kernel_ns)
		err(1, "series of %u", rounds);
	variant->make(variant, chain, &series->image);
}

static void series_done(struct series *series)
{
	free(series->image.owned);
	free(series->ns);
	free(series->kernel_ns);
}

/* "counter/10" */
static const char *case_name(const struct chain *chain, char name[CASE_NAME_SIZE])
{
	snprintf(name, CASE_NAME_SIZE, "%s/%u", chain->kind, chain->length);
	return name;
}

/* A variant against another, divided by the number of seams; one stage has none. */
static struct summary per_seam(const struct chain *chain, const struct series *of,
			       const struct series *base, unsigned int rounds)
{
	struct summary s = summarize_pairs(of->ns, base->ns, rounds, difference_of);
	double seams = chain->length - 1;

	return (struct summary){s.min / seams, s.p10 / seams, s.median / seams, s.p90 / seams,
				s.runs};
}

static void row_out(struct row *row, const char *unit, struct summary summary)
{
	row->unit = unit;
	row->summary = summary;
	row_print_json(row);
}

static void report_json(const struct chain *chain, const struct series *all, unsigned int rounds)
{
	char name[CASE_NAME_SIZE];

	case_name(chain, name);
	for (unsigned int i = 0; i < variants_n; i++) {
		const double *ns = all[i].ns;
		struct row row = {"chain", name, variants[i].name};

		row_out(&row, "programs", summarize(&(double){all[i].programs}, 1));
		row_out(&row, "ns", summarize(ns, rounds));
		row_out(&row, "ns_kernel", summarize(all[i].kernel_ns, rounds));
		if (i == VARIANT_EMPTY)
			continue;
		row_out(&row, "ns_net",
			summarize_pairs(ns, all[VARIANT_EMPTY].ns, rounds, difference_of));
		row_out(&row, "ratio_floor",
			summarize_pairs(ns, all[VARIANT_FLOOR].ns, rounds, ratio_of));
		row_out(&row, "ratio_barrier",
			summarize_pairs(ns, all[VARIANT_BARRIER].ns, rounds, ratio_of));
		if (chain->length == 1)
			continue;
		row_out(&row, "ns_per_seam_floor",
			per_seam(chain, &all[i], &all[VARIANT_FLOOR], rounds));
		row_out(&row, "ns_per_seam_barrier",
			per_seam(chain, &all[i], &all[VARIANT_BARRIER], rounds));
	}
}

static void report_table(const struct chain *chain, const struct series *all, unsigned int rounds)
{
	for (unsigned int i = 0; i < variants_n; i++) {
		const double *ns = all[i].ns;
		struct summary raw = summarize(ns, rounds);
		struct summary kernel = summarize(all[i].kernel_ns, rounds);
		struct summary net, floor, barrier;

		printf("%6u  %-10s %5u %7.2f %7.2f %7.2f %7.0f", chain->length, variants[i].name,
		       all[i].programs, raw.min, raw.median, raw.p90, kernel.median);
		if (i == VARIANT_EMPTY) {
			printf("\n");
			continue;
		}
		net = summarize_pairs(ns, all[VARIANT_EMPTY].ns, rounds, difference_of);
		floor = summarize_pairs(ns, all[VARIANT_FLOOR].ns, rounds, ratio_of);
		barrier = summarize_pairs(ns, all[VARIANT_BARRIER].ns, rounds, ratio_of);
		printf(" %7.2f   %5.2f (%4.2f-%5.2f)   %5.2f (%4.2f-%5.2f)", net.median,
		       floor.median, floor.p10, floor.p90, barrier.median, barrier.p10,
		       barrier.p90);
		if (chain->length > 1)
			printf("  %8.2f %8.2f",
			       per_seam(chain, &all[i], &all[VARIANT_FLOOR], rounds).median,
			       per_seam(chain, &all[i], &all[VARIANT_BARRIER], rounds).median);
		printf("\n");
	}
}

/* What a reader of the figures would otherwise wonder about. */
static void report_notes(void)
{
	printf("\ntailcall: a packet may make 33 tail calls, so a program for each stage is "
	       "possible"
	       " up to 34 stages;\n          beyond, neighbours share one. functions: of 64 "
	       "counters"
	       " the last two share a map.\n");
}

static void chain_bench(const struct chain *chain, const struct options *options)
{
	unsigned int runs = options->quick ? 20000 : 200000;
	struct series *all = calloc(variants_n, sizeof(*all));

	if (!all)
		err(1, "series");
	for (unsigned int i = 0; i < variants_n; i++)
		series_init(&all[i], &variants[i], chain, options->rounds);

	for (unsigned int round = 0; round < options->rounds; round++)
		for (unsigned int turn = 0; turn < variants_n; turn++) {
			/* Nobody is always first. */
			unsigned int i = (round + turn) % variants_n;
			struct measurement m;

			measure(&all[i].image, runs, &m);
			if (i != VARIANT_EMPTY)
				measurement_check(&m, chain, variants[i].name);
			all[i].programs = m.programs;
			all[i].ns[round] = m.ns;
			all[i].kernel_ns[round] = m.kernel_ns;
		}

	(options->json ? report_json : report_table)(chain, all, options->rounds);
	fflush(stdout);
	for (unsigned int i = 0; i < variants_n; i++)
		series_done(&all[i]);
	free(all);
}

static void print_heading(unsigned int kind, unsigned int rounds)
{
	printf("\n%s: %s; %u rounds, ns per packet\n"
	       "stages  variant    progs     min  median     p90  kernel     net"
	       "   / floor (p10-p90)    / barrier (p10-p90)  per seam to floor, barrier\n",
	       kinds[kind].name, kinds[kind].text, rounds);
}

static void kind_bench(unsigned int kind, struct options *options)
{
	bool heading = options->json;

	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct chain chain = {kinds[kind].name, lengths[i]};
		char name[CASE_NAME_SIZE];

		if (!options_want(options, case_name(&chain, name)))
			continue;
		if (!heading)
			print_heading(kind, options->rounds);
		heading = true;
		chain_bench(&chain, options);
	}
}

int main(int argc, char **argv)
{
	struct options options;

	options_parse(argc, argv, about, 31, 3, &options);
	pin_cpu(0);
	measure_init();
	for (unsigned int kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++)
		kind_bench(kind, &options);
	options_check(&options);
	if (!options.json)
		report_notes();
	return 0;
}
