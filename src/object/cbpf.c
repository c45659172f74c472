/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Each instruction becomes some: A is r7, X is r8, the scratch memory is the stack. r6 is the
 * context, r9 the packet's first byte.
 */
#include "object/cbpf.h"

#include <errno.h>
#include <linux/filter.h>
#include <stddef.h>

#include "base/error.h"
#include "object/emit.h"

#define CTX  BPF_REG_6
#define A    BPF_REG_7
#define X    BPF_REG_8
#define DATA BPF_REG_9

/* Offsets from the frame pointer. */
#define WORD(i) (-4 * ((int)(i) + 1))
#define LOADED  (-4 * BPF_MEMWORDS - 8)

/* Packets' offsets that the verifier follows: MAX_PACKET_OFF, less the widest load. */
#define LINEAR_LIMIT 0xfff0

/* Not in Debian 12's <linux/bpf.h> as macros, but there as numbers for ever. */
#define XDP_GET_BUFF_LEN 188
#define XDP_LOAD_BYTES   189

struct compiler {
	struct emitter e;
	const struct cbpf_opts *opts;
};

static void emit_alu32(struct compiler *c, int op, int dst, int src)
{
	emit_insn(&c->e,
		  (struct bpf_insn){.code = BPF_ALU | op | BPF_X, .dst_reg = dst, .src_reg = src});
}

static void emit_alu32_imm(struct compiler *c, int op, int dst, __u32 imm)
{
	emit_insn(&c->e, (struct bpf_insn){.code = BPF_ALU | op, .dst_reg = dst, .imm = imm});
}

static __u32 emit_jump(struct compiler *c, int op, int dst, int src)
{
	emit_insn(&c->e,
		  (struct bpf_insn){.code = BPF_JMP | op | BPF_X, .dst_reg = dst, .src_reg = src});
	return emit_here(&c->e) - 1;
}

static __u32 emit_jump_imm(struct compiler *c, int op, int dst, __s32 imm)
{
	emit_insn(&c->e, (struct bpf_insn){.code = BPF_JMP | op, .dst_reg = dst, .imm = imm});
	return emit_here(&c->e) - 1;
}

/* The jump leads here. */
static void land(struct compiler *c, __u32 jump)
{
	if (!c->e.failed)
		c->e.out.insns.v[jump].off = emit_here(&c->e) - jump - 1;
}

static void emit_return(struct compiler *c, __u32 k)
{
	emit_mov32(&c->e, BPF_REG_0, k);
	emit_exit(&c->e);
}

static void emit_context(struct compiler *c, int reg, bool end)
{
	size_t at = end ? offsetof(struct xdp_md, data_end) : offsetof(struct xdp_md, data);

	if (c->opts->skb)
		at = end ? offsetof(struct __sk_buff, data_end) : offsetof(struct __sk_buff, data);
	emit_load(&c->e, BPF_W, reg, CTX, at);
}

static void emit_swap(struct compiler *c, int reg, int size)
{
	if (size != BPF_B)
		emit_alu32_imm(c, BPF_END | BPF_TO_BE, reg, size == BPF_W ? 32 : 16);
}

static int bytes_of(int size)
{
	return size == BPF_W ? 4 : size == BPF_H ? 2 : 1;
}

/* @to = what is at offset r3 of the packet, in another buffer than the first, perhaps. */
static void emit_load_far(struct compiler *c, int to, int size)
{
	__u32 beyond, fine;

	emit_mov32(&c->e, BPF_REG_1, 0x7fffffff);
	beyond = emit_jump(c, BPF_JGT, BPF_REG_3, BPF_REG_1);
	emit_mov(&c->e, BPF_REG_1, CTX);
	emit_mov(&c->e, BPF_REG_2, BPF_REG_3);
	emit_mov(&c->e, BPF_REG_3, BPF_REG_10);
	emit_alu64(&c->e, BPF_ADD, BPF_REG_3, LOADED);
	emit_mov32(&c->e, BPF_REG_4, bytes_of(size));
	emit_helper(&c->e, c->opts->skb ? BPF_FUNC_skb_load_bytes : XDP_LOAD_BYTES);
	fine = emit_jump_imm(c, BPF_JEQ, BPF_REG_0, 0);
	land(c, beyond);
	emit_return(c, 0);
	land(c, fine);
	emit_load(&c->e, size, to, BPF_REG_10, LOADED);
}

