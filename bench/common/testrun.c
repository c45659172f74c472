// SPDX-License-Identifier: GPL-2.0-only
#include "common/testrun.h"

#include <bpf/bpf.h>
#include <err.h>

#include "base/clock.h"

/*
 * The kernel reports whole nanoseconds per run, too coarse where a run takes 20
 * and 5 % matter; the CPU time of the system call is finer and has, as the
 * kernel's own figure, no time in it that other tasks got.
 *
 * What the call does besides running must then be small. It is, if the program
 * is attached somewhere: a test run enters the program into the kernel's XDP
 * dispatcher, patching code and waiting for RCU, unless it is there already.
 */
void testrun(int program_fd, const struct frame *frame, unsigned int runs, struct testrun *ret)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(*frame),
		    .repeat = runs);
	uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	if (bpf_prog_test_run_opts(program_fd, &opts))
		err(1, "BPF_PROG_TEST_RUN");
	ret->ns = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - start) / runs;
	ret->kernel_ns = opts.duration;
	if (opts.retval != XDP_PASS)
		errx(1, "the verdict was %u, not XDP_PASS", opts.retval);
}
