/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/flow.h"

#include <errno.h>

#define STACK_LIMIT 512 /* Linux, MAX_BPF_STACK */

static const struct value any;

struct run {
	struct flow *fl;
	ARRAY(__u32) todo;
	struct value spilled; /* the lowest stack address that was ever stored to memory */
	bool spill_changed;
	__s32 deepest; /* <= 0 */
};

static struct value join(struct value a, struct value b)
{
	if (a.kind == VALUE_STACK && b.kind == VALUE_STACK)
		return a.v < b.v ? a : b;
	if (a.kind == VALUE_STACK || b.kind == VALUE_STACK)
		return a.kind == VALUE_STACK ? a : b;
	return a.kind == b.kind && a.v == b.v ? a : any;
}

static bool same(struct value a, struct value b)
{
	return a.kind == b.kind && (a.kind == VALUE_ANY || a.v == b.v);
}

/* The address @off is used or formed. */
static struct value touch(struct run *run, __s64 off)
{
	if (off < -STACK_LIMIT) {
		run->fl->stack_known = false; /* a loop that walks down, or nonsense */
		off = -STACK_LIMIT;
	}
	if (off < run->deepest)
		run->deepest = off;
	return (struct value){VALUE_STACK, off > 0 ? 0 : off};
}

static void step_add(struct run *run, const struct bpf_insn *i, struct value *dst, struct value src)
{
	bool reg = BPF_SRC(i->code) == BPF_X;

	if (!reg && dst->kind == VALUE_STACK) {
		*dst = touch(run, BPF_OP(i->code) == BPF_ADD ? (__s64)dst->v + i->imm
							     : (__s64)dst->v - i->imm);
		return;
	}
	if (reg && (dst->kind == VALUE_STACK || src.kind == VALUE_STACK))
		run->fl->stack_known = false;
	*dst = any;
}

static void step_alu(struct run *run, const struct bpf_insn *i, struct regs *r)
{
	bool wide = BPF_CLASS(i->code) == BPF_ALU64, reg = BPF_SRC(i->code) == BPF_X;
	struct value *dst = &r->at[i->dst_reg], src = r->at[i->src_reg];
	int op = BPF_OP(i->code);

	if (op == BPF_MOV && !reg)
		*dst = (struct value){VALUE_CONST, i->imm};
	else if (op == BPF_MOV && !i->off && (wide || src.kind == VALUE_CONST))
		*dst = src;
	else if (wide && (op == BPF_ADD || op == BPF_SUB))
		step_add(run, i, dst, src);
	else
		*dst = any;
}

static void step_memory(struct run *run, const struct bpf_insn *i, struct regs *r)
{
	bool load = BPF_CLASS(i->code) == BPF_LDX;
	struct value base = r->at[load ? i->src_reg : i->dst_reg];

	if (base.kind == VALUE_STACK)
		touch(run, (__s64)base.v + i->off);
	if (load) {
		r->at[i->dst_reg] = base.kind == VALUE_STACK && BPF_SIZE(i->code) == BPF_DW
					    ? run->spilled
					    : any;
	} else if (BPF_CLASS(i->code) == BPF_STX && r->at[i->src_reg].kind == VALUE_STACK) {
		struct value spilled = join(run->spilled, r->at[i->src_reg]);

		run->spill_changed |= !same(spilled, run->spilled);
		run->spilled = spilled;
	}
	if (BPF_CLASS(i->code) == BPF_STX && BPF_MODE(i->code) == BPF_ATOMIC) {
		/* those that write a register: fetch, exchange, and load-acquire (0x100) */
		if (i->imm == BPF_CMPXCHG)
			r->at[BPF_REG_0] = any;
		else if (i->imm & BPF_FETCH)
			r->at[i->src_reg] = any;
		else if (i->imm == 0x100)
			r->at[i->dst_reg] = any;
	}
}

/* The loader may put another number into it: "return bpf_core_enum_value(…);" */
static bool is_relocated(const struct func *f, __u32 at)
{
	array_foreach (c, &f->cores)
		if (c->insn == at)
			return true;
	return false;
}

static void step(struct run *run, __u32 at, struct regs *r)
{
	const struct bpf_insn *i = &run->fl->f->insns.v[at];

	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		step_alu(run, i, r);
		if (r->at[i->dst_reg].kind == VALUE_CONST && is_relocated(run->fl->f, at))
			r->at[i->dst_reg] = any;
		break;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		step_memory(run, i, r);
		break;
	case BPF_LD:
		/* ld_imm64; the old ld_abs and ld_ind are calls in disguise: r0 to r5 */
		if (insn_is_ld_imm64(i)) {
			r->at[i->dst_reg] = any;
			break;
		}
		/* fallthrough */
	default:
		if (BPF_CLASS(i->code) == BPF_LD || insn_is_call(i))
			for (int reg = BPF_REG_0; reg <= BPF_REG_5; reg++)
				r->at[reg] = any;
	}
	r->at[BPF_REG_10] = (struct value){VALUE_STACK, 0};
}

