/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What a packet costs in both pipelines, as they would run: measured in turns, in the same
 * moments, and the least that was seen counts. Repeated runs find the packet as the last one left
 * it, so packets that a pipeline writes into are run one by one, if there are no others.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "kernel/inplace.h"
#include "kernel/testrun.h"
#include "live/preflight.h"

#define ROUNDS  11 /* at most, for each packet */
#define PAIRS   48 /* of measurements, of all packets: for each the kernel waits for RCU twice */
#define REPEAT  5000
#define SINGLES 300

/* One by one: what the kernel says of the quickest, its look at the clock included. */
static int measure_singly(int program, struct testrun *t, double *ret, struct braid_error *err)
{
	struct testrun_result res;
	__u32 least = UINT32_MAX;

	for (int i = 0; i < SINGLES; i++) {
		int r = testrun_packet(program, t, &res, err);

		if (r)
			return r;
		if (res.nanoseconds < least)
			least = res.nanoseconds;
	}
	*ret = least;
	return 0;
}

static int measure(const struct side *side, const struct sample *s, double *ret,
		   struct braid_error *err)
{
	int program = loaded_program(side->base.loaded, 0), r;
	struct testrun t = {.packet = s->bytes, .size = s->size};
	struct testrun_result res;
	__u64 start;

	if (s->changed)
		return measure_singly(program, &t, ret, err);
	t.repeat = REPEAT;
	do {
		braid_error_clear(err);
		start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		r = testrun_packet(program, &t, &res, err);
	} while (r == -EINTR);
	*ret = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - start) / REPEAT;
	return r;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* At least three: what is least of two says little. */
static int rounds_of(size_t packets)
{
	size_t rounds = PAIRS / packets;

	return rounds > ROUNDS ? ROUNDS : rounds < 3 ? 3 : rounds;
}

struct cost {
	double was, is; /* of all that were measured, the least of each */
	double ratios[SAMPLES * ROUNDS];
	size_t n, n_ratios;
};

static int measure_sample(struct braid_preflight *f, const struct sample *s, int rounds,
			  struct cost *c, struct braid_error *err)
{
	double least_was = 0, least_is = 0;

	for (int round = 0; round < rounds; round++) {
		double was, is;
		int r = measure(&f->was, s, &was, err) ?: measure(&f->is, s, &is, err);

		if (r)
			return r;
		if (!round || was < least_was)
			least_was = was;
		if (!round || is < least_is)
			least_is = is;
		if (was > 0)
			c->ratios[c->n_ratios++] = is / was;
	}
	c->was += least_was;
	c->is += least_is;
	c->n++;
	return 0;
}

static size_t count_unchanged(const struct braid_preflight *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_samples; i++)
		n += !f->samples[i].changed;
	return n;
}

static double at_percent(const struct cost *c, size_t percent)
{
	return c->n_ratios ? c->ratios[(c->n_ratios - 1) * percent / 100] : 0;
}

int preflight_cost(struct braid_preflight *f, json_t **ret, struct braid_error *err)
{
	_cleanup_cpu_guard_ struct cpu_guard guard = {};
	size_t unchanged = count_unchanged(f);
	struct cost c = {};
	int r = cpu_enter(f->cpu, &guard);

	*ret = NULL;
	if (r)
		return error_errno(err, r, NULL, "cannot stay on one CPU");
	for (size_t i = 0; i < f->n_samples && !r; i++)
		if (!f->samples[i].changed || !unchanged)
			r = measure_sample(f, &f->samples[i], rounds_of(unchanged ?: f->n_samples),
					   &c, err);
	if (r || !c.n || c.was <= 0)
		return r;
	qsort(c.ratios, c.n_ratios, sizeof(*c.ratios), compare_doubles);
	*ret = json_pack("{s:f, s:f, s:f, s:f, s:f, s:I, s:s}", "old-ns", c.was / c.n, "new-ns",
			 c.is / c.n, "ratio", c.is / c.was, "ratio-p10", at_percent(&c, 10),
			 "ratio-p90", at_percent(&c, 90), "packets", (json_int_t)c.n, "how",
			 unchanged ? "repeated" : "one by one");
	return *ret ? 0 : error_oom(err);
}
