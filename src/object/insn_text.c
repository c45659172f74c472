/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Syntax: what the verifier of Linux 6.12 prints, without the opcode in front. */
#include "object/insn.h"

#include <errno.h>

static char width(const struct bpf_insn *i)
{
	int class = BPF_CLASS(i->code);

	return class == BPF_ALU || class == BPF_JMP32 ? 'w' : 'r';
}

static const char *size_of(const struct bpf_insn *i)
{
	return insn_size_words[BPF_SIZE(i->code) >> 3];
}

/* "be16", "le64", "bswap32" */
static bool byte_order(const struct bpf_insn *i, struct buf *b)
{
	const char *word = BPF_CLASS(i->code) == BPF_ALU64 ? "bswap"
			   : BPF_SRC(i->code) == BPF_X     ? "be"
							   : "le";

	if (i->imm != 16 && i->imm != 32 && i->imm != 64)
		return false;
	buf_fmt(b, "r%d = %s%d r%d", i->dst_reg, word, i->imm, i->dst_reg);
	return true;
}

static bool move(const struct bpf_insn *i, struct buf *b)
{
	bool wide = BPF_CLASS(i->code) == BPF_ALU64;

	if (wide && i->off == INSN_CAST)
		buf_fmt(b, "r%d = addr_space_cast(r%d, %u, %u)", i->dst_reg, i->src_reg,
			(__u32)i->imm >> 16, i->imm & 0xffff);
	else if (wide && i->off == INSN_PERCPU)
		buf_fmt(b, "r%d = &(void __percpu *)(r%d)", i->dst_reg, i->src_reg);
	else if (i->off == 8 || i->off == 16 || (wide && i->off == 32))
		buf_fmt(b, "%c%d = (s%d)%c%d", width(i), i->dst_reg, i->off, width(i), i->src_reg);
	else if (!i->off)
		buf_fmt(b, "%c%d = %c%d", width(i), i->dst_reg, width(i), i->src_reg);
	else
		return false;
	return true;
}

static bool alu(const struct bpf_insn *i, struct buf *b)
{
	int op = BPF_OP(i->code);
	const char *word = insn_alu_words[op >> 4];
	bool by_sign = (op == BPF_DIV || op == BPF_MOD) && i->off == 1;

	if (op == BPF_END)
		return byte_order(i, b);
	if (op == BPF_NEG) {
		buf_fmt(b, "%c%d = -%c%d", width(i), i->dst_reg, width(i), i->dst_reg);
		return true;
	}
	if (op == BPF_MOV && BPF_SRC(i->code) == BPF_X)
		return move(i, b);
	if (!word || (i->off && !by_sign))
		return false;
	buf_fmt(b, "%c%d %s%s ", width(i), i->dst_reg, by_sign ? "s" : "", word);
	if (BPF_SRC(i->code) == BPF_X)
		buf_fmt(b, "%c%d", width(i), i->src_reg);
	else
		buf_fmt(b, "%d", i->imm);
	return true;
}

/* "*(u32 *)(r1 +8)" */
static void place(const struct bpf_insn *i, const char *size, int reg, struct buf *b)
{
	buf_fmt(b, "(%s *)(r%d %+d)", size, reg, i->off);
}

static bool fetching(const struct bpf_insn *i, struct buf *b)
{
	const char *wide = BPF_SIZE(i->code) == BPF_DW ? "64" : "";

	for (size_t k = 0; k < insn_n_atomics; k++) {
		const struct insn_atomic *a = &insn_atomics[k];

		if (a->imm != i->imm)
			continue;
		buf_fmt(b, "r%d = atomic%s_%s(", i->imm == BPF_CMPXCHG ? 0 : i->src_reg, wide,
			a->name);
		place(i, size_of(i), i->dst_reg, b);
		buf_fmt(b, ", %sr%d)", i->imm == BPF_CMPXCHG ? "r0, " : "", i->src_reg);
		return true;
	}
	return false;
}

static bool atomic(const struct bpf_insn *i, struct buf *b)
{
	bool any_size = i->imm == INSN_LOAD_ACQ || i->imm == INSN_STORE_REL;

	if (!any_size && BPF_SIZE(i->code) != BPF_W && BPF_SIZE(i->code) != BPF_DW)
		return false;
	switch (i->imm) {
	case BPF_ADD:
	case BPF_OR:
	case BPF_AND:
	case BPF_XOR:
		buf_str(b, "lock *");
		place(i, size_of(i), i->dst_reg, b);
		buf_fmt(b, " %s r%d", insn_alu_words[i->imm >> 4], i->src_reg);
		return true;
	case INSN_LOAD_ACQ:
		buf_fmt(b, "r%d = load_acquire(", i->dst_reg);
		place(i, size_of(i), i->src_reg, b);
		buf_str(b, ")");
		return true;
	case INSN_STORE_REL:
		buf_str(b, "store_release(");
		place(i, size_of(i), i->dst_reg, b);
		buf_fmt(b, ", r%d)", i->src_reg);
		return true;
	default:
		return fetching(i, b);
	}
}

