/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BPF programs, maps and links that are left behind. The kernel lists those of the whole
 * machine, so this is for the time around a suite, not around one of several tests that
 * run side by side.
 */
#pragma once

#include <linux/types.h>
#include <stddef.h>
#include <stdio.h>

#include "base/array.h"

enum leak_kind { LEAK_PROGRAM, LEAK_MAP, LEAK_LINK, LEAK_KINDS };

/* What exists at one moment: ids in ascending order, never given out again by the kernel. */
struct leak_snapshot {
	ARRAY(__u32) ids[LEAK_KINDS];
};

/* Return: 0; -EPERM: only root may look. */
int leak_take(struct leak_snapshot *ret);
void leak_done(struct leak_snapshot *s);
/*
 * What exists and is not in @before gets until the deadline to go away, for the kernel
 * frees later than programs end. Objects that come up meanwhile are somebody else's.
 * Return: how many stayed; each is named by diag().
 */
size_t leak_count(const struct leak_snapshot *before, int timeout_ms);

/* As text, so that a snapshot outlives the process. Return: 0; -EINVAL, negative errno. */
int leak_write(const struct leak_snapshot *s, FILE *f);
int leak_read(struct leak_snapshot *ret, FILE *f);
