/* SPDX-License-Identifier: GPL-2.0-only */
/* Optimisations that are turned off: what is emitted instead, and what the plan says. */
#include <errno.h>
#include <linux/bpf.h>

#include "base/error.h"
#include "common.h"
#include "object/frame.h"
#include "pipe.h"
#include "tap.h"

static const char *folder;

static void build(struct pipe *p, const struct pipe_stage *stages, size_t n, __u32 off)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct pipe_opts opts = {.folder = folder, .strategy = "fused"};

	pipe_init(p, &opts, stages, n);
	p->pipeline->not_optimized = off;
	if (pipe_build(p, &opts, stages, n, &err))
		bail_out("%s: %s (%s)", err.where ?: "", err.what, err.why ?: "");
}

static const struct func *program(const struct pipe *p)
{
	return &p->image->unit->funcs.v[p->image->segments.v[0].func];
}

/* Instructions of the program with this code, this register and this number. */
static size_t count(const struct pipe *p, __u8 code, int dst, __s32 imm)
{
	size_t n = 0;

	array_foreach (i, &program(p)->insns)
		n += i->code == code && i->dst_reg == dst && i->imm == imm;
	return n;
}

/* Loads of the context from the stack, or from a register, into r1. */
static size_t count_reloads(const struct pipe *p, bool stack)
{
	__u8 code = stack ? BPF_LDX | BPF_MEM | BPF_DW : BPF_ALU64 | BPF_MOV | BPF_X;
	size_t n = 0;

	array_foreach (i, &program(p)->insns)
		n += i->code == code && i->dst_reg == BPF_REG_1 &&
		     (stack ? i->src_reg == BPF_REG_10
			    : i->src_reg >= BPF_REG_6 && i->src_reg <= BPF_REG_9);
	return n;
}

static void test_splice(void)
{
	static const struct pipe_stage stages[] = {{"stage", "stage"}, {"stage", "words"}};
	struct pipe p;
	size_t calls = 0;

	build(&p, stages, 2, 1 << OPTIMIZE_SPLICE);
	array_foreach (r, &program(&p)->refs)
		calls += r->kind == REF_CALL;
	is_int(calls, 2, "splice: off: each is called");
	is_str(p.plan->stages.v[0].why_called, "the manifest says splice: off", "and says why");
	pipe_done(&p);
}

static void test_fold(void)
{
	/* the mask of the only verdict that goes on, shifted and tested */
	static const struct pipe_stage stages[] = {{"stage", "passes", .no_slot = true},
						   {"stage", "passes", .no_slot = true}};
	const __u8 mask = BPF_ALU | BPF_MOV | BPF_K, range = BPF_JMP32 | BPF_JGT | BPF_K;
	const __u8 equal = BPF_JMP32 | BPF_JNE | BPF_K;
	struct pipe p;

	build(&p, stages, 2, 0);
	is_int(count(&p, range, 0, 31), 0, "known verdicts are not checked");
	pipe_done(&p);
	build(&p, stages, 2, 1 << OPTIMIZE_FOLD);
	is_int(count(&p, range, 0, 31), 1, "fold: off: is the verdict one that a mask has?");
	is_int(count(&p, mask, BPF_REG_2, 1 << XDP_PASS), 1, "the mask");
	is_int(count(&p, equal, 0, XDP_PASS), 0, "no compare with the one that it has");
	is_int(count(&p, equal, 0, (__s32)BRAID_ACCEPT), 1, "what leaves may be anything");
	pipe_done(&p);
}

static void test_unread(void)
{
	static const struct pipe_stage stages[] = {{"stage", "passes", .no_slot = true},
						   {"stage", "passes", .no_slot = true}};
	const __u8 set = BPF_ALU | BPF_MOV | BPF_K;
	struct pipe with, without;

	build(&with, stages, 2, 0);
	build(&without, stages, 2, 1 << OPTIMIZE_UNREAD);
	is_int(count(&without, set, 0, XDP_PASS) + count(&without, set | BPF_ALU64, 0, XDP_PASS),
	       count(&with, set, 0, XDP_PASS) + count(&with, set | BPF_ALU64, 0, XDP_PASS) + 2,
	       "unread: off: both stages set what nobody reads");
	pipe_done(&with);
	pipe_done(&without);
}

