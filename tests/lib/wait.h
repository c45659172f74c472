/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting without sleeping: look until it is so, or the deadline has passed. */
#pragma once

#include <poll.h>
#include <stdbool.h>

#include "base/clock.h"

/* CLOCK_MONOTONIC, milliseconds. */
static inline long long now_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

/*
 * Evaluates @cond every millisecond, and once more when @ms ran out: the process may have stood
 * still. True as soon as it holds.
 */
#define wait_until(cond, ms)                                                                       \
	({                                                                                         \
		long long until_ = now_ms() + (ms);                                                \
		bool held_, last_ = false;                                                         \
		while (!(held_ = !!(cond)) && !last_) {                                            \
			poll(NULL, 0, 1);                                                          \
			last_ = now_ms() >= until_;                                                \
		}                                                                                  \
		held_;                                                                             \
	})