static bool store(const struct bpf_insn *i, struct buf *b)
{
	int mode = BPF_MODE(i->code);

	if (BPF_CLASS(i->code) == BPF_STX && mode == BPF_ATOMIC)
		return atomic(i, b);
	if (BPF_CLASS(i->code) == BPF_ST && mode == INSN_NOSPEC) {
		buf_str(b, "nospec");
		return true;
	}
	if (mode != BPF_MEM)
		return false;
	buf_str(b, "*");
	place(i, size_of(i), i->dst_reg, b);
	if (BPF_CLASS(i->code) == BPF_STX)
		buf_fmt(b, " = r%d", i->src_reg);
	else
		buf_fmt(b, " = %d", i->imm);
	return true;
}

static bool load(const struct bpf_insn *i, struct buf *b)
{
	static const char *const by_sign[4] = {"s32", "s16", "s8", NULL};
	int mode = BPF_MODE(i->code);
	const char *size = mode == INSN_MEMSX ? by_sign[BPF_SIZE(i->code) >> 3] : size_of(i);

	if ((mode != BPF_MEM && mode != INSN_MEMSX) || !size)
		return false;
	buf_fmt(b, "r%d = *", i->dst_reg);
	place(i, size, i->src_reg, b);
	return true;
}

/* From packets, as in classic BPF; and ld_imm64. */
static bool load_other(const struct bpf_insn *insns, __u32 at, const struct insn_names *names,
		       struct buf *b)
{
	const struct bpf_insn *i = &insns[at];
	int mode = BPF_MODE(i->code);

	if (mode == BPF_ABS && BPF_SIZE(i->code) != BPF_DW) {
		buf_fmt(b, "r0 = *(%s *)skb[%d]", size_of(i), i->imm);
	} else if (mode == BPF_IND && BPF_SIZE(i->code) != BPF_DW) {
		buf_fmt(b, "r0 = *(%s *)skb[r%d + %d]", size_of(i), i->src_reg, i->imm);
	} else if (mode == BPF_IMM && BPF_SIZE(i->code) == BPF_DW) {
		buf_fmt(b, "r%d = ", i->dst_reg);
		if (!names || !names->load || !names->load(names->ctx, i, at, b))
			buf_fmt(b, "0x%llx ll",
				(unsigned long long)(__u32)i[1].imm << 32 | (__u32)i->imm);
	} else {
		return false;
	}
	return true;
}

static void call(const struct bpf_insn *i, __u32 at, const struct insn_names *names, struct buf *b)
{
	const char *helper = i->src_reg ? NULL : insn_helper_name(i->imm);

	buf_str(b, "call ");
	if (names && names->call && names->call(names->ctx, i, at, b))
		return;
	if (i->src_reg == BPF_PSEUDO_CALL)
		buf_fmt(b, "pc%+d", i->imm);
	else if (i->src_reg == BPF_PSEUDO_KFUNC_CALL)
		buf_fmt(b, "kernel-function#%d", i->imm);
	else if (helper)
		buf_fmt(b, "bpf_%s#%d", helper, i->imm);
	else
		buf_fmt(b, "%d", i->imm);
}

static void target(const struct bpf_insn *i, __u32 at, const struct insn_names *names,
		   struct buf *b)
{
	bool in_imm = i->code == (BPF_JMP32 | BPF_JA);

	if (!names || !names->jump || !names->jump(names->ctx, i, at, b))
		buf_fmt(b, "pc%+d", in_imm ? i->imm : i->off);
}

static bool jump(const struct bpf_insn *i, __u32 at, const struct insn_names *names, struct buf *b)
{
	int op = BPF_OP(i->code);
	const char *word = insn_jump_words[op >> 4];
	bool is_goto = op == BPF_JA && BPF_SRC(i->code) == BPF_K;

	if (i->code == (BPF_JMP | BPF_CALL)) {
		call(i, at, names, b);
		return true;
	}
	if (i->code == (BPF_JMP | BPF_EXIT)) {
		buf_str(b, "exit");
		return true;
	}
	if (i->code == (BPF_JMP | BPF_JA | BPF_X)) { /* through a table of targets; Linux 6.19 */
		buf_fmt(b, "gotox r%d", i->dst_reg);
		return true;
	}
	if (is_goto)
		buf_str(b, BPF_CLASS(i->code) == BPF_JMP32 ? "gotol " : "goto ");
	else if (i->code == (BPF_JMP | INSN_JCOND))
		buf_str(b, "may_goto ");
	else if (word && BPF_SRC(i->code) == BPF_X)
		buf_fmt(b, "if %c%d %s %c%d goto ", width(i), i->dst_reg, word, width(i),
			i->src_reg);
	else if (word)
		buf_fmt(b, "if %c%d %s 0x%x goto ", width(i), i->dst_reg, word, (__u32)i->imm);
	else
		return false;
	target(i, at, names, b);
	return true;
}

bool insn_text(const struct bpf_insn *insns, __u32 at, const struct insn_names *names,
	       struct buf *b)
{
	const struct bpf_insn *i = &insns[at];

	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		return alu(i, b);
	case BPF_LDX:
		return load(i, b);
	case BPF_LD:
		return load_other(insns, at, names, b);
	case BPF_ST:
	case BPF_STX:
		return store(i, b);
	default:
		return jump(i, at, names, b);
	}
}
