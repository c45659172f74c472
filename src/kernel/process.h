/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Which process it is: a number alone may be another's by now. */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

struct process {
	__u32 pid;
	__u64 start;  /* clock ticks since the machine was booted */
	__u64 pid_ns; /* inode of the namespace that @pid is of */
};

/* The caller's. */
void process_self(struct process *ret);
/*
 * Has it ended? One that was killed has, also while nobody has waited for it. false also where that
 * cannot be known: of another namespace.
 */
bool process_is_gone(const struct process *p);
