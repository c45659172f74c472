// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Behind version 1: a member is gone. */
#define VERSION 2
#define RECORD                                                                                     \
	__u64 packets braid_counter;                                                               \
	__u32 owner;

#include "update/target.bpf.h"
