/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/ctx.h"

bool ctx_is_preserved(const struct func *f)
{
	array_foreach (i, &f->insns) {
		int class = BPF_CLASS(i->code);
		bool writes = class == BPF_ALU || class == BPF_ALU64 || class == BPF_LDX ||
			      class == BPF_LD;

		/* of BPF_STX only atomic operations write a register, and then either */
		if (insn_is_call(i) || (writes && i->dst_reg == BPF_REG_1) ||
		    (class == BPF_STX && BPF_MODE(i->code) == BPF_ATOMIC &&
		     (i->src_reg == BPF_REG_1 || i->dst_reg == BPF_REG_1)))
			return false;
	}
	return true;
}

static bool is_move(const struct bpf_insn *i)
{
	int class = BPF_CLASS(i->code);

	return (class == BPF_ALU || class == BPF_ALU64) && BPF_OP(i->code) == BPF_MOV;
}

/* Reads r1 otherwise than as the address of a load, or the source of a move or a store. */
static bool needs_r1(const struct bpf_insn *i)
{
	int class = BPF_CLASS(i->code);

	switch (class) {
	case BPF_LDX:
		return false;
	case BPF_ALU:
	case BPF_ALU64:
		if (is_move(i))
			return i->src_reg == BPF_REG_1 && (class == BPF_ALU || i->off);
		return i->dst_reg == BPF_REG_1 ||
		       (BPF_SRC(i->code) == BPF_X && i->src_reg == BPF_REG_1);
	case BPF_ST:
		return i->dst_reg == BPF_REG_1;
	case BPF_STX:
		return i->dst_reg == BPF_REG_1 || BPF_MODE(i->code) != BPF_MEM;
	default:
		return !insn_is_ld_imm64(i);
	}
}

static bool overwrites_r1(const struct bpf_insn *i)
{
	return i->dst_reg == BPF_REG_1 &&
	       (BPF_CLASS(i->code) == BPF_LDX || is_move(i) || insn_is_ld_imm64(i));
}

static bool is_jumped_to(const struct func *f, int last)
{
	bool second = false;

	for (__u32 i = 0; i < f->insns.n; i++) {
		__s32 off;

		if (!second && insn_is_jump(&f->insns.v[i], &off) && (__s64)i + 1 + off <= last)
			return true;
		second = !second && insn_is_ld_imm64(&f->insns.v[i]);
	}
	return false;
}

int ctx_overwritten_at(const struct func *f)
{
	for (__u32 i = 0; i < f->insns.n; i++) {
		const struct bpf_insn *insn = &f->insns.v[i];

		if (needs_r1(insn))
			return -1;
		if (overwrites_r1(insn))
			return is_jumped_to(f, i) ? -1 : (int)i;
		i += insn_is_ld_imm64(insn);
	}
	return -1;
}

bool func_mentions(const struct func *f, int reg)
{
	bool second = false;

	array_foreach (i, &f->insns) {
		if (!second && (i->dst_reg == reg || i->src_reg == reg))
			return true;
		second = !second && insn_is_ld_imm64(i);
	}
	return false;
}
