// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Behind version 2: a member is added. */
#define VERSION 0
#define RECORD                                                                                     \
	__u64 packets braid_counter;                                                               \
	__u32 owner;                                                                               \
	__u32 limit;

#include "update/target.bpf.h"
