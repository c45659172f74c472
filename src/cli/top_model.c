/* SPDX-License-Identifier: GPL-2.0-only */
/* Rates out of counters: what changed between two samples, over the time between them. */
#include <string.h>

#include "base/text.h"
#include "cli/names.h"
#include "cli/observe.h"
#include "cli/top.h"

const char *const top_sort_names[N_TOP_SORT] = {"order", "pps", "drops", "ns", "cpu"};

static void row_done(struct top_row *r)
{
	free(r->stage);
	array_foreach (v, &r->verdicts)
		free(v->name);
	array_done(&r->verdicts);
}

static void forget_rows(struct top_pipeline *p)
{
	array_foreach (r, &p->rows)
		row_done(r);
	array_done(&p->rows);
	p->samples = 0;
}

static void top_pipeline_done(struct top_pipeline *p)
{
	forget_rows(p);
	array_done(&p->cpus);
	free(p->name);
	free(p->hook);
	free(p->unread);
	free(p->note);
	free(p->last);
}

const char *top_note(const struct top_pipeline *p)
{
	return p->unread ?: p->note;
}

void top_done(struct top *t)
{
	array_foreach (p, &t->pipelines)
		top_pipeline_done(p);
	array_done(&t->pipelines);
}

struct top_pipeline *top_add(struct top *t, const char *name)
{
	struct top_pipeline *p = array_push(&t->pipelines);

	if (!p)
		return NULL;
	p->name = strdup(name);
	return p->name ? p : NULL;
}

/* Counters only grow; where they do not, they began anew. */
static double rate(long long now, long long before, double seconds)
{
	return now >= before && seconds > 0 ? (now - before) / seconds : 0;
}

static struct top_verdict *verdict_of(struct top_row *r, const char *name)
{
	struct top_verdict *v;

	array_foreach (each, &r->verdicts)
		if (text_eq(each->name, name))
			return each;
	v = array_push(&r->verdicts);
	if (v)
		v->name = strdup(name);
	return v && v->name ? v : NULL;
}

static void feed_verdicts(struct top_row *r, json_t *verdicts, double seconds)
{
	double left = 0, died = 0;
	const char *name;
	json_t *j;

	json_object_foreach (verdicts, name, j) {
		struct top_verdict *v = verdict_of(r, name);

		if (!v)
			continue;
		v->pps = rate(number(j, "packets"), v->packets, seconds);
		v->packets = number(j, "packets");
		v->leaves = json_is_true(json_object_get(j, "leaves"));
		left += v->leaves ? v->pps : 0;
		died += v->leaves && is_drop(name) ? v->pps : 0;
	}
	r->left = r->pps > 0 ? left / r->pps : 0;
	r->died = r->pps > 0 ? died / r->pps : 0;
}

static void feed_row(struct top_row *r, json_t *j, double seconds)
{
	r->pps = rate(number(j, "packets"), r->packets, seconds);
	r->bps = 8 * rate(number(j, "bytes"), r->bytes, seconds);
	r->packets = number(j, "packets");
	r->bytes = number(j, "bytes");
	r->bypassed = number(json_object_get(j, "bypassed"), "packets");
	feed_verdicts(r, json_object_get(j, "verdicts"), seconds);
	memmove(r->history, r->history + 1, sizeof(r->history) - sizeof(*r->history));
	r->history[TOP_HISTORY - 1] = seconds > 0 ? r->pps : 0;
	r->counted = true;
}

static bool same_stages(const struct top_pipeline *p, const json_t *stages)
{
	const json_t *j;
	size_t i;

	if (json_array_size(stages) != p->rows.n)
		return false;
	json_array_foreach (stages, i, j)
		if (!text_eq(p->rows.v[i].stage, member(j, "stage")))
			return false;
	return true;
}

static void make_rows(struct top_pipeline *p, const json_t *stages)
{
	const json_t *j;
	size_t i;

	forget_rows(p);
	json_array_foreach (stages, i, j) {
		struct top_row *r = array_push(&p->rows);

		if (r)
			r->stage = strdup(member(j, "stage"));
	}
}

static void feed_cpus(struct top_pipeline *p, const json_t *cpus, double seconds)
{
	const json_t *j;
	size_t i;

	if (json_array_size(cpus) != p->cpus.n) {
		array_done(&p->cpus);
		seconds = 0;
	}
	json_array_foreach (cpus, i, j) {
		struct top_cpu *c = i < p->cpus.n ? &p->cpus.v[i] : array_push(&p->cpus);
		long long packets = number(json_object_get(j, "entered"), "packets");

		if (!c)
			return;
		c->cpu = number(j, "cpu");
		c->pps = rate(packets, c->packets, seconds);
		c->packets = packets;
	}
}

/* Of all packets that came in, those that died somewhere. */
static double share_died(const struct top_pipeline *p)
{
	double died = 0;

	array_foreach (r, &p->rows)
		died += r->died * r->pps;
	return p->pps > 0 ? died / p->pps : 0;
}

