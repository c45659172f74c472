/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A forward data flow over all functions at once: a static function begins with what all its
 * callers have written. What has other callers (programs, global functions, callbacks) begins
 * with what its type says.
 */
#include "object/arguments.h"

#include <bpf/btf.h>
#include <errno.h>

#define ARGUMENTS 0x3e /* r1 to r5 */

static __u8 by_type(const struct unit *u, const struct func *f)
{
	const struct btf_type *t = btf__type_by_id(u->btf, f->type_id);
	const struct btf_type *proto = t ? btf__type_by_id(u->btf, t->type) : NULL;

	if (!proto || !btf_is_func_proto(proto) || btf_vlen(proto) > 5)
		return ARGUMENTS;
	return ((1u << (btf_vlen(proto) + 1)) - 1) & ARGUMENTS;
}

static void mark_callbacks(const struct unit *u, bool *others)
{
	array_foreach (f, &u->funcs) {
		others[f - u->funcs.v] |= func_is_program(f) || f->global;
		array_foreach (ref, &f->refs)
			if (ref->kind == REF_FUNC)
				others[ref->target] = true;
	}
}

/* What is written behind @i, with @before in front of it. */
static __u8 step(const struct bpf_insn *i, __u8 before)
{
	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
	case BPF_LDX:
		return before | (1u << i->dst_reg & ARGUMENTS);
	case BPF_LD: /* the old packet loads are calls in disguise */
		return insn_is_ld_imm64(i) ? before | (1u << i->dst_reg & ARGUMENTS) : 0;
	default:
		return insn_is_call(i) ? 0 : before;
	}
}

/* Control comes to @at with @written. Return: less is known there than before. */
static bool reach(__u8 *at, __u8 written)
{
	bool less = *at & ~written;

	*at &= written;
	return less;
}

/* One pass over the function. @before: by instruction. */
static bool pass(const struct func *f, __u8 *before)
{
	bool changed = false;

	for (__u32 i = 0; i < f->insns.n; i++) {
		const struct bpf_insn *insn = &f->insns.v[i];
		__u32 next = i + 1 + insn_is_ld_imm64(insn);
		__u8 written = step(insn, before[i]);
		bool jumps;
		__s32 off = 0;

		jumps = insn_is_jump(insn, &off);
		if (jumps && i + 1 + off < f->insns.n)
			changed |= reach(&before[i + 1 + off], written);
		if (next < f->insns.n && !insn_is_exit(insn) &&
		    !(jumps && BPF_OP(insn->code) == BPF_JA))
			changed |= reach(&before[next], written);
		i = next - 1;
	}
	return changed;
}

/* What @f's calls give to static functions. Return: 1: less than was known; 0; -ENOMEM. */
static int visit(const struct func *f, const bool *others, __u8 in, __u8 *all)
{
	_cleanup_free_ __u8 *before = malloc(f->insns.n + 1);
	int changed = 0;

	if (!before)
		return -ENOMEM;
	memset(before, ARGUMENTS, f->insns.n + 1);
	before[0] = in;
	while (pass(f, before))
		;
	array_foreach (ref, &f->refs)
		if (ref->kind == REF_CALL && !others[ref->target])
			changed |= reach(&all[ref->target], before[ref->insn]);
	return changed;
}

int find_arguments(const struct unit *u, __u8 **ret)
{
	_cleanup_free_ __u8 *in = malloc(u->funcs.n + 1);
	_cleanup_free_ bool *others = calloc(u->funcs.n + 1, sizeof(*others));
	int r = 1;

	if (!in || !others)
		return -ENOMEM;
	mark_callbacks(u, others);
	for (__u32 i = 0; i < u->funcs.n; i++)
		in[i] = others[i] ? by_type(u, &u->funcs.v[i]) : ARGUMENTS;
	while (r > 0) {
		r = 0;
		for (__u32 i = 0; i < u->funcs.n && r >= 0; i++) {
			int less = u->funcs.v[i].dead ? 0
						      : visit(&u->funcs.v[i], others, in[i], in);

			r = less < 0 ? less : r | less;
		}
	}
	if (r)
		return r;
	*ret = TAKE_PTR(in);
	return 0;
}
