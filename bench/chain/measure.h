/* SPDX-License-Identifier: GPL-2.0-only */
/* One measurement: load an image, run it many times on one frame, unload it. */
#pragma once

#include <stdint.h>

#include "chain/variants.h"

struct measurement {
	double ns;             /* per run: CPU time of this thread */
	uint32_t kernel_ns;    /* per run: as the kernel reports it, whole ns, rounded down */
	unsigned int runs;     /* including those to warm up */
	unsigned int programs; /* in the kernel */
	uint64_t counted;      /* sum of all per-CPU counters of the image */
};

/* Once per process, before the first measure(): a network namespace of its own. */
void measure_init(void);

void measure(const struct image *image, unsigned int runs, struct measurement *ret);

/* Exits if the packets did not go through every stage: the time would mean nothing. */
void measurement_check(const struct measurement *m, const struct chain *chain, const char *variant);
