/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "live/gate.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

const char *const metric_names[] = {
	[METRIC_ABORTED_RATE] = "aborted_rate",   [METRIC_DROP_RATE] = "drop_rate",
	[METRIC_PASS_RATE] = "pass_rate",         [METRIC_TX_RATE] = "tx_rate",
	[METRIC_REDIRECT_RATE] = "redirect_rate", [METRIC_LATENCY_MEAN] = "latency_mean",
	[METRIC_LATENCY_P50] = "latency_p50",     [METRIC_LATENCY_P90] = "latency_p90",
	[METRIC_LATENCY_P99] = "latency_p99",     [METRICS] = NULL,
};

const char *const gate_state_names[] = {
	[GATE_WAITS] = "waits",
	[GATE_PASSES] = "passes",
	[GATE_FAILS] = "fails",
};

static int bad(struct braid_error *err, const char *text, const char *why)
{
	error_set(err, -EINVAL, NULL, "not a gate: '%s'", text);
	error_why(err, "%s", why);
	error_hint(err, "for example 'drop_rate<+0.5%%', 'drop_rate<2%%', 'latency_p99<+20%%', "
			"'latency_p99<500ns', 'pass_rate>-1%%'");
	return -EINVAL;
}

static int unknown_metric(const char *word, struct braid_error *err)
{
	const char *near = text_nearest(word, metric_names, METRICS);
	_cleanup_(buf_done) struct buf all = {};

	for (int i = 0; i < METRICS; i++)
		buf_fmt(&all, "%s%s", i ? ", " : "", metric_names[i]);
	error_set(err, -EINVAL, NULL, "there is no metric '%s'", word);
	error_why(err, "metrics of a version are %s", all.v ?: "");
	if (near)
		error_hint(err, "did you mean '%s'?", near);
	return -EINVAL;
}

/* Digits with at most one point, without a sign or an exponent, whatever the locale. */
static const char *parse_decimal(const char *at, double *ret)
{
	const char *start = at;
	double value = 0, scale = 1;

	for (; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (*at - '0');
	if (at == start || at - start > 12)
		return NULL;
	if (*at == '.') {
		start = ++at;
		for (; *at >= '0' && *at <= '9'; at++)
			value += (*at - '0') * (scale /= 10);
		if (at == start || at - start > 9)
			return NULL;
	}
	*ret = value;
	return at;
}

static bool parse_time_unit(const char *unit, double *value)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (text_eq(units[i].name, unit)) {
			*value *= units[i].ns;
			return true;
		}
	return false;
}

static int parse_metric(const char *text, size_t n, enum metric *ret, struct braid_error *err)
{
	char word[32];

	snprintf(word, sizeof(word), "%.*s", (int)n, text);
	for (int i = 0; i < METRICS; i++)
		if (n < sizeof(word) && text_eq(metric_names[i], word)) {
			*ret = i;
			return 0;
		}
	return unknown_metric(word, err);
}

/* What is behind the number; @sign: '+', '-', or 0. */
static const char *take_unit(struct gate *g, const char *unit, char sign)
{
	bool latency = metric_is_latency(g->metric);

	g->limit = sign ? LIMIT_ADDED : LIMIT_ABSOLUTE;
	if (text_eq(unit, "%")) {
		if (latency && !sign)
			return "a latency alone is a time: 500ns, 20us; in percent it is more or "
			       "less than the old version's: +20%";
		if (!latency && g->value > 100)
			return "a rate is at most 100 %";
		if (latency)
			g->limit = LIMIT_RELATIVE;
	} else if (!latency) {
		return "a rate is given in percent: 2%, or +0.5% for more than the old version's";
	} else if (!parse_time_unit(unit, &g->value)) {
		return "behind the number of a latency stands ns, us, ms, s, or %";
	}
	if (sign == '-')
		g->value = -g->value;
	return NULL;
}

