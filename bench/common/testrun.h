/* SPDX-License-Identifier: GPL-2.0-only */
/* How long a packet takes in one program: BPF_PROG_TEST_RUN, and the CPU time of the call. */
#pragma once

#include "common/harness.h"

struct testrun {
	double ns;          /* per run: CPU time of this thread */
	uint32_t kernel_ns; /* per run: as the kernel reports it, whole ns, rounded down */
};

/*
 * Runs @program_fd @runs times on @frame: what one run writes to the packet, the next one sees.
 * Each must pass the packet. The program must be attached somewhere, or the figure is of no
 * value: see testrun.c.
 */
void testrun(int program_fd, const struct frame *frame, unsigned int runs, struct testrun *ret);
