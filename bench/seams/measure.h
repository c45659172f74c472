/* SPDX-License-Identifier: GPL-2.0-only */
/* One measurement: apply a pipeline, run packets through what is attached, delete it. */
#pragma once

#include <stdint.h>

#include "common/sandbox.h"
#include "seams/cases.h"

struct measurement {
	double ns;             /* per packet: CPU time of this thread */
	uint32_t kernel_ns;    /* per packet: as the kernel reports it, whole ns, rounded down */
	unsigned int programs; /* in the kernel */
	unsigned int insns;    /* of all of them, as the kernel has them */
};

/* Once per process, in the sandbox: a network namespace of its own, and objects in the sandbox. */
void measure_init(void);

/* Exits if a packet did not go through the stages that it should: the time would mean nothing. */
void measure(struct braid *b, const struct variant *variant, unsigned int runs,
	     struct measurement *ret);
