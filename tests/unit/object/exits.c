/* SPDX-License-Identifier: GPL-2.0-only */
/* Where exits lead, which verdicts nobody reads, where the context is read: by hand-made code. */
#include "base/error.h"
#include "common.h"
#include "object/asm.h"
#include "object/ctx.h"
#include "object/exits.h"
#include "object/unused.h"
#include "tap.h"

enum { PASS = 2, DROP = 1, ACCEPT = 0x42524402 };

/* The only function of assembler text; units are kept up to the end. */
static ARRAY(struct unit *) units;

static struct func func_of(const char *text)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct unit *u;

	if (unit_assemble(text, strlen(text), "code", &u, &err))
		bail_out("%s: %s", err.where, err.what);
	if (!array_add(&units, u))
		bail_out("no memory");
	return u->funcs.v[0];
}

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
	struct func a = func_of("	r0 = *(u32 *)(r1 +0)\n"
				"	if w0 != 2 goto other\n" /* pass */
				"	exit\n"
				"other:	exit\n");
	struct func b = func_of("	r0 = *(u32 *)(r1 +0)\n"
				"	if w0 == 1 goto drop\n"
				"	exit\n"
				"drop:	exit\n");
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
	struct func f = func_of("	r3 = *(u32 *)(r1 +0)\n"
				"	w0 = 1\n" /* drop */
				"	if w3 == 0 goto out\n"
				"	w0 = 2\n" /* pass */
				"out:	exit\n");
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
	struct func f = func_of("	w0 = 2\n"
				"	r6 = r0\n"
				"	r3 = *(u32 *)(r1 +0)\n"
				"	if w3 == 0 goto out\n"
				"	r0 = *(u32 *)(r1 +0)\n"
				"out:	exit\n");
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
	struct func a = func_of("w0 = 1\nexit\n"), b = func_of("w0 = 0x42524402\nexit\n");
	struct func c = func_of("w0 = 2\ncall bpf_ktime_get_ns\nexit\n");
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
	_cleanup_free_ char *text = text_fmt("	r3 = *(u32 *)(r1 +0)\n"
					     "	w0 = %d\n"
					     "	if w3 == 0 goto out\n"
					     "	r0 = *(u32 *)(r1 +0)\n"
					     "out:	exit\n",
					     verdict);
	struct exits_rule rule = {.fold = true,
				  .last = last,
				  .proceed_on = 1u << 31 | 1 << 3,
				  .accept = ACCEPT,
				  .pass = -1};
	struct func f = func_of(text);
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
	struct func a = func_of("r2 = *(u32 *)(r1 +0)\n"
				"r6 = r1\n"
				"r1 = *(u32 *)(r1 +0)\n"
				"exit\n");
	struct func b = func_of("r2 = *(u32 *)(r1 +0)\ncall bpf_ktime_get_ns\nexit\n");
	struct func c = func_of("again:	r2 = *(u32 *)(r1 +0)\n"
				"	r1 = *(u32 *)(r1 +0)\n"
				"	if w2 == 0 goto again\n"
				"	exit\n");
	struct func d = func_of("r2 = *(u32 *)(r1 +0)\nexit\n");

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
	array_foreach (u, &units)
		unit_free(*u);
	array_done(&units);
	return done();
}
