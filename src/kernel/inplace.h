/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Values of a map changed where they are, atomically, while programs change them, too.
 * bpf(2) can only replace a whole value, and what a program wrote meanwhile would be lost.
 * So a small program of our own does it, run once for each change.
 *
 * It runs with softirqs off: in a per-CPU map, on the CPU whose value it is, it comes between
 * no two instructions of a program that handles packets.
 */
#pragma once

#include <linux/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "kernel/elements.h"

struct inplace;

/*
 * @map: borrowed as long as @ret is used.
 * Return: 0; -EOPNOTSUPP its values have a lock, or are too small; what the verifier says.
 */
int inplace_open(const struct elements *map, struct inplace **ret, struct braid_error *err);
void inplace_close(struct inplace *p); /* NULL */
DEFINE_CLEANUP(struct inplace *, inplace_close)

/*
 * Adds @delta to the number of @size bytes, 4 or 8, at @offset, a multiple of @size.
 * Return: 0; -ENOENT no such entry; -ERANGE not within the value.
 */
int inplace_add(struct inplace *p, const void *key, __u32 offset, __u32 size, __u64 delta);
/* Puts @to there if it is @from. Return: as inplace_add(); -EBUSY it is something else. */
int inplace_swap(struct inplace *p, const void *key, __u32 offset, __u32 size, __u64 from,
		 __u64 to);

/* The calling thread on one CPU, until cpu_leave(). */
struct cpu_guard {
	void *before; /* where it was allowed to run; NULL: cpu_enter() has not succeeded */
	size_t size;
};
/* @index: of its value in a per-CPU map. Return: 0; negative errno: it is off, or forbidden. */
int cpu_enter(__u32 index, struct cpu_guard *guard);
void cpu_leave(struct cpu_guard *guard);
#define _cleanup_cpu_guard_ _cleanup_(cpu_leave)
