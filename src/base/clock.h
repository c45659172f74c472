/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Clocks, all in nanoseconds. */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/*
 * What is to be added to a time of @clock for that since 1970. It is not kept for long: the
 * wall's clock may be set, and CLOCK_MONOTONIC stands still while the machine sleeps.
 */
static inline uint64_t clock_to_wall(clockid_t clock)
{
	uint64_t before = clock_ns(clock), wall = clock_ns(CLOCK_REALTIME);

	/* looks take a while, now and then a long one: the middle between two is near the third */
	return wall - (before + (clock_ns(clock) - before) / 2);
}
