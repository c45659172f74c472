/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The frame pointer cannot be changed, so what is counted from it is:
 *
 *	*(u64 *)(r10 - 8) = r1		*(u64 *)(r10 - 72) = r1
 *	r2 = r10			r2 = r10
 *					r2 += -64
 *	r2 += -16			r2 += -16
 *
 * An instruction that is put in moves all that is behind it: jumps, references, lines, records.
 */
#include "object/frame.h"

#include <errno.h>
#include <stdint.h>

#include "object/analyse.h"

enum use {
	USE_NONE,
	USE_ACCESS, /* loads or stores at an offset from it */
	USE_COPY,   /* copies it to a register */
	USE_OTHER
};

static enum use frame_use(const struct bpf_insn *i)
{
	bool dst = i->dst_reg == BPF_REG_10, src = i->src_reg == BPF_REG_10;

	if (!dst && (!src || insn_is_ld_imm64(i))) /* there it is a kind of address */
		return USE_NONE;
	switch (BPF_CLASS(i->code)) {
	case BPF_LDX:
		return dst || i->off < -STACK_LIMIT ? USE_OTHER : USE_ACCESS;
	case BPF_ST:
	case BPF_STX:
		return src || i->off < -STACK_LIMIT ? USE_OTHER : USE_ACCESS;
	case BPF_ALU64:
		return !dst && BPF_OP(i->code) == BPF_MOV && !i->off ? USE_COPY : USE_OTHER;
	default:
		return USE_OTHER;
	}
}

/* The loader may put another offset into it. */
static bool is_relocated(const struct func *f, __u32 at)
{
	array_foreach (c, &f->cores)
		if (c->insn == at)
			return true;
	return false;
}

bool frame_moves(const struct func *f, __u32 *ret_more)
{
	__u32 more = 0;

	for (__u32 i = 0; i < f->insns.n; i++) {
		enum use use = frame_use(&f->insns.v[i]);

		if (use == USE_OTHER || (use && is_relocated(f, i)))
			return false;
		more += use == USE_COPY;
		i += insn_is_ld_imm64(&f->insns.v[i]);
	}
	if (ret_more)
		*ret_more = more;
	return true;
}

/* Where each instruction will be; behind the last one, too. */
static void find_places(const struct func *f, __u32 *to)
{
	__u32 at = 0;

	for (__u32 i = 0; i < f->insns.n; i++) {
		to[i] = at++;
		if (frame_use(&f->insns.v[i]) == USE_COPY)
			at++;
		if (insn_is_ld_imm64(&f->insns.v[i]))
			to[++i] = at++;
	}
	to[f->insns.n] = at;
}

/* false: it is too long now. */
static bool move_jump(struct bpf_insn *i, const __u32 *to, __u32 from, __u32 n)
{
	bool wide = BPF_CLASS(i->code) == BPF_JMP32 && BPF_OP(i->code) == BPF_JA;
	__s32 jump;
	__s64 target;

	if (!insn_is_jump(i, &jump))
		return true;
	target = (__s64)from + 1 + jump;
	if (target < 0 || target > n) /* nonsense: the verifier says so */
		return true;
	target = (__s64)to[target] - to[from] - 1;
	if (wide)
		i->imm = target;
	else
		i->off = target;
	return wide || (target >= INT16_MIN && target <= INT16_MAX);
}

static int lower_insns(const struct func *f, const __u32 *to, __u32 by, struct bpf_insn *out)
{
	for (__u32 i = 0; i < f->insns.n; i++) {
		struct bpf_insn *moved = &out[to[i]];
		enum use use = frame_use(&f->insns.v[i]);

		*moved = f->insns.v[i];
		if (insn_is_ld_imm64(moved)) {
			i++;
			out[to[i]] = f->insns.v[i];
			continue;
		}
		if (use == USE_ACCESS)
			moved->off -= by;
		if (use == USE_COPY)
			moved[1] = (struct bpf_insn){.code = BPF_ALU64 | BPF_ADD | BPF_K,
						     .dst_reg = moved->dst_reg,
						     .imm = -(__s32)by};
		if (!move_jump(moved, to, i, f->insns.n))
			return -E2BIG;
	}
	return 0;
}

int frame_lower(struct func *f, __u32 by)
{
	_cleanup_free_ __u32 *to = calloc(f->insns.n + 1, sizeof(*to));
	_cleanup_free_ struct bpf_insn *out = NULL;
	__u32 more;
	int r;

	if (!frame_moves(f, &more))
		return -EINVAL;
	out = calloc(f->insns.n + more, sizeof(*out));
	if (!to || !out)
		return -ENOMEM;
	find_places(f, to);
	r = lower_insns(f, to, by, out);
	if (r)
		return r;
	array_foreach (ref, &f->refs)
		ref->insn = to[ref->insn];
	array_foreach (line, &f->lines)
		line->insn = to[line->insn];
	array_foreach (core, &f->cores)
		core->insn = to[core->insn];
	free(f->insns.v);
	f->insns.v = TAKE_PTR(out);
	f->insns.n += more;
	f->insns.cap = f->insns.n;
	return 0;
}
