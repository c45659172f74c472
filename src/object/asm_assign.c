/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Instructions that begin with a register: what becomes of it. */
#include <errno.h>
#include <stdint.h>

#include "object/asm_insn.h"
#include "object/insn.h"

static void set(struct asm_insn *i, __u8 code, __u8 dst, __u8 src)
{
	i->insn[0].code = code;
	i->insn[0].dst_reg = dst;
	i->insn[0].src_reg = src;
}

/* A register of the size of what it goes into. */
static int source(struct scan *s, bool wide, __u8 *ret)
{
	const char *was;
	bool same;
	int r;

	scan_is_end(s);
	was = s->at;
	r = asm_register(s, ret, &same);
	if (r || same == wide)
		return r;
	s->at = was;
	return scan_wrong(s, "both registers must have the same size");
}

/* "r1 s>>= 5" */
static int arithmetic(struct scan *s, __u8 dst, bool wide, struct asm_insn *i)
{
	__u8 class = wide ? BPF_ALU64 : BPF_ALU, op = 0, src = 0;
	int r;

	if (scan_sign(s, "s/=") || scan_sign(s, "s%=")) {
		op = s->at[-2] == '/' ? BPF_DIV : BPF_MOD;
		i->insn[0].off = 1;
	} else {
		r = asm_operation(s, insn_alu_words, "an operation, such as = or +=", &op);
		if (r)
			return r;
	}
	if (scan_is_number(s)) {
		set(i, class | op | BPF_K, dst, 0);
		return asm_immediate(s, &i->insn[0].imm);
	}
	r = source(s, wide, &src);
	set(i, class | op | BPF_X, dst, src);
	return r;
}

/* "be16 r1", "bswap32 r1": in place only. */
static bool byte_order(struct scan *s, __u8 dst, struct asm_insn *i, int *ret)
{
	static const struct {
		const char *word;
		__u8 code;
	} orders[] = {
		{"le", BPF_ALU | BPF_END | BPF_TO_LE},
		{"be", BPF_ALU | BPF_END | BPF_TO_BE},
		{"bswap", BPF_ALU64 | BPF_END | BPF_TO_LE},
	};
	char word[12];
	__u8 src = 0;

	for (size_t k = 0; k < sizeof(orders) / sizeof(*orders); k++)
		for (int bits = 16; bits <= 64; bits *= 2) {
			snprintf(word, sizeof(word), "%s%d", orders[k].word, bits);
			if (!scan_keyword(s, word))
				continue;
			set(i, orders[k].code, dst, 0);
			i->insn[0].imm = bits;
			*ret = asm_wide_register(s, &src);
			if (!*ret && src != dst)
				*ret = scan_wrong(s, "bytes are exchanged in place: r%d = %s r%d",
						  dst, word, dst);
			return true;
		}
	return false;
}

/* "atomic64_fetch_add((u64 *)(r1 +0), r2)"; @size: BPF_W or BPF_DW. */
static int fetch(struct scan *s, const struct insn_atomic *a, __u8 size, __u8 dst,
		 struct asm_insn *i)
{
	bool exchange = a->imm == BPF_CMPXCHG;
	__u8 seen = 0, base = 0, src = 0, r0 = 0;
	int r = scan_expect(s, "(") ?: asm_size(s, &seen, NULL) ?: asm_base(s, &base, &i->insn[0].off);

	if (!r && seen != size)
		return scan_wrong(s, "atomic_… is of u32, atomic64_… of u64");
	r = r ?: scan_expect(s, ",");
	if (!r && exchange)
		r = asm_wide_register(s, &r0) ?: scan_expect(s, ",");
	r = r ?: asm_wide_register(s, &src);
	if (!r && (exchange ? dst || r0 : src != dst))
		return scan_wrong(s, "%s",
				  exchange ? "cmpxchg compares r0, and leaves in r0 what was there"
					   : "what was there goes into the same register");
	set(i, BPF_STX | BPF_ATOMIC | size, base, src);
	i->insn[0].imm = a->imm;
	return r ?: scan_expect(s, ")");
}