static void test_context(void)
{
	static const struct pipe_stage stages[] = {
		{"stage", "words"}, {"stage", "passes", .no_slot = true}, {"stage", "words"}};
	struct pipe p;

	build(&p, stages, 3, 0);
	is_int(count_reloads(&p, true), 0, "a register is free: the stack is not used");
	pipe_done(&p);
	build(&p, stages, 3, 1 << OPTIMIZE_CONTEXT);
	is_int(count_reloads(&p, false), 0, "context: off: no register keeps it");
	is_int(count_reloads(&p, true), 2, "it comes back in front of each stage");
	pipe_done(&p);
}

/* The deepest byte that instructions of stage @k reach from the frame pointer, and the highest. */
static void reach(const struct pipe *p, size_t k, int *ret_low, int *ret_high)
{
	const struct func *f = program(p);

	*ret_low = 0;
	*ret_high = -512;
	array_foreach (range, &p->image->segments.v[0].map.ranges)
		for (__u32 i = range->first; i < range->first + range->n; i++) {
			const struct bpf_insn *insn = &f->insns.v[i];
			int class = BPF_CLASS(insn->code);

			if (range->part != k || range->seam ||
			    (class != BPF_ST && class != BPF_STX) || insn->dst_reg != BPF_REG_10)
				continue;
			*ret_low = insn->off < *ret_low ? insn->off : *ret_low;
			*ret_high = insn->off > *ret_high ? insn->off : *ret_high;
		}
}

/* Where the context is kept, from the frame pointer; 0: not in the stack. */
static int context_slot(const struct pipe *p)
{
	array_foreach (i, &program(p)->insns)
		if (i->code == (BPF_STX | BPF_MEM | BPF_DW) && i->dst_reg == BPF_REG_10 &&
		    i->src_reg == BPF_REG_1)
			return i->off;
	return 0;
}

static void test_frame(void)
{
	static const struct pipe_stage stages[] = {
		{"stack", "stack_64"}, {"stack", "stack_240"}, {"stack", "stack_8"}};
	static const struct pipe_stage deep[] = {{"stack", "stack_104"},
						 {"stack", "stack_104"},
						 {"stack", "stack_104"},
						 {"stack", "stack_104"},
						 {"stack", "stack_104"}};
	struct pipe p;
	int low, high, called = 0;

	build(&p, stages, 3, 0);
	reach(&p, 1, &low, &high);
	is_int(low, -240, "stages share a frame");
	pipe_done(&p);
	build(&p, stages, 3, 1 << OPTIMIZE_FRAME);
	reach(&p, 0, &low, &high);
	is_int(low, -64, "frame: off: the first has the first bytes");
	reach(&p, 1, &low, &high);
	is_int(low, -64 - 240, "the second those below");
	ok(high < -64, "and none of the first's: %d", high);
	reach(&p, 2, &low, &high);
	is_int(low, -64 - 240 - 8, "the third those below both");
	is_int(context_slot(&p), -64 - 240 - 8 - 8, "the context is below all");
	pipe_done(&p);
	build(&p, deep, 5, 1 << OPTIMIZE_FRAME);
	array_foreach (ps, &p.plan->stages)
		called += ps->called;
	is_int(called, 2, "as many are called as leave too little for the others");
	pipe_done(&p);
}

#define INSN(code_, dst, src, off_, imm_)                                                          \
	{                                                                                          \
		.code = code_, .dst_reg = dst, .src_reg = src, .off = off_, .imm = imm_            \
	}
#define LOAD64 (BPF_LDX | BPF_MEM | BPF_DW)
#define STORE8 (BPF_STX | BPF_MEM | BPF_B)
#define MOVE   (BPF_ALU64 | BPF_MOV | BPF_X)

static void fill(struct func *f, const struct bpf_insn *insns, size_t n)
{
	*f = (struct func){};
	for (size_t i = 0; i < n; i++)
		if (!array_add(&f->insns, insns[i]))
			bail_out("no memory");
}

