/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Sets of verdicts as masks of 32 bits. A verdict is the low 32 bits of what a program
 * returns; TC has one that is -1. Bit v & 31 stands for verdict v, from -1 to 30: bit 31 is
 * that of -1. No others can be in a set.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

static inline __u32 verdict_bit(__u32 verdict)
{
	return 1u << (verdict & 31);
}

/* The verdict of bit @bit, 0 to 31. */
static inline __u32 verdict_of_bit(unsigned int bit)
{
	return bit == 31 ? (__u32)-1 : bit;
}

static inline bool verdict_in(__u32 mask, __u32 verdict)
{
	return verdict + 1 <= 31 && mask & verdict_bit(verdict);
}