void top_feed(struct top_pipeline *p, const json_t *counters, long long now_ns)
{
	const json_t *stages = json_object_get(counters, "stages"), *j;
	const json_t *entered = json_object_get(counters, "entered");
	double seconds = p->sampled_ns ? (now_ns - p->sampled_ns) / 1e9 : 0;
	size_t i;

	if (!same_stages(p, stages)) {
		make_rows(p, stages);
		seconds = 0;
	}
	free(p->hook);
	p->hook = strdup(member(counters, "hook"));
	p->revision = number(counters, "revision");
	p->pps = rate(number(entered, "packets"), p->packets, seconds);
	p->bps = 8 * rate(number(entered, "bytes"), p->bytes, seconds);
	p->packets = number(entered, "packets");
	p->bytes = number(entered, "bytes");
	json_array_foreach (stages, i, j)
		if (i < p->rows.n)
			feed_row(&p->rows.v[i], (json_t *)j, seconds);
	p->died = share_died(p);
	feed_cpus(p, json_object_get(counters, "cpus"), seconds);
	p->sampled_ns = now_ns;
	p->samples += p->samples < 2;
}

static void rest_row(struct top_row *r)
{
	r->pps = r->bps = r->left = r->died = 0;
	r->times_n = 0;
	array_foreach (v, &r->verdicts)
		v->pps = 0;
	memmove(r->history, r->history + 1, sizeof(r->history) - sizeof(*r->history));
	r->history[TOP_HISTORY - 1] = 0;
}

void top_feed_nothing(struct top_pipeline *p)
{
	p->pps = p->bps = p->died = 0;
	array_foreach (r, &p->rows)
		rest_row(r);
	array_foreach (c, &p->cpus)
		c->pps = 0;
}

void top_feed_uncounted(struct top_pipeline *p)
{
	_cleanup_json_ json_t *stages = json_array();

	top_feed_nothing(p);
	if (!p->observer)
		return;
	for (size_t i = 0; i < braid_observer_stages(p->observer); i++)
		json_array_append_new(
			stages, json_pack("{s:s}", "stage", braid_observer_stage(p->observer, i)));
	if (!same_stages(p, stages))
		make_rows(p, stages);
	array_foreach (r, &p->rows)
		r->counted = false;
	free(p->hook);
	p->hook = strdup(braid_observer_hook(p->observer));
	p->revision = braid_observer_revision(p->observer);
}

/* What came since the last sample. */
static void subtract(struct braid_times *t, const struct braid_times *before)
{
	if (t->n < before->n) /* it began anew */
		return;
	t->n -= before->n;
	t->sum -= before->sum;
	for (unsigned int i = 0; i < BRAID_TIMES_BUCKETS; i++)
		t->buckets[i] -= before->buckets[i];
}

void top_feed_times(struct top_pipeline *p, size_t stage, const struct braid_times *now,
		    double clock_ns)
{
	const char *name = braid_observer_stage(p->observer, stage);
	struct braid_times t = *now;

	if (stage >= p->n_last)
		return;
	subtract(&t, &p->last[stage]);
	p->last[stage] = *now;
	array_foreach (r, &p->rows) {
		if (!text_eq(r->stage, name))
			continue;
		r->times_n = t.n;
		r->mean = t.n ? without_looking((double)t.sum / t.n, clock_ns) : 0;
		r->p99 = t.n ? without_looking(braid_times_percentile(&t, 99), clock_ns) : 0;
		/* the greatest, which is known by its bucket, while the mean is exact */
		if (t.n < TOP_TIMED_FEW && r->p99 < r->mean)
			r->p99 = r->mean;
	}
}

double top_row_load(const struct top_row *r)
{
	return r->times_n ? r->pps * r->mean / 1e9 : 0;
}

static double key_of(const struct top_row *r, enum top_sort sort)
{
	switch (sort) {
	case TOP_SORT_PPS:
		return r->pps;
	case TOP_SORT_DROPS:
		return r->died * r->pps;
	case TOP_SORT_NS:
		return r->mean;
	case TOP_SORT_CPU:
		return top_row_load(r);
	default:
		return 0;
	}
}

/* Insertion: rows that are equal stay in the order in which packets meet them. */
static void insert(const struct top_row **rows, size_t n, const struct top_row *r,
		   const struct top_view *v)
{
	double key = key_of(r, v->sort);
	size_t at = n;

	while (v->sort != TOP_SORT_ORDER && at > 0 &&
	       (v->inverted ? key_of(rows[at - 1], v->sort) > key
			    : key_of(rows[at - 1], v->sort) < key)) {
		rows[at] = rows[at - 1];
		at--;
	}
	rows[at] = r;
}

size_t top_select(const struct top_pipeline *p, const struct top_view *v,
		  const struct top_row **ret)
{
	size_t n = 0;

	array_foreach (r, &p->rows)
		if (!*v->filter || strcasestr(r->stage, v->filter))
			insert(ret, n++, r, v);
	for (size_t i = 0; v->sort == TOP_SORT_ORDER && v->inverted && i < n / 2; i++) {
		const struct top_row *other = ret[i];

		ret[i] = ret[n - 1 - i];
		ret[n - 1 - i] = other;
	}
	return n;
}