int gate_parse(const char *text, struct gate *ret, struct braid_error *err)
{
	size_t n = strcspn(text, "<>");
	struct gate g = {.above = text[n] == '>'};
	const char *at, *why;
	char sign = 0;
	int r;

	if (!text[n])
		return bad(err, text, "a gate is a metric, < or >, and what is allowed");
	r = parse_metric(text, n, &g.metric, err);
	if (r)
		return r;
	at = text + n + 1;
	if (*at == '+' || *at == '-')
		sign = *at++;
	at = parse_decimal(at, &g.value);
	if (!at)
		return bad(err, text, "behind < or > a number is expected, such as 2, +0.5 or -1");
	why = take_unit(&g, at, sign);
	if (why)
		return bad(err, text, why);
	*ret = g;
	return 0;
}

/* Within a bucket samples are taken to lie evenly. */
static double percentile(const struct rollout_version *v, double part)
{
	double want = part * v->samples, seen = 0;
	__u32 i;

	for (i = 0; i < ROLLOUT_BUCKETS - 1; i++) {
		if (seen + v->latency[i] >= want && v->latency[i])
			break;
		seen += v->latency[i];
	}
	if (!v->latency[i]) /* counters that were read while they grew */
		return rollout_bucket_ns(i);
	part = (want - seen) / v->latency[i];
	part = part > 1 ? 1 : part;
	return rollout_bucket_ns(i) +
	       part * (double)(rollout_bucket_ns(i + 1) - rollout_bucket_ns(i));
}

bool metric_value(enum metric m, const struct rollout_version *v, double *ret)
{
	static const double parts[METRICS] = {
		[METRIC_LATENCY_P50] = 0.5,
		[METRIC_LATENCY_P90] = 0.9,
		[METRIC_LATENCY_P99] = 0.99,
	};

	if (metric_is_latency(m) ? !v->samples : !v->packets)
		return false;
	if (!metric_is_latency(m)) /* both in the order of the hook's verdicts */
		*ret = 100.0 * v->verdicts[m - METRIC_ABORTED_RATE] / v->packets;
	else if (m == METRIC_LATENCY_MEAN)
		*ret = (double)v->latency_ns / v->samples;
	else
		*ret = percentile(v, parts[m]);
	return true;
}

static bool is_enough(enum metric m, const struct rollout_version *v, __u64 min_packets)
{
	__u64 min = min_packets ?: 1;

	if (!metric_is_latency(m))
		return v->packets >= min;
	return v->samples >= (m == METRIC_LATENCY_P99 ? min : (min + 9) / 10);
}

struct gate_result gate_judge(const struct gate *g, const struct rollout_version *old,
			      const struct rollout_version *new, __u64 min_packets)
{
	struct gate_result result = {
		.has_old = metric_value(g->metric, old, &result.old),
		.has_new = metric_value(g->metric, new, &result.new),
	};
	bool compared = g->limit != LIMIT_ABSOLUTE;

	if (!is_enough(g->metric, new, min_packets) ||
	    (compared && !is_enough(g->metric, old, min_packets)))
		return result;
	result.limit = g->value;
	if (g->limit == LIMIT_ADDED)
		result.limit += result.old;
	else if (g->limit == LIMIT_RELATIVE)
		result.limit = result.old * (1 + g->value / 100);
	result.state = (g->above ? result.new > result.limit : result.new < result.limit)
			       ? GATE_PASSES
			       : GATE_FAILS;
	return result;
}

static void add_value(struct buf *b, enum metric m, double value)
{
	if (metric_is_latency(m))
		buf_fmt(b, "%.0f ns", value);
	else
		buf_fmt(b, "%.2f %%", value);
}

char *gate_describe(const struct gate *g, const struct gate_result *result)
{
	struct buf b = {};

	buf_fmt(&b, "%s is ", metric_names[g->metric]);
	if (result->has_new)
		add_value(&b, g->metric, result->new);
	else
		buf_str(&b, "not known yet");
	if (result->has_old) {
		buf_str(&b, " in the new version and ");
		add_value(&b, g->metric, result->old);
		buf_str(&b, " in the old one");
	}
	if (result->state != GATE_WAITS) {
		buf_fmt(&b, "; allowed is %s than ", g->above ? "more" : "less");
		add_value(&b, g->metric, result->limit);
	}
	return buf_take(&b);
}
