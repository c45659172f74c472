/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the code of a function says about itself. */
#pragma once

#include "object/unit.h"

#define STACK_LIMIT 512 /* bytes, over a whole call chain: Linux, MAX_BPF_STACK */

struct func_facts {
	bool stack_known;  /* false: a stack address takes part in variable arithmetic */
	__u32 stack;       /* bytes below the frame pointer, a multiple of 8 */
	__u32 chain_stack; /* of the deepest call chain below it, frames rounded as the kernel does
			    */
	__u32 chain_calls; /* its length: 0 when it calls nothing */
	__u32 total_insns; /* with all that it calls, each counted once */
	bool tail_call;    /* it, or what it calls, calls bpf_tail_call() */
	bool throws;       /* … bpf_throw() */
	bool old_loads;    /* it has LD_ABS or LD_IND, which return 0 from it beyond the packet */
};

/* 0 or -ENOMEM. */
int func_analyse(const struct unit *u, __u32 func, struct func_facts *ret);

/*
 * @ret: the first helper or kernel function reachable from funcs[@func] that only
 * GPL-compatible programs may call; NULL: none. 0 or -ENOMEM.
 */
int func_gpl_helper(const struct unit *u, __u32 func, const char **ret);
/* Linux, include/linux/license.h */
bool license_is_gpl_compatible(const char *license);
