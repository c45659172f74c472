/* SPDX-License-Identifier: GPL-2.0-only */
/* What is said of a series of measurements, and the line of JSON that says it. */
#pragma once

/* Quantiles are interpolated linearly between the two nearest values. */
struct summary {
	double min, p10, median, p90;
	unsigned int runs;
};

struct summary summarize(const double *v, unsigned int n);

/*
 * Compares two series measured in turns: @of is applied to the values of the
 * same round, and what it returns is summarized. On a machine with other work
 * this says more than the quotient of two medians, as both values of a pair met
 * the same disturbance.
 */
struct summary summarize_pairs(const double *a, const double *b, unsigned int n,
			       double (*of)(double a, double b));
double ratio_of(double a, double b);
double difference_of(double a, double b);

/* One row of --json. The strings go out as they are: no quotes or backslashes in them. */
struct row {
	const char *bench, *name, *variant, *unit;
	struct summary summary;
};

void row_print_json(const struct row *row);
