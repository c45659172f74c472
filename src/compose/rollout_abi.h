/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the two versions of a stage are measured by during a gradual rollout: the one element
 * of the per-CPU array "versions" of bpf/rollout.bpf.c, which writes it; live reads it.
 * Counts only grow, from when the revision began: take differences.
 */
#pragma once

#include <linux/types.h>

#define ROLLOUT_MAP "versions"

/* By these names in the image: "<name space of rollout.bpf.c>__<name>". */
#define ROLLOUT_COUNT_FUNC "braid_count_version"

/* The share of all packets that control.share is a part of; a key's hash is below it. */
#define ROLLOUT_WHOLE 65536u

enum { ROLLOUT_OLD, ROLLOUT_NEW, ROLLOUT_VERSIONS };

/*
 * verdicts[]: by enum xdp_action, then all others. TC's are counted as what they are like: shot
 * as drop; unspec, ok, pipe and reclassify as pass; redirect; none of them as aborted or tx.
 */
#define ROLLOUT_VERDICTS         8
#define ROLLOUT_VERDICT_DROP     1
#define ROLLOUT_VERDICT_PASS     2
#define ROLLOUT_VERDICT_REDIRECT 4
#define ROLLOUT_VERDICT_OTHER    5

/*
 * Latencies, in ns, log-linear: 0 to 7 have a bucket each, above each octave has 8, so a
 * bucket is at most an eighth wider than its lower end. The last one holds 16 s and more.
 */
#define ROLLOUT_BUCKETS     256
#define ROLLOUT_LATENCY_MAX ((1ULL << 34) - 1)

struct rollout_version {
	__u64 packets;
	__u64 verdicts[ROLLOUT_VERDICTS];
	__u64 samples;    /* packets whose time was taken */
	__u64 latency_ns; /* their sum */
	__u64 latency[ROLLOUT_BUCKETS];
};

struct rollout_counters {
	__u64 turn;     /* packets that came to the stage, both versions */
	__u64 begun_ns; /* CLOCK_MONOTONIC: when the present packet did; 0: not sampled */
	struct rollout_version version[ROLLOUT_VERSIONS];
};

_Static_assert(sizeof(struct rollout_version) == 8 * (11 + ROLLOUT_BUCKETS), "no padding");
_Static_assert(sizeof(struct rollout_counters) == 16 + 2 * sizeof(struct rollout_version),
	       "no padding");

static inline __u32 rollout_bucket(__u64 ns)
{
	__u32 octave = 0;
	__u64 rest;

	if (ns > ROLLOUT_LATENCY_MAX)
		ns = ROLLOUT_LATENCY_MAX;
	if (ns < 8)
		return ns;
	rest = ns;
	/* log2 of less than 2^34, without a loop: for the verifier */
	if (rest >> 32) {
		octave += 32;
		rest >>= 32;
	}
	if (rest >> 16) {
		octave += 16;
		rest >>= 16;
	}
	if (rest >> 8) {
		octave += 8;
		rest >>= 8;
	}
	if (rest >> 4) {
		octave += 4;
		rest >>= 4;
	}
	if (rest >> 2) {
		octave += 2;
		rest >>= 2;
	}
	octave += rest >> 1;
	return (octave - 2) * 8 + (ns >> (octave - 3) & 7);
}

/* The least latency that falls into @bucket. */
static inline __u64 rollout_bucket_ns(__u32 bucket)
{
	if (bucket < 8)
		return bucket;
	return (8ULL + (bucket & 7)) << (bucket / 8 - 1);
}
