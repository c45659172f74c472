/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/asm_insn.h"

#include <errno.h>
#include <stdint.h>

#include "object/insn.h"

#define IMM_LOW  INT32_MIN
#define IMM_HIGH UINT32_MAX /* 0xffffffff is -1 */

int asm_register(struct scan *s, __u8 *ret, bool *ret_wide)
{
	return scan_register(s, ret, ret_wide) ? 0 : scan_expected(s, "a register (r0 to r10)");
}

/* One of 64 bits. */
int asm_wide_register(struct scan *s, __u8 *ret)
{
	const char *was = s->at;
	bool wide;
	int r = asm_register(s, ret, &wide);

	if (r || wide)
		return r;
	s->at = was;
	return scan_expected(s, "a register of 64 bits, r0 to r10");
}

int asm_immediate(struct scan *s, __s32 *ret)
{
	__s64 n;
	int r = scan_number(s, "number of 32 bits", IMM_LOW, IMM_HIGH, &n);

	*ret = n;
	return r;
}

/* "u8" to "u64", or with @ret_by_sign "s8" to "s32". */
static int size_word(struct scan *s, __u8 *ret, bool *ret_by_sign)
{
	struct word w;
	const char *was = s->at;

	if (scan_word(s, &w) && w.n <= 3)
		for (int i = 0; i < 4; i++)
			if (w.n == strlen(insn_size_words[i]) &&
			    !memcmp(w.v + 1, insn_size_words[i] + 1, w.n - 1) &&
			    (w.v[0] == 'u' || (w.v[0] == 's' && ret_by_sign && i != 3))) {
				*ret = i << 3;
				if (ret_by_sign)
					*ret_by_sign = w.v[0] == 's';
				return 0;
			}
	s->at = was;
	return scan_expected(s, ret_by_sign ? "u8, u16, u32, u64, s8, s16 or s32"
					    : "u8, u16, u32 or u64");
}

int asm_size(struct scan *s, __u8 *ret, bool *ret_by_sign)
{
	int r = scan_expect(s, "(") ?: size_word(s, ret, ret_by_sign);

	return r ?: scan_expect(s, "*") ?: scan_expect(s, ")");
}

int asm_base(struct scan *s, __u8 *ret_reg, __s16 *ret_off)
{
	__s64 off = 0;
	int r = scan_expect(s, "(") ?: asm_wide_register(s, ret_reg);

	if (!r && !scan_sign(s, ")")) {
		if (!scan_is_number(s)) /* "+ 8" */
			scan_sign(s, "+");
		r = scan_number(s, "offset", INT16_MIN, INT16_MAX, &off) ?: scan_expect(s, ")");
	}
	*ret_off = off;
	return r;
}

/* "(u32 *)(r1 +8)" */
static int place(struct scan *s, __u8 *ret_size, __u8 *ret_reg, __s16 *ret_off)
{
	return asm_size(s, ret_size, NULL) ?: asm_base(s, ret_reg, ret_off);
}

/* Where a jump goes. "pc+3" and "+3" count from the next instruction. */
static int target(struct scan *s, struct asm_insn *i, bool in_imm)
{
	const char *was;
	__s64 n;
	int r;

	scan_is_end(s); /* skips blanks */
	was = s->at;
	i->at = *s;
	if (scan_keyword(s, "pc") || scan_is_number(s)) {
		if (!scan_is_number(s) || (*s->at != '+' && *s->at != '-')) {
			s->at = was;
			return scan_expected(s, "a label, or pc+N, or pc-N");
		}
		r = scan_number(s, "distance", in_imm ? INT32_MIN : INT16_MIN,
				in_imm ? INT32_MAX : INT16_MAX, &n);
		if (in_imm)
			i->insn[0].imm = n;
		else
			i->insn[0].off = n;
		return r;
	}
	i->kind = ASM_LABEL;
	return scan_name(s, "a label, or pc+N, or pc-N", &i->name);
}

static int jump(struct scan *s, struct asm_insn *i, __u8 code)
{
	i->insn[0].code = code;
	return target(s, i, code == (BPF_JMP32 | BPF_JA));
}

/* The longest of @words that stands here. */
int asm_operation(struct scan *s, const char *const words[16], const char *what, __u8 *ret)
{
	int best = -1;

	scan_is_end(s);
	for (int op = 0; op < 16; op++) {
		size_t n = words[op] ? strlen(words[op]) : 0;

		if (n && (size_t)(s->end - s->at) >= n && !memcmp(s->at, words[op], n) &&
		    (best < 0 || n > strlen(words[best])))
			best = op;
	}
	if (best < 0)
		return scan_expected(s, what);
	s->at += strlen(words[best]);
	*ret = best << 4;
	return 0;
}

/* "if w0 == 0x2 goto pc+3" */
static int branch(struct scan *s, struct asm_insn *i)
{
	__u8 dst, src = 0, op = 0, source = BPF_K;
	bool wide = true, same = true;
	const char *was;
	int r = asm_register(s, &dst, &wide)
			?: asm_operation(s, insn_jump_words, "a comparison, such as == or s>", &op);

	scan_is_end(s);
	was = s->at;
	if (!r && scan_register(s, &src, &same)) {
		source = BPF_X;
		if (same != wide) {
			s->at = was;
			return scan_wrong(s, "both registers must have the same size");
		}
	} else if (!r && !scan_is_number(s)) {
		r = scan_expected(s, "a register or a number");
	} else {
		r = r ?: asm_immediate(s, &i->insn[0].imm);
	}
	if (!r && !scan_keyword(s, "goto"))
		r = scan_expected(s, "'goto'");
	i->insn[0].dst_reg = dst;
	i->insn[0].src_reg = src;
	return r ?: jump(s, i, (wide ? BPF_JMP : BPF_JMP32) | op | source);
}

