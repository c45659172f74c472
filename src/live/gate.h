/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Gates of a gradual rollout: what must hold of the new version of a stage, alone or beside
 * the old one. Pure: texts and counters in, judgements out.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "compose/rollout_abi.h"

enum metric {
	METRIC_ABORTED_RATE, /* of the version's packets, those with the verdict */
	METRIC_DROP_RATE,
	METRIC_PASS_RATE,
	METRIC_TX_RATE,
	METRIC_REDIRECT_RATE,
	METRIC_LATENCY_MEAN, /* ns from the stage's begin to its verdict, of sampled packets */
	METRIC_LATENCY_P50,
	METRIC_LATENCY_P90,
	METRIC_LATENCY_P99,
	METRICS
};

extern const char *const metric_names[]; /* by enum metric, NULL-terminated */

enum gate_limit {
	LIMIT_ABSOLUTE, /* of the new version alone */
	LIMIT_ADDED,    /* beyond the old version's value: percentage points, or ns */
	LIMIT_RELATIVE, /* beyond it, in percent of it: latencies */
};

/* "drop_rate<+0.5%": metric, comparison, allowance. */
struct gate {
	enum metric metric;
	bool above; /* must be greater; else less */
	enum gate_limit limit;
	double value; /* percent, or ns */
};

/* Return: 0; -EINVAL saying what was expected, and for an unknown metric which there are. */
int gate_parse(const char *text, struct gate *ret, struct braid_error *err);

enum gate_state { GATE_WAITS, GATE_PASSES, GATE_FAILS };
extern const char *const gate_state_names[];

struct gate_result {
	enum gate_state state;
	bool has_old, has_new;  /* there is a value at all */
	double old, new, limit; /* percent, or ns; limit: if not GATE_WAITS */
};

/*
 * @old, @new: counters of the same time. @min_packets: a gate waits until the new version,
 * and the old one if it is compared with, have so many packets; for a latency so many
 * tenths of samples, and for the 99th percentile so many samples.
 */
struct gate_result gate_judge(const struct gate *g, const struct rollout_version *old,
			      const struct rollout_version *new, __u64 min_packets);

/* false: nothing to take it from. Rates in percent, latencies in ns. */
bool metric_value(enum metric m, const struct rollout_version *v, double *ret);
static inline bool metric_is_latency(enum metric m)
{
	return m >= METRIC_LATENCY_MEAN;
}

/* "drop_rate is 3.2 % and was 0.1 % in the old version; less than 0.6 % is allowed". */
char *gate_describe(const struct gate *g, const struct gate_result *result); /* NULL: no memory */