/* Instructions put in: what points across them moves along. */
static void test_lower(void)
{
	static const struct bpf_insn insns[] = {
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 6, 0), /* 0 -> 7 */
		INSN(MOVE, 2, 10, 0, 0),                     /* 1 */
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -8),
		INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 10, 0, 0), /* 3: r10 here is a kind of address */
		INSN(0, 0, 0, 0, 0),
		INSN(MOVE, 3, 10, 0, 0),               /* 5 */
		INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, -6), /* 6 -> 1, by 32 bits */
		INSN(STORE8, 10, 4, -17, 0),           /* 7 */
		INSN(LOAD64, 0, 10, -8, 0),
		INSN(BPF_JMP | BPF_JA, 0, 0, -9, 0), /* 9 -> 1 */
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	struct func f;
	__u32 more = 0;

	fill(&f, insns, sizeof(insns) / sizeof(*insns));
	if (!array_add(&f.refs, ((struct ref){.insn = 3})) ||
	    !array_add(&f.lines, ((struct line){.insn = 1})) ||
	    !array_add(&f.lines, ((struct line){.insn = 2})) ||
	    !array_add(&f.cores, ((struct core_relo){.insn = 2})))
		bail_out("no memory");
	ok(frame_moves(&f, &more), "loads, stores and copies can be moved");
	is_int(more, 2, "it takes an instruction for each copy");
	is_int(frame_lower(&f, 64), 0, "moved");
	is_int(f.insns.n, 13, "two are put in");
	ok(f.insns.v[2].code == (BPF_ALU64 | BPF_ADD | BPF_K) && f.insns.v[2].dst_reg == 2 &&
		   f.insns.v[2].imm == -64,
	   "behind the copy: how far");
	is_int(f.insns.v[0].off, 8, "a jump over both");
	is_int(f.insns.v[8].imm, -8, "one back to the first, by 32 bits");
	is_int(f.insns.v[11].off, -11, "and by 16");
	is_int(f.insns.v[9].off, -17 - 64, "a store is further down");
	is_int(f.insns.v[10].off, -8 - 64, "so is a load");
	is_int(f.insns.v[4].src_reg, 10, "what only looks like the frame pointer stays");
	ok(f.refs.v[0].insn == 4 && f.cores.v[0].insn == 3, "references and CO-RE records");
	ok(f.lines.v[0].insn == 1 && f.lines.v[1].insn == 3, "lines");
	array_done(&f.insns);
	array_done(&f.refs);
	array_done(&f.lines);
	array_done(&f.cores);
}

static void test_immovable(void)
{
	static const struct {
		const char *what;
		struct bpf_insn insn;
	} cases[] = {
		{"stored itself", INSN(BPF_STX | BPF_MEM | BPF_DW, 10, 10, -8, 0)},
		{"added", INSN(BPF_ALU64 | BPF_ADD | BPF_X, 2, 10, 0, 0)},
		{"compared", INSN(BPF_JMP | BPF_JEQ | BPF_X, 2, 10, 0, 0)},
		{"its lower half copied", INSN(BPF_ALU | BPF_MOV | BPF_X, 2, 10, 0, 0)},
		{"copied with a sign", INSN(MOVE, 2, 10, 8, 0)},
		{"written", INSN(MOVE, 10, 1, 0, 0)},
	};
	struct func f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fill(&f, &cases[i].insn, 1);
		ok(!frame_moves(&f, NULL), "%s: it cannot be moved", cases[i].what);
		is_int(frame_lower(&f, 8), -EINVAL, "and is not");
		array_done(&f.insns);
	}
	fill(&f, (struct bpf_insn[]){INSN(LOAD64, 0, 10, -8, 0)}, 1);
	if (!array_add(&f.cores, ((struct core_relo){.insn = 0})))
		bail_out("no memory");
	ok(!frame_moves(&f, NULL), "nor what the loader relocates");
	array_done(&f.insns);
	array_done(&f.cores);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: plain FOLDER");
	folder = argv[1];
	test_splice();
	test_fold();
	test_unread();
	test_context();
	test_frame();
	test_lower();
	test_immovable();
	return done();
}
