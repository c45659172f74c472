/* SPDX-License-Identifier: GPL-2.0-only */
/* Where exits lead, which verdicts nobody reads, where the context is read: by hand-made code. */
#include "common.h"
#include "object/ctx.h"
#include "object/exits.h"
#include "object/unused.h"
#include "tap.h"

#define LOAD(dst, src)                                                                             \
	{                                                                                          \
		.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = dst, .src_reg = src                  \
	}
#define MOVE(dst, value)                                                                           \
	{                                                                                          \
		.code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = dst, .imm = value                    \
	}
#define COPY(dst, src)                                                                             \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = dst, .src_reg = src                \
	}
#define JUMP(op, reg, value, to)                                                                   \
	{                                                                                          \
		.code = BPF_JMP32 | op | BPF_K, .dst_reg = reg, .off = to, .imm = value            \
	}
#define CALL                                                                                       \
	{                                                                                          \
		.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_ktime_get_ns                           \
	}
#define EXIT                                                                                       \
	{                                                                                          \
		.code = BPF_JMP | BPF_EXIT                                                         \
	}

enum { PASS = 2, DROP = 1, ACCEPT = 0x42524402 };

static struct func func_of(struct bpf_insn *insns, size_t n)
{
	return (struct func){.name = (char *)"f", .insns = {.v = insns, .n = n, .cap = n}};
}
#define FUNC(insns) func_of(insns, sizeof(insns) / sizeof(*(insns)))

static struct exits exits_of(const struct func *f, bool last)
{
	struct exits_rule rule = {.fold = true,
				  .last = last,
				  .proceed_on = 1 << PASS,
				  .accept = ACCEPT,
				  .pass = PASS};
	struct exits x;

	if (exits_init(&x, f, &rule))
		bail_out("no memory");
	return x;
}

/* What a comparison tells holds on one of its two ways only. */
static void test_comparison(void)
{
	struct bpf_insn not_pass[] = {LOAD(0, 1), JUMP(BPF_JNE, 0, PASS, 1), EXIT, EXIT};
	struct bpf_insn is_drop[] = {LOAD(0, 1), JUMP(BPF_JEQ, 0, DROP, 1), EXIT, EXIT};
	struct func a = FUNC(not_pass), b = FUNC(is_drop);
	struct exits x = exits_of(&a, false), y = exits_of(&b, false);

	is_int(x.label[2], LABEL_PASS, "!= pass does not jump: it is pass");
	is_int(x.label[3], LABEL_CHECK, "it jumps: it may be anything");
	is_int(y.label[2], LABEL_CHECK, "== drop does not jump: it may be anything");
	is_int(y.label[3], label_of_verdict(DROP), "it jumps: it is drop");
	exits_done(&x);
	exits_done(&y);
}

/* r0 = drop; if (…) goto out; r0 = pass; out: exit */
static void test_unused(void)
{
	struct bpf_insn insns[] = {LOAD(3, 1), MOVE(0, DROP), JUMP(BPF_JEQ, 3, 0, 1), MOVE(0, PASS),
				   EXIT};
	struct func f = FUNC(insns);
	struct exits x = exits_of(&f, false);
	bool *unused = NULL;

	is_int(x.label[2], label_of_verdict(DROP), "the jump leads to where drop is set");
	is_int(x.label[4], LABEL_PASS, "what falls through goes on");
	ok(!x.used[LABEL_CHECK], "nothing is left to check");
	is_int(unused_verdicts(&f, &x, &unused), 0, "verdicts");
	ok(unused[1] && unused[3], "nobody reads either verdict");
	ok(!unused[0] && !unused[2] && !unused[4], "nothing else is taken for one");
	free(unused);
	exits_done(&x);
}

/* A verdict that is read on the way, or that an unknown one joins, stays. */
static void test_used(void)
{
	struct bpf_insn insns[] = {MOVE(0, PASS),          COPY(6, 0), LOAD(3, 1),
				   JUMP(BPF_JEQ, 3, 0, 1), LOAD(0, 1), EXIT};
	struct func f = FUNC(insns);
	struct exits x = exits_of(&f, false);
	bool *unused = NULL;

	is_int(x.label[3], LABEL_PASS, "the way with pass is redirected");
	is_int(x.label[5], LABEL_CHECK, "the other is checked");
	is_int(unused_verdicts(&f, &x, &unused), 0, "verdicts");
	ok(!unused[0], "r6 takes the verdict: it is set");
	free(unused);
	exits_done(&x);
}