/* @to = what is at offset r3, which has up to 33 bits; or the end. */
static void emit_packet(struct compiler *c, int to, int size)
{
	__u32 far, beyond, done;
	int n = bytes_of(size);

	far = emit_jump_imm(c, BPF_JGT, BPF_REG_3, LINEAR_LIMIT);
	emit_mov(&c->e, BPF_REG_1, DATA);
	emit_add(&c->e, BPF_REG_1, BPF_REG_3);
	emit_alu64(&c->e, BPF_ADD, BPF_REG_1, n);
	emit_context(c, BPF_REG_2, true);
	beyond = emit_jump(c, BPF_JGT, BPF_REG_1, BPF_REG_2);
	emit_load(&c->e, size, to, BPF_REG_1, -n);
	emit_insn(&c->e, (struct bpf_insn){.code = BPF_JMP | BPF_JA});
	done = emit_here(&c->e) - 1;
	land(c, far);
	land(c, beyond);
	if (c->opts->several_buffers)
		emit_load_far(c, to, size);
	else
		emit_return(c, 0);
	land(c, done);
	emit_swap(c, to, size);
}

static void emit_length(struct compiler *c, int to)
{
	if (c->opts->skb) {
		emit_load(&c->e, BPF_W, to, CTX, offsetof(struct __sk_buff, len));
	} else if (c->opts->several_buffers) {
		emit_mov(&c->e, BPF_REG_1, CTX);
		emit_helper(&c->e, XDP_GET_BUFF_LEN);
		emit_alu32(c, BPF_MOV, to, BPF_REG_0);
	} else {
		emit_context(c, to, true);
		emit_insn(&c->e, (struct bpf_insn){.code = BPF_ALU64 | BPF_SUB | BPF_X,
						   .dst_reg = to,
						   .src_reg = DATA});
	}
}

static void emit_ld(struct compiler *c, const struct braid_filter *in)
{
	int to = BPF_CLASS(in->code) == BPF_LD ? A : X;

	switch (BPF_MODE(in->code)) {
	case BPF_IMM:
		emit_mov32(&c->e, to, in->k);
		break;
	case BPF_MEM:
		emit_load(&c->e, BPF_W, to, BPF_REG_10, WORD(in->k));
		break;
	case BPF_LEN:
		emit_length(c, to);
		break;
	case BPF_MSH:
		emit_mov32(&c->e, BPF_REG_3, in->k);
		emit_packet(c, to, BPF_B);
		emit_alu32_imm(c, BPF_AND, to, 0xf);
		emit_alu32_imm(c, BPF_LSH, to, 2);
		break;
	default:
		emit_mov32(&c->e, BPF_REG_3, in->k);
		if (BPF_MODE(in->code) == BPF_IND)
			emit_add(&c->e, BPF_REG_3, X);
		emit_packet(c, to, BPF_SIZE(in->code));
	}
}

/* By X: 0 ends the filter; shifts by 32 bits and more leave nothing. */
static void emit_alu(struct compiler *c, const struct braid_filter *in)
{
	int op = BPF_OP(in->code);
	__u32 jump;

	if (op == BPF_NEG || BPF_SRC(in->code) == BPF_K) {
		emit_alu32_imm(c, op, A, op == BPF_NEG ? 0 : in->k);
		return;
	}
	if (op == BPF_DIV || op == BPF_MOD) {
		jump = emit_jump_imm(c, BPF_JNE, X, 0);
		emit_return(c, 0);
		land(c, jump);
	}
	if (op == BPF_LSH || op == BPF_RSH) {
		jump = emit_jump_imm(c, BPF_JLT, X, 32);
		emit_mov32(&c->e, A, 0);
		land(c, jump);
	}
	emit_alu32(c, op, A, X);
}

