// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Behind version 0: a member is wider, and all are in another order. */
#define VERSION 1
#define RECORD                                                                                     \
	__u32 owner;                                                                               \
	__u64 limit;                                                                               \
	__u64 packets braid_counter;

#include "update/target.bpf.h"
