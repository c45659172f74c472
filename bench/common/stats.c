// SPDX-License-Identifier: GPL-2.0-only
#include "common/stats.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(const double *sorted, unsigned int n, double q)
{
	double at = q * (n - 1);
	unsigned int below = at;

	if (below + 1 >= n)
		return sorted[n - 1];
	return sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
}

/* Takes ownership of @v. */
static struct summary summarize_take(double *v, unsigned int n)
{
	struct summary s = {.runs = n};

	qsort(v, n, sizeof(*v), compare);
	s.min = v[0];
	s.p10 = quantile(v, n, 0.1);
	s.median = quantile(v, n, 0.5);
	s.p90 = quantile(v, n, 0.9);
	free(v);
	return s;
}

static double *series_new(unsigned int n)
{
	double *v = calloc(n, sizeof(*v));

	if (!v)
		err(1, "series of %u", n);
	return v;
}

struct summary summarize(const double *v, unsigned int n)
{
	double *copy = series_new(n);

	memcpy(copy, v, n * sizeof(*v));
	return summarize_take(copy, n);
}

struct summary summarize_pairs(const double *a, const double *b, unsigned int n,
			       double (*of)(double a, double b))
{
	double *pairs = series_new(n);

	for (unsigned int i = 0; i < n; i++)
		pairs[i] = of(a[i], b[i]);
	return summarize_take(pairs, n);
}

double ratio_of(double a, double b)
{
	return a / b;
}

double difference_of(double a, double b)
{
	return a - b;
}

void row_print_json(const struct row *row)
{
	const struct summary *s = &row->summary;

	printf("{\"bench\": \"%s\", \"case\": \"%s\", \"variant\": \"%s\", \"unit\": \"%s\", "
	       "\"min\": %.10g, \"p10\": %.10g, \"median\": %.10g, \"p90\": %.10g, \"runs\": %u}\n",
	       row->bench, row->name, row->variant, row->unit, s->min, s->p10, s->median, s->p90,
	       s->runs);
}