/* "call 12", "call bpf_tail_call#12", "call pc+7", "call name", "call kernel-function#7" */
static int call(struct scan *s, struct asm_insn *i)
{
	struct word name = {};
	__s64 n = 0;
	int r, helper;

	i->insn[0].code = BPF_JMP | BPF_CALL;
	scan_is_end(s);
	i->at = *s;
	if (scan_is_number(s))
		return asm_immediate(s, &i->insn[0].imm);
	r = scan_name(s, "a function, pc+N or the number of a helper", &name);
	if (r)
		return r;
	if (word_is(name, "kernel") && scan_sign(s, "-function#")) {
		i->insn[0].src_reg = BPF_PSEUDO_KFUNC_CALL;
		return asm_immediate(s, &i->insn[0].imm);
	}
	if (word_is(name, "pc") && scan_is_number(s)) {
		i->kind = ASM_CALL_PC;
		return scan_number(s, "distance", INT32_MIN, INT32_MAX, &i->addend);
	}
	helper = insn_helper_number(name.v, name.n);
	if (scan_sign(s, "#")) {
		r = scan_number(s, "number of a helper", 0, INT32_MAX, &n);
		if (!r && helper >= 0 && helper != n)
			r = scan_wrong(s, "%.*s is helper %d", (int)name.n, name.v, helper);
		i->insn[0].imm = n;
		return r;
	}
	i->insn[0].imm = helper < 0 ? 0 : helper;
	i->insn[0].src_reg = 0;
	i->kind = ASM_CALL;
	i->name = name;
	return 0;
}

/* "lock *(u64 *)(r1 +0) += r2" */
static int locked(struct scan *s, struct asm_insn *i)
{
	static const char *const words[16] = {
		[BPF_ADD >> 4] = "+=",
		[BPF_OR >> 4] = "|=",
		[BPF_AND >> 4] = "&=",
		[BPF_XOR >> 4] = "^=",
	};
	__u8 size = 0, dst = 0, src = 0, op = 0;
	int r = scan_expect(s, "*") ?: place(s, &size, &dst, &i->insn[0].off);

	r = r ?: asm_operation(s, words, "+=, |=, &= or ^=", &op) ?: asm_wide_register(s, &src);
	if (!r && size != BPF_W && size != BPF_DW)
		return scan_wrong(s, "atomic operations have 32 or 64 bits");
	i->insn[0].code = BPF_STX | BPF_ATOMIC | size;
	i->insn[0].dst_reg = dst;
	i->insn[0].src_reg = src;
	i->insn[0].imm = op;
	return r;
}

/* "store_release((u64 *)(r1 +0), r2)" */
static int release(struct scan *s, struct asm_insn *i)
{
	__u8 size = 0, dst = 0, src = 0;
	int r = scan_expect(s, "(") ?: place(s, &size, &dst, &i->insn[0].off);

	r = r ?: scan_expect(s, ",") ?: asm_wide_register(s, &src) ?: scan_expect(s, ")");
	i->insn[0].code = BPF_STX | BPF_ATOMIC | size;
	i->insn[0].dst_reg = dst;
	i->insn[0].src_reg = src;
	i->insn[0].imm = INSN_STORE_REL;
	return r;
}

/* "*(u32 *)(r10 -4) = r1", "… = 7" */
static int store(struct scan *s, struct asm_insn *i)
{
	__u8 size = 0, dst = 0, src = 0;
	bool wide;
	int r = place(s, &size, &dst, &i->insn[0].off) ?: scan_expect(s, "=");

	i->insn[0].dst_reg = dst;
	if (r)
		return r;
	if (scan_register(s, &src, &wide)) {
		i->insn[0].code = BPF_STX | BPF_MEM | size;
		i->insn[0].src_reg = src;
		return 0;
	}
	i->insn[0].code = BPF_ST | BPF_MEM | size;
	return scan_is_number(s) ? asm_immediate(s, &i->insn[0].imm)
				 : scan_expected(s, "a register or a number");
}

static int other(struct scan *s, struct asm_insn *i)
{
	if (scan_keyword(s, "if"))
		return branch(s, i);
	if (scan_keyword(s, "goto"))
		return jump(s, i, BPF_JMP | BPF_JA);
	if (scan_keyword(s, "gotol"))
		return jump(s, i, BPF_JMP32 | BPF_JA);
	if (scan_keyword(s, "may_goto"))
		return jump(s, i, BPF_JMP | INSN_JCOND);
	if (scan_keyword(s, "call"))
		return call(s, i);
	if (scan_keyword(s, "lock"))
		return locked(s, i);
	if (scan_keyword(s, "store_release"))
		return release(s, i);
	if (scan_sign(s, "*"))
		return store(s, i);
	if (scan_keyword(s, "exit"))
		i->insn[0].code = BPF_JMP | BPF_EXIT;
	else if (scan_keyword(s, "nospec"))
		i->insn[0].code = BPF_ST | INSN_NOSPEC;
	else
		return scan_expected(s, "an instruction");
	return 0;
}

int asm_insn(struct scan *s, int opcode, struct asm_insn *ret)
{
	struct asm_insn i = {.n = 1};
	const char *was;
	bool wide;
	__u8 dst;
	int r;

	scan_is_end(s);
	was = s->at;
	r = scan_register(s, &dst, &wide) ? asm_assign(s, opcode, dst, wide, &i) : other(s, &i);
	if (!r && opcode >= 0 && i.insn[0].code != opcode) {
		s->at = was;
		return scan_wrong(s, "that is (%02x), but in front of it stands (%02x)",
				  i.insn[0].code, opcode);
	}
	if (!r)
		*ret = i;
	return r;
}
