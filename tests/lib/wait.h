/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting without sleeping: look until it is so, or the deadline has passed. */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <time.h>

/* CLOCK_MONOTONIC, milliseconds. */
static inline long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Evaluates @cond every millisecond, at least once. True as soon as it holds, false when @ms ran
 * out. */
#define wait_until(cond, ms)                                                                       \
	({                                                                                         \
		long long until_ = now_ms() + (ms);                                                \
		bool held_;                                                                        \
		while (!(held_ = !!(cond)) && now_ms() < until_)                                   \
			poll(NULL, 0, 1);                                                          \
		held_;                                                                             \
	})
