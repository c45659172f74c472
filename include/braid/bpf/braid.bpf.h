/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What braid offers to authors of stages. All of it is optional: a stage is an
 * ordinary BPF program and needs nothing from here.
 */
#ifndef BRAID_BPF_BRAID_H
#define BRAID_BPF_BRAID_H

#ifndef __VMLINUX_H__
#include <linux/bpf.h>
#endif
#include <bpf/bpf_helpers.h>

/*
 * A verdict that no hook has: the chain ends here and the packet passes, whatever
 * the stages behind would say. Only a braid pipeline knows it. A program that may
 * also run alone must not return it: a driver takes an unknown verdict as aborted.
 */
#define BRAID_ACCEPT 0x42524402u

static __always_inline int braid_accept(void)
{
	return (int)BRAID_ACCEPT;
}

/*
 * BRAID_RUN_CONFIG(program, priority, verdicts...) - defaults for running @program
 * among others: lower priorities run earlier; on each of @verdicts (XDP_PASS, XDP_TX, …;
 * one to five of them) the next program runs.
 *
 *	BRAID_RUN_CONFIG(sampler, 40, XDP_PASS);
 *
 * The layout is libxdp's, so xdp-loader reads it too: a variable "_<program>" in
 * section .xdp_run_config, nothing of it but its type counts: a pointer member of
 * each setting's name, whose array length is the value. A manifest overrides it.
 */
#define BRAID_RUN_CONFIG(program, prio, ...)                                                       \
	struct {                                                                                   \
		int (*priority)[prio];                                                             \
		BRAID_RUN_CONFIG_COUNT_(__VA_ARGS__, 5, 4, 3, 2, 1)(__VA_ARGS__)                   \
	} _##program __attribute__((used)) SEC(".xdp_run_config")

#define BRAID_RUN_CONFIG_COUNT_(a, b, c, d, e, n, ...) BRAID_RUN_CONFIG_PASTE_(n)
#define BRAID_RUN_CONFIG_PASTE_(n)                     BRAID_RUN_CONFIG_##n##_
#define BRAID_RUN_CONFIG_1_(verdict)                   int(*verdict)[1];
#define BRAID_RUN_CONFIG_2_(verdict, ...)                                                          \
	BRAID_RUN_CONFIG_1_(verdict) BRAID_RUN_CONFIG_1_(__VA_ARGS__)
#define BRAID_RUN_CONFIG_3_(verdict, ...)                                                          \
	BRAID_RUN_CONFIG_1_(verdict) BRAID_RUN_CONFIG_2_(__VA_ARGS__)
#define BRAID_RUN_CONFIG_4_(verdict, ...)                                                          \
	BRAID_RUN_CONFIG_1_(verdict) BRAID_RUN_CONFIG_3_(__VA_ARGS__)
#define BRAID_RUN_CONFIG_5_(verdict, ...)                                                          \
	BRAID_RUN_CONFIG_1_(verdict) BRAID_RUN_CONFIG_4_(__VA_ARGS__)

#endif