/* What a comparison with a constant tells of its register on the way @jumps. */
static void learn(const struct bpf_insn *i, bool jumps, struct regs *r)
{
	int op = BPF_OP(i->code);

	if (BPF_SRC(i->code) == BPF_K && r->at[i->dst_reg].kind == VALUE_ANY &&
	    ((op == BPF_JEQ && jumps) || (op == BPF_JNE && !jumps)))
		r->at[i->dst_reg] = (struct value){VALUE_CONST, i->imm};
}

/* Control reaches @to with @r: what is known there is joined with it. */
static int flow_to(struct run *run, __u32 to, const struct regs *r)
{
	struct flow *fl = run->fl;
	struct regs *known = &fl->before[to];
	bool changed;

	if (to >= fl->f->insns.n)
		return 0;
	changed = !fl->seen[to];
	if (changed)
		*known = *r;
	for (int reg = 0; reg < FLOW_REGS; reg++) {
		struct value now = join(known->at[reg], r->at[reg]);

		changed |= !same(now, known->at[reg]);
		known->at[reg] = now;
	}
	fl->seen[to] = true;
	return !changed || array_add(&run->todo, to) ? 0 : -ENOMEM;
}

static int visit(struct run *run, __u32 at)
{
	const struct bpf_insn *i = &run->fl->f->insns.v[at];
	struct regs regs = run->fl->before[at], other;
	__s32 jump;
	int r = 0;

	step(run, at, &regs);
	if (insn_is_exit(i))
		return 0;
	if (insn_is_jump(i, &jump)) {
		other = regs;
		learn(i, true, &other);
		learn(i, false, &regs);
		r = flow_to(run, at + 1 + jump, &other);
		if (BPF_OP(i->code) == BPF_JA)
			return r;
	}
	return r ?: flow_to(run, at + 1 + insn_is_ld_imm64(i), &regs);
}

static int run_once(struct run *run)
{
	struct regs start = {};
	int r;

	start.at[BPF_REG_10] = (struct value){VALUE_STACK, 0};
	memset(run->fl->seen, 0, run->fl->f->insns.n * sizeof(*run->fl->seen));
	run->todo.n = 0;
	r = flow_to(run, 0, &start);
	while (!r && run->todo.n)
		r = visit(run, run->todo.v[--run->todo.n]);
	return r;
}

int flow_init(struct flow *fl, const struct func *f)
{
	struct run run = {.fl = fl};
	int r = 0;

	*fl = (struct flow){.f = f, .stack_known = true};
	fl->before = calloc(f->insns.n + 1, sizeof(*fl->before));
	fl->seen = calloc(f->insns.n + 1, sizeof(*fl->seen));
	if (!fl->before || !fl->seen)
		r = -ENOMEM;
	/* what is loaded from the stack depends on what was stored: until nothing changes */
	do {
		run.spill_changed = false;
		r = r ?: run_once(&run);
	} while (!r && run.spill_changed);
	fl->stack = (-run.deepest + 7) & ~7;
	array_done(&run.todo);
	if (r)
		flow_done(fl);
	return r;
}

void flow_done(struct flow *fl)
{
	free(fl->before);
	free(fl->seen);
	*fl = (struct flow){};
}

struct value flow_verdict(const struct flow *fl, __u32 insn, bool jumps)
{
	const struct bpf_insn *i = &fl->f->insns.v[insn];
	struct flow scratch = *fl;
	struct run run = {.fl = &scratch};
	struct regs regs;
	__s32 jump;

	if (!fl->seen[insn])
		return any;
	regs = fl->before[insn];
	step(&run, insn, &regs);
	if (insn_is_jump(i, &jump))
		learn(i, jumps, &regs);
	return regs.at[BPF_REG_0];
}

__u64 flow_partial_slots(const struct flow *fl)
{
	__u64 slots = 0;

	for (__u32 at = 0; at < fl->f->insns.n; at++) {
		const struct bpf_insn *i = &fl->f->insns.v[at];
		int class = BPF_CLASS(i->code);
		struct value base;
		__s32 off;

		if (!fl->seen[at] || BPF_SIZE(i->code) == BPF_DW ||
		    (class != BPF_LDX && class != BPF_ST && class != BPF_STX))
			continue;
		base = fl->before[at].at[class == BPF_LDX ? i->src_reg : i->dst_reg];
		off = base.v + i->off;
		if (base.kind == VALUE_STACK && off < 0 && off >= -STACK_LIMIT)
			slots |= 1ull << ((-off - 1) / 8);
	}
	return slots;
}
