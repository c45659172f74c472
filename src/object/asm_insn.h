/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* One instruction of assembler text. Pure: what names mean is found out by who asks. */
#pragma once

#include "object/asm_scan.h"
#include "object/unit.h"

enum asm_name {
	ASM_NO_NAME,
	ASM_LABEL,   /* a jump to it */
	ASM_CALL,    /* of a function of the object, or of the kernel */
	ASM_CALL_PC, /* of the function @addend instructions from the next one */
	ASM_MAP,     /* "map[name]+addend" */
	ASM_ADDRESS, /* "&name+addend" */
};

struct asm_insn {
	struct bpf_insn insn[2];
	__u32 n; /* 1, or 2: ld_imm64 */
	enum asm_name kind;
	struct word name;
	__s64 addend;
	struct scan at; /* where the name stands */
};

/*
 * @opcode: "(b7)" stood in front of it, as in the verifier's log; -1: did not. Where text has
 * two readings ("r1 = 0x5") it decides; else it must be that of the text.
 */
int asm_insn(struct scan *s, int opcode, struct asm_insn *ret);

/* What asm_insn.c and asm_assign.c share. */
int asm_register(struct scan *s, __u8 *ret, bool *ret_wide);
int asm_wide_register(struct scan *s, __u8 *ret);
int asm_immediate(struct scan *s, __s32 *ret);
/* "(u32 *)"; @ret_by_sign: also "s8" to "s32"; NULL: not these. */
int asm_size(struct scan *s, __u8 *ret, bool *ret_by_sign);
/* "(r1 +8)" */
int asm_base(struct scan *s, __u8 *ret_reg, __s16 *ret_off);
/* The longest of @words, by BPF_OP() >> 4, that stands here. */
int asm_operation(struct scan *s, const char *const words[16], const char *what, __u8 *ret);
/* What begins with a register. */
int asm_assign(struct scan *s, int opcode, __u8 dst, bool wide, struct asm_insn *i);
