/* SPDX-License-Identifier: GPL-2.0-only */
/* Instructions as text: the words, and that every instruction comes back as it was. */
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "random.h"
#include "object/asm_insn.h"
#include "object/insn.h"
#include "tap.h"

static struct bpf_insn insn(int code, int dst, int src, int off, int imm)
{
	return (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm};
}

static char *text_of(const struct bpf_insn *i)
{
	struct buf b = {};

	if (!insn_text(i, 0, NULL, &b)) {
		buf_done(&b);
		return NULL;
	}
	return buf_take(&b);
}

static int parse(const char *text, int opcode, struct asm_insn *ret, struct braid_error *err)
{
	struct scan s = {"t.s", text, text, text + strlen(text), 1, err};
	int r = asm_insn(&s, opcode, ret);

	return r ?: scan_end(&s);
}

/* What the verifier of Linux 6.12 prints for these. */
static void check_words(void)
{
	const struct {
		struct bpf_insn i[2];
		const char *text;
	} known[] = {
		{{insn(0xb7, 0, 0, 0, 2)}, "r0 = 2"},
		{{insn(0xb4, 6, 0, 0, -1)}, "w6 = -1"},
		{{insn(0xbf, 6, 1, 0, 0)}, "r6 = r1"},
		{{insn(0xbf, 1, 2, 8, 0)}, "r1 = (s8)r2"},
		{{insn(0xbc, 1, 2, 16, 0)}, "w1 = (s16)w2"},
		{{insn(0x07, 2, 0, 0, -8)}, "r2 += -8"},
		{{insn(0xc7, 2, 0, 0, 32)}, "r2 s>>= 32"},
		{{insn(0x3f, 2, 3, 1, 0)}, "r2 s/= r3"},
		{{insn(0x94, 2, 0, 1, 7)}, "w2 s%= 7"},
		{{insn(0x87, 3, 0, 0, 0)}, "r3 = -r3"},
		{{insn(0xdc, 0, 0, 0, 16)}, "r0 = be16 r0"},
		{{insn(0xd4, 0, 0, 0, 64)}, "r0 = le64 r0"},
		{{insn(0xd7, 4, 0, 0, 32)}, "r4 = bswap32 r4"},
		{{insn(0x61, 1, 1, 0, 0)}, "r1 = *(u32 *)(r1 +0)"},
		{{insn(0x91, 1, 2, -3, 0)}, "r1 = *(s8 *)(r2 -3)"},
		{{insn(0x7b, 10, 1, -8, 0)}, "*(u64 *)(r10 -8) = r1"},
		{{insn(0x62, 10, 0, -4, 7)}, "*(u32 *)(r10 -4) = 7"},
		{{insn(0xdb, 1, 2, 0, 0)}, "lock *(u64 *)(r1 +0) += r2"},
		{{insn(0xc3, 1, 2, 4, BPF_OR)}, "lock *(u32 *)(r1 +4) |= r2"},
		{{insn(0xdb, 1, 2, 0, 1)}, "r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)"},
		{{insn(0xc3, 1, 2, 0, BPF_XCHG)}, "r2 = atomic_xchg((u32 *)(r1 +0), r2)"},
		{{insn(0xdb, 1, 2, 0, BPF_CMPXCHG)},
		 "r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)"},
		{{insn(0xdb, 1, 2, 0, INSN_LOAD_ACQ)}, "r1 = load_acquire((u64 *)(r2 +0))"},
		{{insn(0xcb, 1, 2, 2, INSN_STORE_REL)}, "store_release((u16 *)(r1 +2), r2)"},
		{{insn(0x16, 0, 0, 3, 2)}, "if w0 == 0x2 goto pc+3"},
		{{insn(0x6d, 1, 2, -3, 0)}, "if r1 s> r2 goto pc-3"},
		{{insn(0x45, 1, 0, 1, -1)}, "if r1 & 0xffffffff goto pc+1"},
		{{insn(0x05, 0, 0, 7, 0)}, "goto pc+7"},
		{{insn(0x06, 0, 0, 0, 70000)}, "gotol pc+70000"},
		{{insn(0xe5, 0, 0, 2, 0)}, "may_goto pc+2"},
		{{insn(0x85, 0, 0, 0, 1)}, "call bpf_map_lookup_elem#1"},
		{{insn(0x85, 0, 0, 0, 5000)}, "call 5000"},
		{{insn(0x85, 0, 1, 0, 7)}, "call pc+7"},
		{{insn(0x85, 0, 2, 0, 99)}, "call kernel-function#99"},
		{{insn(0x28, 0, 0, 0, 12)}, "r0 = *(u16 *)skb[12]"},
		{{insn(0x50, 0, 3, 0, 1)}, "r0 = *(u8 *)skb[r3 + 1]"},
		{{insn(0x18, 1, 0, 0, 0x55667788), insn(0, 0, 0, 0, 0x11223344)},
		 "r1 = 0x1122334455667788 ll"},
		{{insn(0x95, 0, 0, 0, 0)}, "exit"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		_cleanup_free_ char *text = text_of(known[i].i);

		is_str(text, known[i].text, "opcode %02x", known[i].i[0].code);
	}
}

/* The ways in which people and other tools write the same. */
static void check_readings(void)
{
	const struct {
		const char *text;
		int opcode;
		struct bpf_insn i;
	} known[] = {
		{"if w0==2 goto +3", -1, insn(0x16, 0, 0, 3, 2)},
		{"call 12", -1, insn(0x85, 0, 0, 0, 12)},
		{"call map_lookup_elem#1", -1, insn(0x85, 0, 0, 0, 1)},
		{"w1 = *(u32 *)(r1)", -1, insn(0x61, 1, 1, 0, 0)},
		{"r1=*(u32*)(r1 + 8)", -1, insn(0x61, 1, 1, 8, 0)},
		{"r1 = 0xffffffff", -1, insn(0xb7, 1, 0, 0, -1)},
		{"r1 = 0x5 // five", -1, insn(0xb7, 1, 0, 0, 5)},
		{"r1 = 0x5 ; five", 0x18, insn(0x18, 1, 0, 0, 5)},
		{"r1 = 5 ll", -1, insn(0x18, 1, 0, 0, 5)},
		{"r3 = addr_space_cast(r2, 0, 1)", -1, insn(0xbf, 3, 2, 1, 1)},
		{"r0 = &(void __percpu *)(r0)", -1, insn(0xbf, 0, 0, -1, 0)},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct braid_error err = BRAID_ERROR_INIT;
		struct asm_insn got = {};

		is_int(parse(known[i].text, known[i].opcode, &got, &err), 0, "%s: %s",
		       known[i].text, err.what ?: "read");
		is_mem(&got.insn[0], &known[i].i, sizeof(known[i].i), "%s", known[i].text);
		braid_error_clear(&err);
	}
}

static const __u8 codes[] = {
	0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x57, 0x5f, 0x67, 0x6f, 0x77,
	0x7f, 0x87, 0x97, 0x9f, 0xa7, 0xaf, 0xb7, 0xbf, 0xc7, 0xcf, 0xd7, 0x04, 0x0c, 0x14, 0x1c,
	0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0x94, 0x9c,
	0xa4, 0xac, 0xb4, 0xbc, 0xc4, 0xcc, 0xd4, 0xdc, 0x18, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50,
	0x61, 0x69, 0x71, 0x79, 0x81, 0x89, 0x91, 0x62, 0x6a, 0x72, 0x7a, 0x63, 0x6b, 0x73, 0x7b,
	0xc3, 0xdb, 0xcb, 0xd3, 0x05, 0x06, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x55,
	0x5d, 0x65, 0x6d, 0x75, 0x7d, 0x85, 0x95, 0xa5, 0xad, 0xb5, 0xbd, 0xc5, 0xcd, 0xd5, 0xdd,
	0x16, 0x1e, 0x26, 0x2e, 0x36, 0x3e, 0x46, 0x4e, 0x56, 0x5e, 0x66, 0x6e, 0x76, 0x7e, 0xa6,
	0xae, 0xb6, 0xbe, 0xc6, 0xce, 0xd6, 0xde, 0xe5,
};

static __s32 atomic_of(struct rng *r, __u8 code)
{
	static const __s32 any[] = {INSN_LOAD_ACQ, INSN_STORE_REL};
	static const __s32 words[] = {BPF_ADD,
				      BPF_OR,
				      BPF_AND,
				      BPF_XOR,
				      BPF_ADD | BPF_FETCH,
				      BPF_OR | BPF_FETCH,
				      BPF_AND | BPF_FETCH,
				      BPF_XOR | BPF_FETCH,
				      BPF_XCHG,
				      BPF_CMPXCHG,
				      INSN_LOAD_ACQ,
				      INSN_STORE_REL};
	bool word = BPF_SIZE(code) == BPF_W || BPF_SIZE(code) == BPF_DW;

	return word ? words[rng_below(r, 12)] : any[rng_below(r, 2)];
}

/* Clears what the instruction has no use for, and keeps the rest within what there is. */
static void make_valid(struct rng *r, struct bpf_insn *i)
{
	int class = BPF_CLASS(i->code), op = BPF_OP(i->code);
	bool by_reg = BPF_SRC(i->code) == BPF_X, alu = class == BPF_ALU || class == BPF_ALU64;
	static const __s16 signs[] = {0, 8, 16, 32};

	if (alu && op == BPF_END) {
		i->imm = 16 << rng_below(r, 3);
		i->src_reg = i->off = 0;
	} else if (alu) {
		bool divides = op == BPF_DIV || op == BPF_MOD;

		i->src_reg = by_reg ? i->src_reg : 0;
		i->imm = by_reg || op == BPF_NEG ? 0 : i->imm;
		i->off = divides                   ? rng_below(r, 2)
			 : op == BPF_MOV && by_reg ? signs[rng_below(r, class == BPF_ALU ? 3 : 4)]
						   : 0;
	} else if (class == BPF_LD) {
		bool wide = i->code == 0x18;

		i->off = 0;
		i->dst_reg = wide ? i->dst_reg : 0;
		i->src_reg = BPF_MODE(i->code) == BPF_IND ? i->src_reg : 0;
	} else if (class == BPF_LDX || (class == BPF_STX && BPF_MODE(i->code) == BPF_MEM)) {
		i->imm = 0;
	} else if (class == BPF_ST) {
		i->src_reg = 0;
	} else if (class == BPF_STX) {
		i->imm = atomic_of(r, i->code);
	} else if (op == BPF_CALL) {
		i->dst_reg = i->off = 0;
		i->src_reg = 0;
	} else if (op == BPF_EXIT && class == BPF_JMP) {
		*i = insn(i->code, 0, 0, 0, 0);
	} else if (op == BPF_JA || i->code == 0xe5) {
		*i = insn(i->code, 0, 0, class == BPF_JMP32 ? 0 : i->off,
			  class == BPF_JMP32 ? i->imm : 0);
	} else {
		i->src_reg = by_reg ? i->src_reg : 0;
		i->imm = by_reg ? 0 : i->imm;
	}
}

/* Any valid instruction -> text -> the same bytes. */
static void check_random(void)
{
	struct rng r = {42};
	unsigned int n = 0, wrong = 0, seen = 0;

	for (n = 0; n < 200000; n++) {
		struct bpf_insn i[2] = {insn(codes[rng_below(&r, sizeof(codes))], rng_below(&r, 11),
					     rng_below(&r, 11), rng_next(&r), rng_next(&r))};
		struct braid_error err = BRAID_ERROR_INIT;
		struct asm_insn got = {};
		_cleanup_free_ char *text = NULL;

		make_valid(&r, &i[0]);
		if (i[0].code == 0x18)
			i[1].imm = rng_next(&r);
		text = text_of(i);
		if (!text || parse(text, rng_chance(&r, 50) ? i[0].code : -1, &got, &err) ||
		    memcmp(got.insn, i, got.n * sizeof(*i)) || got.n != 1u + (i[0].code == 0x18)) {
			if (wrong++ < 10)
				diag("%02x %u %u %d %d: %s: %s", i[0].code, i[0].dst_reg,
				     i[0].src_reg, i[0].off, i[0].imm, text ?: "no text",
				     err.what ?: "other bytes");
		} else {
			seen++;
		}
		braid_error_clear(&err);
	}
	is_int(wrong, 0, "of %u random instructions come back otherwise", n);
	is_int(seen, n, "come back");
}

/* What nobody knows is said to be unknown, whatever its bytes. */
static void check_any_bytes(void)
{
	struct rng r = {7};
	unsigned int known = 0;

	for (int n = 0; n < 100000; n++) {
		__u64 raw[2] = {rng_next(&r), rng_next(&r)};
		_cleanup_free_ char *text = text_of((struct bpf_insn *)raw);

		known += text != NULL;
	}
	ok(known > 1000 && known < 100000, "%u of 100000 random words are instructions", known);
}

static void check_helpers(void)
{
	is_str(insn_helper_name(1), "map_lookup_elem", "helper 1");
	is_str(insn_helper_name(12), "tail_call", "helper 12");
	is_str(insn_helper_name(211), "cgrp_storage_delete", "the last one");
	ok(!insn_helper_name(212) && !insn_helper_name(0) && !insn_helper_name(-1), "no others");
	for (int i = 1; i <= 211; i++) {
		const char *name = insn_helper_name(i);

		if (!name || insn_helper_number(name, strlen(name)) != i) {
			ok(false, "helper %d", i);
			return;
		}
	}
	ok(true, "each has a name of its own");
}

int main(void)
{
	check_words();
	check_readings();
	check_random();
	check_any_bytes();
	check_helpers();
	return done();
}
