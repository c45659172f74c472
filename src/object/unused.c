/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * "return XDP_PASS;" moves 2 into r0. When the way from there leads straight to the next
 * stage, or to a place that sets the verdict itself, nobody reads it. Liveness of one
 * register, backwards; the next stage cannot read what it did not write.
 */
#include "object/unused.h"

#include <errno.h>

static bool label_reads(enum label label)
{
	return label == LABEL_CHECK || label == LABEL_OUT || label == LABEL_EXIT;
}

static bool is_move_to_r0(const struct bpf_insn *i)
{
	int class = BPF_CLASS(i->code);

	return (class == BPF_ALU || class == BPF_ALU64) && BPF_OP(i->code) == BPF_MOV &&
	       i->dst_reg == BPF_REG_0;
}

static bool reads_r0(const struct bpf_insn *i)
{
	int class = BPF_CLASS(i->code), op = BPF_OP(i->code);
	bool src = BPF_SRC(i->code) == BPF_X && i->src_reg == BPF_REG_0;

	switch (class) {
	case BPF_ALU:
	case BPF_ALU64:
		return src || (i->dst_reg == BPF_REG_0 && op != BPF_MOV);
	case BPF_LDX:
		return i->src_reg == BPF_REG_0;
	case BPF_ST:
		return i->dst_reg == BPF_REG_0;
	case BPF_STX: /* compare-and-exchange takes its old value in r0 */
		return i->dst_reg == BPF_REG_0 || i->src_reg == BPF_REG_0 ||
		       (BPF_MODE(i->code) == BPF_ATOMIC && i->imm == BPF_CMPXCHG);
	case BPF_LD:
		return !insn_is_ld_imm64(i); /* the old packet loads: not known so well */
	default: /* jumps; calls read r1 to r5, and a call through a register names it in dst */
		return !insn_is_exit(i) && op != BPF_JA && (src || i->dst_reg == BPF_REG_0) &&
		       (!insn_is_call(i) || BPF_SRC(i->code) == BPF_X);
	}
}

static bool writes_r0(const struct bpf_insn *i)
{
	int class = BPF_CLASS(i->code);

	return insn_is_call(i) || is_move_to_r0(i) ||
	       ((class == BPF_LDX || insn_is_ld_imm64(i)) && i->dst_reg == BPF_REG_0);
}

/* Is r0 read after instruction @at, on any way? @live: by instruction, before it. */
static bool live_after(const struct func *f, const struct exits *x, const bool *live, __u32 at)
{
	const struct bpf_insn *i = &f->insns.v[at];
	__u32 next = at + 1 + insn_is_ld_imm64(i);
	bool after = false;
	__s32 off;

	if (insn_is_exit(i))
		return label_reads(x->label[at]);
	if (insn_is_jump(i, &off)) {
		after = x->label[at] != LABEL_NONE ? label_reads(x->label[at]) : live[at + 1 + off];
		if (BPF_OP(i->code) == BPF_JA)
			return after;
	}
	return after || (next < f->insns.n && live[next]);
}

static void find_live(const struct func *f, const struct exits *x, const bool *second, bool *live)
{
	bool changed;

	do {
		changed = false;
		for (__u32 at = f->insns.n; at-- > 0;) {
			const struct bpf_insn *i = &f->insns.v[at];
			bool now;

			if (second[at])
				continue;
			now = reads_r0(i) || (!writes_r0(i) && live_after(f, x, live, at));
			changed |= now != live[at];
			live[at] = now;
		}
	} while (changed);
}

int unused_verdicts(const struct func *f, const struct exits *x, bool **ret)
{
	_cleanup_free_ bool *live = calloc(f->insns.n, sizeof(*live));
	_cleanup_free_ bool *second = calloc(f->insns.n, sizeof(*second));
	_cleanup_free_ bool *unused = calloc(f->insns.n, sizeof(*unused));

	if (!live || !second || !unused)
		return -ENOMEM;
	for (__u32 i = 0; i + 1 < f->insns.n; i++)
		if (insn_is_ld_imm64(&f->insns.v[i]))
			second[++i] = true;
	find_live(f, x, second, live);
	for (__u32 i = 0; i < f->insns.n; i++)
		unused[i] = !second[i] && is_move_to_r0(&f->insns.v[i]) &&
			    !live_after(f, x, live, i);
	array_foreach (c, &f->cores) /* the loader expects to find what it relocates */
		unused[c->insn] = false;
	*ret = TAKE_PTR(unused);
	return 0;
}