static void test_special(void)
{
	struct bpf_insn always[] = {MOVE(0, DROP), EXIT}, accept[] = {MOVE(0, ACCEPT), EXIT};
	struct bpf_insn called[] = {MOVE(0, PASS), CALL, EXIT};
	struct func a = FUNC(always), b = FUNC(accept), c = FUNC(called);
	struct exits x = exits_of(&a, false), y = exits_of(&b, true), z = exits_of(&c, true);

	is_int(x.label[1], LABEL_CHECK, "what always leaves keeps the next stage reachable");
	is_int(y.label[1], label_of_verdict(PASS), "BRAID_ACCEPT is pass");
	is_int(z.label[2], LABEL_OUT, "a call's result is unknown");
	exits_done(&x);
	exits_done(&y);
	exits_done(&z);
}

/* With -1 and 3 in the set, as at TC hooks: two ways, of which one returns @verdict. */
static enum label way_of(__s32 verdict, bool last)
{
	struct bpf_insn insns[] = {LOAD(3, 1), MOVE(0, verdict), JUMP(BPF_JEQ, 3, 0, 1), LOAD(0, 1),
				   EXIT};
	struct exits_rule rule = {.fold = true,
				  .last = last,
				  .proceed_on = 1u << 31 | 1 << 3,
				  .accept = ACCEPT,
				  .pass = -1};
	struct func f = FUNC(insns);
	struct exits x;
	enum label label;

	if (exits_init(&x, &f, &rule))
		bail_out("no memory");
	label = x.label[2];
	exits_done(&x);
	return label;
}

static void test_minus(void)
{
	is_int(way_of(-1, false), LABEL_PASS, "-1 goes on");
	is_int(way_of(3, false), LABEL_PASS, "3, too");
	is_int(way_of(31, false), LABEL_EXIT, "31 has the bit of -1, and leaves");
	is_int(way_of(35, false), LABEL_EXIT, "35 has that of 3, and leaves");
	is_int(way_of(-2, false), LABEL_EXIT, "so does -2");
	is_int(way_of(2, false), label_of_verdict(2), "2 is set where it leaves");
	is_int(way_of(8, false), label_of_verdict(8), "so is the last that hooks have");
	is_int(way_of(9, false), LABEL_EXIT, "9 is none of them");
	is_int(way_of(ACCEPT, false), label_of_verdict(-1), "BRAID_ACCEPT is -1");
	is_int(way_of(-1, true), label_of_verdict(-1), "-1 leaves at the end");
	is_int(verdict_of_label(label_of_verdict(-1)), (__u32)-1, "from label to verdict");
}

static void test_ctx(void)
{
	struct bpf_insn reads[] = {LOAD(2, 1), COPY(6, 1), LOAD(1, 1), EXIT};
	struct bpf_insn passes[] = {LOAD(2, 1), CALL, EXIT};
	struct bpf_insn loops[] = {LOAD(2, 1), LOAD(1, 1), JUMP(BPF_JEQ, 2, 0, -3), EXIT};
	struct bpf_insn keeps[] = {LOAD(2, 1), EXIT};
	struct func a = FUNC(reads), b = FUNC(passes), c = FUNC(loops), d = FUNC(keeps);

	is_int(ctx_overwritten_at(&a), 2, "loads and moves can read it elsewhere");
	is_int(ctx_overwritten_at(&b), -1, "a call may take it as its argument");
	is_int(ctx_overwritten_at(&c), -1, "a loop comes back to it");
	ok(!ctx_is_preserved(&a) && !ctx_is_preserved(&b) && ctx_is_preserved(&d),
	   "who leaves it alone");
	ok(func_mentions(&a, BPF_REG_6) && !func_mentions(&a, BPF_REG_9), "who uses a register");
}

int main(void)
{
	test_comparison();
	test_unused();
	test_used();
	test_special();
	test_minus();
	test_ctx();
	return done();
}
