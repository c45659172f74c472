/* SPDX-License-Identifier: GPL-2.0-only */
/* Gates of a rollout: what is one, what it says, and what they make of counters. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "live/gate.h"
#include "random.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct braid_error err;

static void test_good(void)
{
	static const struct {
		const char *text;
		struct gate want;
	} gates[] = {
		{"drop_rate<+0.5%", {METRIC_DROP_RATE, false, LIMIT_ADDED, 0.5}},
		{"drop_rate<2%", {METRIC_DROP_RATE, false, LIMIT_ABSOLUTE, 2}},
		{"aborted_rate<100%", {METRIC_ABORTED_RATE, false, LIMIT_ABSOLUTE, 100}},
		{"pass_rate>-1.25%", {METRIC_PASS_RATE, true, LIMIT_ADDED, -1.25}},
		{"tx_rate>0%", {METRIC_TX_RATE, true, LIMIT_ABSOLUTE, 0}},
		{"redirect_rate<+0%", {METRIC_REDIRECT_RATE, false, LIMIT_ADDED, 0}},
		{"latency_p99<+20%", {METRIC_LATENCY_P99, false, LIMIT_RELATIVE, 20}},
		{"latency_p90<+250%", {METRIC_LATENCY_P90, false, LIMIT_RELATIVE, 250}},
		{"latency_mean<500ns", {METRIC_LATENCY_MEAN, false, LIMIT_ABSOLUTE, 500}},
		{"latency_p50<1.5us", {METRIC_LATENCY_P50, false, LIMIT_ABSOLUTE, 1500}},
		{"latency_p50<-1ms", {METRIC_LATENCY_P50, false, LIMIT_ADDED, -1e6}},
		{"latency_p50>2s", {METRIC_LATENCY_P50, true, LIMIT_ABSOLUTE, 2e9}},
	};

	for (size_t i = 0; i < COUNT(gates); i++) {
		const struct gate *want = &gates[i].want;
		struct gate g = {};

		if (!is_int(gate_parse(gates[i].text, &g, &err), 0, "%s", gates[i].text))
			continue;
		ok(g.metric == want->metric && g.above == want->above && g.limit == want->limit &&
			   fabs(g.value - want->value) < 1e-9,
		   "%s means that", gates[i].text);
	}
}

static void test_bad(void)
{
	static const char *const texts[] = {
		"",
		"drop_rate",
		"<",
		"<2%",
		"drop_rate<",
		"drop_rate<%",
		"drop_rate<+",
		"drop_rate<+%",
		"drop_rate<2",
		"drop_rate<2%%",
		"drop_rate<2 %",
		"drop_rate <2%",
		" drop_rate<2%",
		"drop_rate<=2%",
		"drop_rate<<2%",
		"drop_rate<2%<3%",
		"drop_rate<++2%",
		"drop_rate<+-2%",
		"drop_rate<101%",
		"drop_rate<2ns",
		"drop_rate<1e1%",
		"drop_rate<0x1%",
		"drop_rate<inf%",
		"drop_rate<nan%",
		"drop_rate<.5%",
		"drop_rate<1.%",
		"drop_rate<1.1.1%",
		"drop_rate<1,5%",
		"drop_rate<9999999999999%",
		"drop_rate<0.1234567890%",
		"latency_p99<20%",
		"latency_p99<20",
		"latency_p99<20m",
		"latency_p99<20NS",
		"latency_p99<+20%ns",
		"latency<20ns",
		"DROP_RATE<2%",
		"drop_rate\n<2%",
		"drop_rate_that_is_longer_than_any_name_of_a_metric<2%",
	};
	struct gate g = {};

	for (size_t i = 0; i < COUNT(texts); i++)
		is_int(gate_parse(texts[i], &g, &err), -EINVAL, "'%s' is none", texts[i]);
	is_int(gate_parse("drop_rat<2%", &g, &err), -EINVAL, "a metric that is misspelt");
	ok(strstr(err.why, "aborted_rate, drop_rate, pass_rate, tx_rate, redirect_rate, "
			   "latency_mean, latency_p50, latency_p90, latency_p99"),
	   "all are listed");
	is_str(err.hint, "did you mean 'drop_rate'?", "and the nearest is named");
}

/* Bytes from what gates are made of: accepted or refused, and what is accepted is finite. */
static void test_noise(void)
{
	static const char *const pieces[] = {"drop_rate", "latency_p99", "<", ">",  "+",  "-",
					     "0",         "99",          ".", "%",  "ns", "us",
					     "s",         "\x80",        " ", "e9", "x",  "\n"};
	struct rng random = {23};
	size_t accepted = 0;
	bool held = true;

	for (int i = 0; i < 200000; i++) {
		char text[128] = "";
		struct gate g;

		if (i % 2)
			strcat(text, i % 4 == 1 ? "drop_rate<" : "latency_p99<");
		for (int n = rng_below(&random, 6); n >= 0; n--)
			strcat(text, pieces[rng_below(&random, COUNT(pieces))]);
		if (gate_parse(text, &g, &err))
			continue;
		accepted++;
		held &= isfinite(g.value) && g.metric < METRICS;
	}
	ok(held, "what is accepted is a number");
	ok(accepted > 100, "%zu were accepted", accepted);
}