static bool atomic(struct scan *s, __u8 dst, struct asm_insn *i, int *ret)
{
	char word[32];
	__u8 size = 0, src = 0;

	if (scan_keyword(s, "load_acquire")) {
		*ret = scan_expect(s, "(")	?:
		       asm_size(s, &size, NULL) ?: asm_base(s, &src, &i->insn[0].off) ?:
		       scan_expect(s, ")");
		set(i, BPF_STX | BPF_ATOMIC | size, dst, src);
		i->insn[0].imm = INSN_LOAD_ACQ;
		return true;
	}
	for (size_t k = 0; k < insn_n_atomics; k++)
		for (int wide = 0; wide < 2; wide++) {
			snprintf(word, sizeof(word), "atomic%s_%s", wide ? "64" : "",
				 insn_atomics[k].name);
			if (!scan_keyword(s, word))
				continue;
			*ret = fetch(s, &insn_atomics[k], wide ? BPF_DW : BPF_W, dst, i);
			return true;
		}
	return false;
}

/* "*(u32 *)(r1 +8)", "*(u16 *)skb[12]", "*(u16 *)skb[r1 + 12]" */
static int load(struct scan *s, __u8 dst, struct asm_insn *i)
{
	const char *was = s->at;
	__u8 size = 0, src = 0;
	bool by_sign = false, wide;
	int r = asm_size(s, &size, &by_sign);

	if (r)
		return r;
	if (!scan_keyword(s, "skb")) {
		r = asm_base(s, &src, &i->insn[0].off);
		set(i, BPF_LDX | (by_sign ? INSN_MEMSX : BPF_MEM) | size, dst, src);
		return r;
	}
	if (by_sign || size == BPF_DW || dst) {
		s->at = was;
		return scan_wrong(s, "from skb[] only u8, u16 and u32 are loaded, into r0");
	}
	r = scan_expect(s, "[");
	if (!r && scan_register(s, &src, &wide)) {
		set(i, BPF_LD | BPF_IND | size, 0, src);
		if (!scan_sign(s, "+") && !scan_is_number(s))
			return scan_expect(s, "]");
	} else {
		set(i, BPF_LD | BPF_ABS | size, 0, 0);
	}
	return r ?: asm_immediate(s, &i->insn[0].imm) ?: scan_expect(s, "]");
}

/* "(s8)r2" */
static int extend(struct scan *s, __u8 dst, bool wide, struct asm_insn *i)
{
	__u8 src = 0;
	int bits = scan_keyword(s, "s8")            ? 8
		   : scan_keyword(s, "s16")         ? 16
		   : wide && scan_keyword(s, "s32") ? 32
						    : 0;
	int r = bits ? scan_expect(s, ")") ?: source(s, wide, &src)
		     : scan_expected(s, wide ? "s8, s16 or s32" : "s8 or s16");

	set(i, (wide ? BPF_ALU64 : BPF_ALU) | BPF_MOV | BPF_X, dst, src);
	i->insn[0].off = bits;
	return r;
}

/* "addr_space_cast(r2, 0, 1)" */
static int cast(struct scan *s, __u8 dst, struct asm_insn *i)
{
	__s64 to = 0, from = 0;
	__u8 src = 0;
	int r = scan_expect(s, "(") ?: asm_wide_register(s, &src) ?: scan_expect(s, ",");

	r = r ?: scan_number(s, "address space", 0, UINT16_MAX, &to) ?: scan_expect(s, ",");
	r = r ?: scan_number(s, "address space", 0, UINT16_MAX, &from) ?: scan_expect(s, ")");
	set(i, BPF_ALU64 | BPF_MOV | BPF_X, dst, src);
	i->insn[0].off = INSN_CAST;
	i->insn[0].imm = to << 16 | from;
	return r;
}

