/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Instructions as text: the words of the kernel's verifier log and of bpftool, which the
 * assembler takes, too. The whole language: docs/asm.md.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include "base/text.h"

/* Of the instruction set, what <linux/bpf.h> of Linux 6.1 does not have yet. */
#define INSN_MEMSX     0x80  /* mode of a load that extends the sign; Linux 6.6 */
#define INSN_NOSPEC    0xc0  /* mode of ST: a speculation barrier; the verifier's own */
#define INSN_JCOND     0xe0  /* may_goto; Linux 6.9 */
#define INSN_LOAD_ACQ  0x100 /* atomic, in imm; Linux 6.15 */
#define INSN_STORE_REL 0x110
#define INSN_CAST      1    /* off of r1 = r2: a change of the address space; Linux 6.9 */
#define INSN_PERCPU    (-1) /* off of r1 = r2: the address on this CPU; the verifier's own */

/* By BPF_OP() >> 4; NULL: no such operation. */
extern const char *const insn_alu_words[16];  /* "+=" */
extern const char *const insn_jump_words[16]; /* "s>=" */
/* By BPF_SIZE() >> 3. */
extern const char *const insn_size_words[4]; /* "u32" */

/* What atomics without a sign of their own are called. */
struct insn_atomic {
	const char *name; /* "fetch_add" */
	__s32 imm;
};

extern const struct insn_atomic insn_atomics[];
extern const size_t insn_n_atomics;

/* "map_lookup_elem"; NULL: none is known by that number. */
const char *insn_helper_name(__s32 helper);
/* With "bpf_" in front or without. -1: there is none. */
int insn_helper_number(const char *name, size_t n);

/*
 * How things outside of an instruction are called: what stands behind "call ", behind
 * "r1 = " of an ld_imm64, behind "goto ". Each adds that, or nothing: then it is a number.
 */
struct insn_names {
	bool (*call)(void *ctx, const struct bpf_insn *insn, __u32 at, struct buf *b);
	bool (*load)(void *ctx, const struct bpf_insn *insn, __u32 at, struct buf *b);
	bool (*jump)(void *ctx, const struct bpf_insn *insn, __u32 at, struct buf *b);
	void *ctx;
};

/*
 * Adds the text of insns[at], without an end of line. @names: may be NULL. An ld_imm64 takes
 * two slots, and both must be there. false: it is none that anybody knows; nothing is added.
 * Fields that the instruction does not use are not looked at.
 */
bool insn_text(const struct bpf_insn *insns, __u32 at, const struct insn_names *names,
	       struct buf *b);