/* @packets with the verdict drop for @drops of them, and @samples of @ns. */
static struct rollout_version version(__u64 packets, __u64 drops, __u64 samples, __u64 ns)
{
	struct rollout_version v = {.packets = packets, .samples = samples};

	v.verdicts[1] = drops;
	v.verdicts[2] = packets - drops;
	v.latency_ns = samples * ns;
	v.latency[rollout_bucket(ns)] = samples;
	return v;
}

static struct gate_result judge(const char *text, const struct rollout_version *old,
				const struct rollout_version *new)
{
	struct gate g;

	if (gate_parse(text, &g, &err))
		bail_out("%s", text);
	return gate_judge(&g, old, new, 1000);
}

static void test_rates(void)
{
	struct rollout_version none = {}, old = version(100000, 1000, 0, 0);
	struct rollout_version same = version(1000, 10, 0, 0), few = version(999, 0, 0, 0);
	struct rollout_version more = version(1000, 16, 0, 0), all = version(1000, 1000, 0, 0);
	struct gate_result r = judge("drop_rate<+0.5%", &old, &more);

	is_int(r.state, GATE_FAILS, "1.6 %% is more than 1 %% and 0.5 %%");
	ok(fabs(r.old - 1) < 1e-9 && fabs(r.new - 1.6) < 1e-9 && fabs(r.limit - 1.5) < 1e-9,
	   "with these numbers");
	is_int(judge("drop_rate<+0.5%", &old, &same).state, GATE_PASSES, "1 %% is not");
	is_int(judge("drop_rate<+0.5%", &old, &few).state, GATE_WAITS, "999 packets are too few");
	is_int(judge("drop_rate<+0.5%", &few, &all).state, GATE_WAITS, "of the old one, too");
	is_int(judge("drop_rate<+0.5%", &none, &none).state, GATE_WAITS, "none are too few");
	ok(!judge("drop_rate<+0.5%", &none, &none).has_new, "and have no rate");
	is_int(judge("drop_rate<2%", &none, &more).state, GATE_PASSES, "alone: no old one needed");
	is_int(judge("drop_rate<2%", &none, &all).state, GATE_FAILS, "alone: 100 %%");
	is_int(judge("pass_rate>-1%", &old, &same).state, GATE_PASSES, "more than 1 %% less");
	is_int(judge("pass_rate>-1%", &old, &all).state, GATE_FAILS, "all less");
	is_int(judge("drop_rate<0%", &old, &few).state, GATE_WAITS, "few, alone");
}

static void test_latencies(void)
{
	struct rollout_version old = version(64000, 0, 1000, 200);
	struct rollout_version slow = version(64000, 0, 1000, 300);
	struct rollout_version same = version(64000, 0, 1000, 201);
	struct rollout_version some = version(6400, 0, 100, 300), few = version(6336, 0, 99, 300);
	double p50 = 0, p99 = 0;

	is_int(judge("latency_p99<+20%", &old, &slow).state, GATE_FAILS, "300 of 200");
	is_int(judge("latency_p99<+20%", &old, &same).state, GATE_PASSES, "201 of 200");
	is_int(judge("latency_mean<+100ns", &old, &slow).state, GATE_FAILS,
	       "100 more, less wanted");
	is_int(judge("latency_mean<+101ns", &old, &slow).state, GATE_PASSES, "100 more");
	is_int(judge("latency_p50<350ns", &old, &slow).state, GATE_PASSES, "alone");
	is_int(judge("latency_p50<+20%", &old, &some).state, GATE_FAILS, "100 samples will do");
	is_int(judge("latency_p50<+20%", &old, &few).state, GATE_WAITS, "99 will not");
	is_int(judge("latency_p99<+20%", &old, &some).state, GATE_WAITS, "nor 100 for p99");

	/* 900 of 100 ns, 100 of 10 us */
	old = version(64000, 0, 900, 100);
	old.latency[rollout_bucket(10000)] = 100;
	old.samples = 1000;
	ok(metric_value(METRIC_LATENCY_P50, &old, &p50) && p50 >= 96 && p50 < 104, "p50: %.1f",
	   p50);
	ok(metric_value(METRIC_LATENCY_P99, &old, &p99) && p99 >= 9216 && p99 < 10240, "p99: %.1f",
	   p99);
	/* Read while it grew: a sample that is in no bucket yet. */
	memset(old.latency, 0, sizeof(old.latency));
	ok(metric_value(METRIC_LATENCY_P99, &old, &p99), "counters that do not agree");
}

static void test_describe(void)
{
	struct rollout_version old = version(100000, 100, 0, 0), new = version(1000, 32, 0, 0);
	struct gate_result r = judge("drop_rate<+0.5%", &old, &new);
	_cleanup_free_ char *text = NULL;
	struct gate g;

	gate_parse("drop_rate<+0.5%", &g, &err);
	text = gate_describe(&g, &r);
	is_str(text,
	       "drop_rate is 3.20 % in the new version and 0.10 % in the old one; allowed is less "
	       "than 0.60 %",
	       "a sentence with both numbers");
}

int main(void)
{
	test_good();
	test_bad();
	test_noise();
	test_rates();
	test_latencies();
	test_describe();
	braid_error_clear(&err);
	return done();
}