/* "map[name]+8", or as bpftool has it "map[name][0]+8"; "&name+8" */
static int address(struct scan *s, __u8 dst, enum asm_name kind, struct asm_insn *i)
{
	int r = kind == ASM_MAP ? scan_expect(s, "[") : 0;

	scan_is_end(s);
	i->at = *s;
	i->kind = kind;
	i->n = 2;
	set(i, BPF_LD | BPF_IMM | BPF_DW, dst, 0);
	r = r ?: scan_name(s, "a name", &i->name);
	if (!r && kind == ASM_MAP)
		r = scan_expect(s, "]");
	if (!r && kind == ASM_MAP && scan_sign(s, "["))
		r = scan_expect(s, "0") ?: scan_expect(s, "]");
	if (!r && scan_sign(s, "+"))
		r = scan_number(s, "offset", 0, UINT32_MAX, &i->addend);
	return r;
}

/* "&(void __percpu *)(r2)" */
static int per_cpu(struct scan *s, __u8 dst, struct asm_insn *i)
{
	__u8 src = 0;
	int r = scan_keyword(s, "void") && scan_keyword(s, "__percpu")
			? scan_expect(s, "*")
			: scan_expected(s, "void __percpu *");

	r = r ?: scan_expect(s, ")") ?: scan_expect(s, "(");
	r = r ?: asm_wide_register(s, &src) ?: scan_expect(s, ")");
	set(i, BPF_ALU64 | BPF_MOV | BPF_X, dst, src);
	i->insn[0].off = INSN_PERCPU;
	return r;
}

/* "5", "0x1122334455667788 ll" */
static int constant(struct scan *s, int opcode, __u8 dst, bool wide, struct asm_insn *i)
{
	const char *was = s->at;
	__u64 n = 0;
	int r = scan_u64(s, "number", &n);
	bool is_long = !r && wide && (scan_keyword(s, "ll") || opcode == (BPF_LD | BPF_DW));

	if (!r && !is_long) {
		s->at = was;
		set(i, (wide ? BPF_ALU64 : BPF_ALU) | BPF_MOV | BPF_K, dst, 0);
		if ((__s64)n > UINT32_MAX || (__s64)n < INT32_MIN)
			return scan_wrong(s, "a number of more than 32 bits needs 'll' behind it");
		return asm_immediate(s, &i->insn[0].imm);
	}
	set(i, BPF_LD | BPF_IMM | BPF_DW, dst, 0);
	i->insn[0].imm = n;
	i->insn[1].imm = n >> 32;
	i->n = 2;
	return r;
}

/* Behind "r1 = ", when it is no plain register. */
static int value(struct scan *s, int opcode, __u8 dst, bool wide, struct asm_insn *i)
{
	__u8 class = wide ? BPF_ALU64 : BPF_ALU, src = 0;
	int r = 0;

	if (scan_is_number(s))
		return constant(s, opcode, dst, wide, i);
	if (scan_sign(s, "-")) {
		set(i, class | BPF_NEG, dst, 0);
		r = source(s, wide, &src);
		return r || src == dst ? r : scan_wrong(s, "the sign changes in place");
	}
	if (scan_sign(s, "*")) /* w1 = *(u32 *)…, too: llvm's way to write it */
		return load(s, dst, i);
	if (scan_sign(s, "("))
		return extend(s, dst, wide, i);
	if (wide && (byte_order(s, dst, i, &r) || atomic(s, dst, i, &r)))
		return r;
	if (wide && scan_keyword(s, "addr_space_cast"))
		return cast(s, dst, i);
	if (wide && scan_keyword(s, "map"))
		return address(s, dst, ASM_MAP, i);
	if (wide && scan_sign(s, "&"))
		return scan_sign(s, "(") ? per_cpu(s, dst, i) : address(s, dst, ASM_ADDRESS, i);
	r = source(s, wide, &src);
	set(i, class | BPF_MOV | BPF_X, dst, src);
	return r;
}

int asm_assign(struct scan *s, int opcode, __u8 dst, bool wide, struct asm_insn *i)
{
	const char *was;

	scan_is_end(s);
	was = s->at;
	if (scan_sign(s, "=") && !scan_sign(s, "="))
		return value(s, opcode, dst, wide, i);
	s->at = was;
	return arithmetic(s, dst, wide, i);
}
