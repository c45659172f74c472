/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/insn.h"

#include <string.h>

#define WORD(op, text) [(op) >> 4] = text

const char *const insn_alu_words[16] = {
	WORD(BPF_ADD, "+="), WORD(BPF_SUB, "-="), WORD(BPF_MUL, "*="),    WORD(BPF_DIV, "/="),
	WORD(BPF_OR, "|="),  WORD(BPF_AND, "&="), WORD(BPF_LSH, "<<="),   WORD(BPF_RSH, ">>="),
	WORD(BPF_MOD, "%="), WORD(BPF_XOR, "^="), WORD(BPF_ARSH, "s>>="), WORD(BPF_MOV, "="),
};

const char *const insn_jump_words[16] = {
	WORD(BPF_JEQ, "=="), WORD(BPF_JGT, ">"),   WORD(BPF_JGE, ">="),   WORD(BPF_JSET, "&"),
	WORD(BPF_JNE, "!="), WORD(BPF_JSGT, "s>"), WORD(BPF_JSGE, "s>="), WORD(BPF_JLT, "<"),
	WORD(BPF_JLE, "<="), WORD(BPF_JSLT, "s<"), WORD(BPF_JSLE, "s<="),
};

const char *const insn_size_words[4] = {"u32", "u16", "u8", "u64"};

const struct insn_atomic insn_atomics[] = {
	{"fetch_add", BPF_ADD | BPF_FETCH},
	{"fetch_or", BPF_OR | BPF_FETCH},
	{"fetch_and", BPF_AND | BPF_FETCH},
	{"fetch_xor", BPF_XOR | BPF_FETCH},
	{"xchg", BPF_XCHG},
	{"cmpxchg", BPF_CMPXCHG},
};
const size_t insn_n_atomics = sizeof(insn_atomics) / sizeof(*insn_atomics);

/* clang-format off */
#define HELPER(name) #name
static const char *const helpers[] = {
	__BPF_FUNC_MAPPER(HELPER)
	/* the last ones that there will ever be; Linux 6.2 */
	[210] = "cgrp_storage_get",
	[211] = "cgrp_storage_delete",
};
/* clang-format on */

#define N_HELPERS ((int)(sizeof(helpers) / sizeof(*helpers)))

const char *insn_helper_name(__s32 helper)
{
	return helper > 0 && helper < N_HELPERS ? helpers[helper] : NULL;
}

int insn_helper_number(const char *name, size_t n)
{
	if (n > 4 && !strncmp(name, "bpf_", 4)) {
		name += 4;
		n -= 4;
	}
	for (int i = 1; i < N_HELPERS; i++)
		if (helpers[i] && strlen(helpers[i]) == n && !strncmp(helpers[i], name, n))
			return i;
	return -1;
}
