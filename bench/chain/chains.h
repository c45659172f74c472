/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Chains written by hand, to compare with: one program per variant and length,
 * "floor_10" and so on. Before including this, define STAGE(i, ctx), the
 * verdict of stage number i.
 *
 * CHAIN_STAGES always names all 64 stages; the length is a constant in each
 * program, so the compiler drops those behind it.
 *
 * Sections start with '?': libbpf loads only the one program that is asked for.
 */
#pragma once

#include "lengths.h"
#include "stage.h"

/* floor: one C program; the compiler may merge the work of different stages. */
#define FLOOR_STAGE(i)                                                                             \
	if (i < length) {                                                                          \
		ret = STAGE(i, ctx);                                                               \
		if (ret != XDP_PASS)                                                               \
			return ret;                                                                \
	}

static __always_inline int floor_chain(struct xdp_md *ctx, const int length)
{
	int ret = XDP_PASS;

	CHAIN_STAGES(FLOOR_STAGE)
	return ret;
}

/*
 * barrier: one C program in which no stage profits from another's work. The
 * empty asm statement makes the compiler forget, at each seam, what it knows of
 * memory and of the context: each stage loads data and data_end and checks its
 * bounds anew. The verdict stays in the compiler's sight: where a stage returns
 * a constant, it jumps straight out of the chain or on to the next stage.
 */
#define BARRIER_STAGE(i)                                                                           \
	if (i < length) {                                                                          \
		asm volatile("" : "+r"(ctx) : : "memory");                                         \
		ret = STAGE(i, ctx);                                                               \
		if (ret != XDP_PASS)                                                               \
			return ret;                                                                \
	}

static __always_inline int barrier_chain(struct xdp_md *ctx, const int length)
{
	int ret = XDP_PASS;

	CHAIN_STAGES(BARRIER_STAGE)
	return ret;
}

/*
 * opaque: the same, and the verdict is hidden too: each stage leaves it in a
 * register, where it is compared, as if the stage's code were not known.
 */
#define OPAQUE_STAGE(i)                                                                            \
	if (i < length) {                                                                          \
		asm volatile("" : "+r"(ctx) : : "memory");                                         \
		ret = STAGE(i, ctx);                                                               \
		asm volatile("" : "+r"(ret));                                                      \
		if (ret != XDP_PASS)                                                               \
			return ret;                                                                \
	}

static __always_inline int opaque_chain(struct xdp_md *ctx, const int length)
{
	int ret = XDP_PASS;

	CHAIN_STAGES(OPAQUE_STAGE)
	return ret;
}

/*
 * functions: the shape of libxdp's dispatcher. Each stage is a global function,
 * verified and called on its own; which verdicts continue is read-only data.
 * Weak, as otherwise the compiler looks into the function for what it returns.
 * libxdp pays a little more: its functions are replaced, which adds a jump.
 */
/* clang-format off */
#define PASS_CONTINUES(i) 1U << XDP_PASS,
/* clang-format on */

static volatile const __u32 actions[CHAIN_MAX] = {CHAIN_STAGES(PASS_CONTINUES)};

#define FUNCTION_DEFINE_AS(i, stage)                                                               \
	__attribute__((noinline, weak)) int stage_##i(struct xdp_md *ctx)                          \
	{                                                                                          \
		return STAGE(stage, ctx);                                                          \
	}
#define FUNCTION_DEFINE(i) FUNCTION_DEFINE_AS(i, i)

/* The read-only data is a map too, so of 64 stages the last two must share one. */
CHAIN_STAGES_63(FUNCTION_DEFINE)
FUNCTION_DEFINE_AS(63, 62)

#define FUNCTION_STAGE(i)                                                                          \
	if (i < length) {                                                                          \
		ret = stage_##i(ctx);                                                              \
		if (!((1U << ret) & actions[i]))                                                   \
			return ret;                                                                \
	}

static __always_inline int functions_chain(struct xdp_md *ctx, const int length)
{
	int ret = XDP_PASS;

	CHAIN_STAGES(FUNCTION_STAGE)
	return ret;
}

#define CHAIN_PROGRAM(variant, length)                                                             \
	SEC("?xdp") int variant##_##length(struct xdp_md *ctx)                                     \
	{                                                                                          \
		return variant##_chain(ctx, length);                                               \
	}

#define CHAIN_PROGRAMS(length)                                                                     \
	CHAIN_PROGRAM(floor, length)                                                               \
	CHAIN_PROGRAM(barrier, length)                                                             \
	CHAIN_PROGRAM(opaque, length)                                                              \
	CHAIN_PROGRAM(functions, length)

CHAIN_LENGTHS(CHAIN_PROGRAMS)