static void emit_branch(struct compiler *c, const struct braid_filter *in, size_t i)
{
	bool by_x = BPF_SRC(in->code) == BPF_X;

	if (BPF_OP(in->code) == BPF_JA) {
		emit_goto(&c->e, i + 1 + in->k);
		return;
	}
	emit_insn(&c->e, (struct bpf_insn){.code = BPF_JMP32 | BPF_OP(in->code) | BPF_SRC(in->code),
					   .dst_reg = A,
					   .src_reg = by_x ? X : 0,
					   .imm = by_x ? 0 : in->k});
	emit_fix_later(&c->e, i + 1 + in->jt);
	if (in->jf)
		emit_goto(&c->e, i + 1 + in->jf);
}

static void emit_one(struct compiler *c, const struct braid_filter *in, size_t i)
{
	switch (BPF_CLASS(in->code)) {
	case BPF_LD:
	case BPF_LDX:
		emit_ld(c, in);
		break;
	case BPF_ST:
	case BPF_STX:
		emit_store(&c->e, BPF_W, BPF_REG_10, WORD(in->k),
			   BPF_CLASS(in->code) == BPF_ST ? A : X);
		break;
	case BPF_ALU:
		emit_alu(c, in);
		break;
	case BPF_JMP:
		emit_branch(c, in, i);
		break;
	case BPF_RET:
		if (BPF_RVAL(in->code) == BPF_A)
			emit_alu32(c, BPF_MOV, BPF_REG_0, A);
		else
			emit_mov32(&c->e, BPF_REG_0, in->k);
		emit_exit(&c->e);
		break;
	default:
		emit_alu32(c, BPF_MOV, in->code == (BPF_MISC | BPF_TAX) ? X : A,
			   in->code == (BPF_MISC | BPF_TAX) ? A : X);
	}
}

/* What nobody has stored is 0. */
static void emit_prologue(struct compiler *c, const struct braid_filter *filter, size_t n)
{
	__u32 words = 0;

	for (size_t i = 0; i < n; i++) {
		int class = BPF_CLASS(filter[i].code);

		if ((class == BPF_LD || class == BPF_LDX) && BPF_MODE(filter[i].code) == BPF_MEM)
			words |= 1u << filter[i].k;
	}
	emit_mov(&c->e, CTX, BPF_REG_1);
	emit_context(c, DATA, false);
	emit_mov32(&c->e, A, 0);
	emit_mov32(&c->e, X, 0);
	for (int w = 0; w < BPF_MEMWORDS; w++)
		if (words & 1u << w)
			emit_store(&c->e, BPF_W, BPF_REG_10, WORD(w), A);
}

/* The verifier wants no code that nothing leads to. Jumps lead forward only. */
static void find_reached(const struct braid_filter *filter, size_t n, bool *reached)
{
	reached[0] = true;
	for (size_t i = 0; i < n; i++) {
		const struct braid_filter *in = &filter[i];

		if (!reached[i] || BPF_CLASS(in->code) == BPF_RET)
			continue;
		if (BPF_CLASS(in->code) != BPF_JMP)
			reached[i + 1] = true;
		else if (BPF_OP(in->code) == BPF_JA)
			reached[i + 1 + in->k] = true;
		else
			reached[i + 1 + in->jt] = reached[i + 1 + in->jf] = true;
	}
}

int cbpf_compile(const struct braid_filter *filter, size_t n, const struct cbpf_opts *opts,
		 struct func *f, struct braid_error *err)
{
	struct compiler c = {.opts = opts};
	bool reached[CBPF_LIMIT] = {};
	int r = cbpf_check(filter, n, err);

	if (r)
		return r;
	if (emitter_init(&c.e, n))
		return error_oom(err);
	find_reached(filter, n, reached);
	emit_prologue(&c, filter, n);
	for (size_t i = 0; i < n; i++) {
		if (!reached[i])
			continue;
		emit_label(&c.e, i);
		emit_one(&c, &filter[i], i);
	}
	if (c.e.too_far) {
		error_set(err, -E2BIG, "filter", "a jump in it would be too long");
		r = -E2BIG;
	} else if (c.e.failed || func_set_body(f, c.e.out.insns.v, c.e.out.insns.n)) {
		r = error_oom(err);
	}
	emitter_done(&c.e);
	return r;
}
