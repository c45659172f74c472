/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Histograms of nanoseconds. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "base/error.h"
#include "live/observer.h"

_Static_assert(BRAID_TIMES_BUCKETS == OBSERVE_BUCKETS, "one histogram");

#define PER_POWER (1u << OBSERVE_LINEAR)

/* Buckets of one nanosecond up to 2 * PER_POWER, then PER_POWER of them to a power of two. */
uint64_t braid_times_bound(unsigned int bucket)
{
	unsigned int power = bucket >> OBSERVE_LINEAR, rest = bucket & (PER_POWER - 1);

	return power ? (uint64_t)(PER_POWER + rest) << (power - 1) : rest;
}

uint64_t braid_times_percentile(const struct braid_times *t, double percent)
{
	double wanted = t->n * percent / 100;
	uint64_t seen = 0;

	for (unsigned int i = 0; i < BRAID_TIMES_BUCKETS; i++) {
		seen += t->buckets[i];
		if (seen && seen >= wanted)
			return (braid_times_bound(i) + braid_times_bound(i + 1)) / 2;
	}
	return 0;
}

static void add(struct braid_times *sum, const struct observe_times *t)
{
	sum->n += t->n;
	sum->sum += t->sum;
	for (unsigned int i = 0; i < OBSERVE_BUCKETS; i++)
		sum->buckets[i] += t->buckets[i];
}

/* Where in the map; -1: there is no such stage. */
static long index_of(const struct seat *s, uint32_t stage)
{
	if (stage == BRAID_TIMES_WHOLE)
		return s->stages.n + OBSERVE_WHOLE;
	if (stage == BRAID_TIMES_CLOCK)
		return s->stages.n + OBSERVE_CLOCK;
	return stage < s->stages.n ? (long)stage : -1;
}

int braid_observer_times(struct braid_observer *o, uint32_t stage, struct braid_times *ret,
			 struct braid_error *err)
{
	long at = index_of(&o->seat, stage);
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct observe_times *times = NULL;
	struct braid_times sum = {};
	__u32 key = at;
	ERROR_SCRATCH(err);

	if (at < 0)
		return error_code(error_set(err, -EINVAL, o->name, "there is no stage %u", stage));
	if (o->seat.times < 0)
		return error_code(
			error_set(err, -ENODATA, o->name, "the observer asked for no times"));
	times = cpus > 0 ? calloc(cpus, sizeof(*times)) : NULL;
	if (!times)
		return error_oom(err);
	if (bpf_map_lookup_elem(o->seat.times, &key, times))
		return error_errno(err, -errno, o->name, "cannot read times");
	for (int cpu = 0; cpu < cpus; cpu++)
		add(&sum, &times[cpu]);
	*ret = sum;
	return 0;
}
