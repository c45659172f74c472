/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/analyse.h"

#include <errno.h>
#include <stdint.h>

#include "base/text.h"

/*
 * Stack depth. Which registers hold an address of the own stack, and which at the
 * lowest? A small data flow over the instructions: the value of a register is NONE
 * or an offset from the frame pointer; where paths join, the lower one counts.
 *
 * A wrong answer is not dangerous, only a nuisance: the verifier would refuse the
 * program, since the context's slot would no longer hold the context.
 */
#define NONE INT16_MAX

struct regs {
	__s16 at[MAX_BPF_REG];
};

struct flow {
	const struct func *f;
	struct regs *before; /* by instruction */
	bool *seen;
	ARRAY(__u32) todo;
	__s16 spilled; /* the lowest stack address that was ever stored to memory, or NONE */
	bool spill_changed;
	bool unknown;
	__s32 deepest; /* <= 0 */
};

static __s16 lower(__s16 a, __s16 b)
{
	return a == NONE ? b : b == NONE ? a : a < b ? a : b;
}

/* Notes that the address @off is used or formed. */
static __s16 touch(struct flow *fl, __s32 off)
{
	if (off < -STACK_LIMIT)
		fl->unknown = true; /* a loop that walks down, or nonsense */
	else if (off < fl->deepest)
		fl->deepest = off;
	return off < -STACK_LIMIT ? -STACK_LIMIT : off > 0 ? 0 : off;
}

static void step_alu(struct flow *fl, const struct bpf_insn *i, struct regs *r)
{
	__s16 *dst = &r->at[i->dst_reg], src = r->at[i->src_reg];
	bool reg = BPF_SRC(i->code) == BPF_X;

	if (BPF_CLASS(i->code) == BPF_ALU64 && BPF_OP(i->code) == BPF_MOV) {
		*dst = reg ? src : NONE;
	} else if (BPF_CLASS(i->code) == BPF_ALU64 &&
		   (BPF_OP(i->code) == BPF_ADD || BPF_OP(i->code) == BPF_SUB)) {
		if (!reg && *dst != NONE)
			*dst = touch(fl, *dst + (BPF_OP(i->code) == BPF_ADD ? i->imm : -i->imm));
		else if (reg && (*dst != NONE || src != NONE)) {
			fl->unknown = true;
			*dst = NONE;
		}
	} else {
		*dst = NONE;
	}
}

static void step_memory(struct flow *fl, const struct bpf_insn *i, struct regs *r)
{
	bool load = BPF_CLASS(i->code) == BPF_LDX;
	__s16 base = r->at[load ? i->src_reg : i->dst_reg];
	bool wide = BPF_SIZE(i->code) == BPF_DW;

	if (base != NONE)
		touch(fl, base + i->off);
	if (load) {
		r->at[i->dst_reg] = base != NONE && wide ? fl->spilled : NONE;
	} else if (BPF_CLASS(i->code) == BPF_STX && r->at[i->src_reg] != NONE) {
		__s16 spilled = lower(fl->spilled, r->at[i->src_reg]);

		fl->spill_changed |= spilled != fl->spilled;
		fl->spilled = spilled;
	}
	if (BPF_CLASS(i->code) == BPF_STX && BPF_MODE(i->code) == BPF_ATOMIC) {
		if (i->imm & BPF_FETCH)
			r->at[i->imm == BPF_CMPXCHG ? BPF_REG_0 : i->src_reg] = NONE;
	}
}

static void step(struct flow *fl, const struct bpf_insn *i, struct regs *r)
{
	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		step_alu(fl, i, r);
		break;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		step_memory(fl, i, r);
		break;
	case BPF_LD:
		r->at[i->dst_reg] = NONE;
		break;
	default:
		if (insn_is_call(i))
			for (int reg = BPF_REG_0; reg <= BPF_REG_5; reg++)
				r->at[reg] = NONE;
	}
	r->at[BPF_REG_10] = 0;
}

/* Control reaches @to with @r: what is known there is joined with it. */
static int flow_to(struct flow *fl, __u32 to, const struct regs *r)
{
	struct regs *known = &fl->before[to];
	bool changed;

	if (to >= fl->f->insns.n)
		return 0;
	changed = !fl->seen[to];
	if (changed)
		*known = *r;
	for (int reg = 0; reg < MAX_BPF_REG; reg++) {
		__s16 now = lower(known->at[reg], r->at[reg]);

		changed |= now != known->at[reg];
		known->at[reg] = now;
	}
	fl->seen[to] = true;
	return !changed || array_add(&fl->todo, to) ? 0 : -ENOMEM;
}

static int flow_run(struct flow *fl)
{
	struct regs start;
	int r;

	for (int reg = 0; reg < MAX_BPF_REG; reg++)
		start.at[reg] = reg == BPF_REG_10 ? 0 : NONE;
	memset(fl->seen, 0, fl->f->insns.n * sizeof(*fl->seen));
	r = flow_to(fl, 0, &start);
	while (!r && fl->todo.n && !fl->unknown) {
		__u32 at = fl->todo.v[--fl->todo.n];
		const struct bpf_insn *i = &fl->f->insns.v[at];
		__u32 next = at + 1 + insn_is_ld_imm64(i);
		struct regs regs = fl->before[at];
		__s32 jump;

		step(fl, i, &regs);
		if (insn_is_exit(i))
			continue;
		if (insn_is_jump(i, &jump)) {
			r = flow_to(fl, at + 1 + jump, &regs);
			if (BPF_OP(i->code) == BPF_JA)
				continue;
		}
		r = r ?: flow_to(fl, next, &regs);
	}
	return r;
}

static int own_stack(const struct func *f, struct func_facts *facts)
{
	struct flow fl = {.f = f, .spilled = NONE};
	int r = 0;

	fl.before = calloc(f->insns.n + 1, sizeof(*fl.before));
	fl.seen = calloc(f->insns.n + 1, sizeof(*fl.seen));
	if (!fl.before || !fl.seen)
		r = -ENOMEM;
	/* what is loaded from memory depends on what was stored: until nothing changes */
	do {
		fl.spill_changed = false;
		r = r ?: flow_run(&fl);
	} while (!r && fl.spill_changed && !fl.unknown);
	facts->stack_known = !fl.unknown;
	facts->stack = (-fl.deepest + 7) & ~7;
	free(fl.before);
	free(fl.seen);
	array_done(&fl.todo);
	return r;
}

/* Linux, kernel/bpf/verifier.c, check_max_stack_depth(): frames count in steps of 32. */
static __u32 frame_size(__u32 stack)
{
	return stack < 32 ? 32 : (stack + 31) & ~31;
}

struct walk {
	const struct unit *u;
	struct func_facts *known; /* by function; total_insns 0: not visited yet */
	unsigned char *entered;
};

static int walk_func(struct walk *w, __u32 func, struct func_facts *sum)
{
	const struct func *f = &w->u->funcs.v[func];
	struct func_facts *facts = &w->known[func];
	int r;

	if (w->entered[func]) {
		/* on the way (recursion, which the verifier refuses) or done: counted already */
		return 0;
	}
	w->entered[func] = 1;
	r = own_stack(f, facts);
	sum->total_insns += f->insns.n;
	array_foreach (i, &f->insns)
		sum->tail_call |= insn_is_call(i) && !i->src_reg && i->imm == BPF_FUNC_tail_call;
	for (size_t i = 0; i < f->refs.n && !r; i++) {
		const struct ref *ref = &f->refs.v[i];
		const struct func_facts *to;
		__u32 chain;

		if (ref->kind == REF_KFUNC)
			sum->throws |= text_eq(w->u->externs.v[ref->target].name, "bpf_throw");
		if (ref->kind != REF_CALL && ref->kind != REF_FUNC)
			continue;
		r = walk_func(w, ref->target, sum);
		to = &w->known[ref->target];
		chain = frame_size(to->stack) + to->chain_stack;
		if (chain > facts->chain_stack)
			facts->chain_stack = chain;
		if (to->chain_calls + 1 > facts->chain_calls)
			facts->chain_calls = to->chain_calls + 1;
	}
	return r;
}

int func_analyse(const struct unit *u, __u32 func, struct func_facts *ret)
{
	struct walk w = {.u = u};
	struct func_facts sum = {};
	int r = -ENOMEM;

	w.known = calloc(u->funcs.n, sizeof(*w.known));
	w.entered = calloc(u->funcs.n, 1);
	if (w.known && w.entered)
		r = walk_func(&w, func, &sum);
	if (!r) {
		*ret = w.known[func];
		ret->total_insns = sum.total_insns;
		ret->tail_call = sum.tail_call;
		ret->throws = sum.throws;
	}
	free(w.known);
	free(w.entered);
	return r;
}

/* Linux 6.18, the protos with gpl_only set that networking programs can get. */
static const struct {
	__s32 id;
	const char *name;
} gpl_helpers[] = {
	{BPF_FUNC_probe_read, "bpf_probe_read"},
	{BPF_FUNC_trace_printk, "bpf_trace_printk"},
	{BPF_FUNC_perf_event_output, "bpf_perf_event_output"},
	{BPF_FUNC_probe_read_str, "bpf_probe_read_str"},
	{BPF_FUNC_fib_lookup, "bpf_fib_lookup"},
	{BPF_FUNC_probe_read_user, "bpf_probe_read_user"},
	{BPF_FUNC_probe_read_kernel, "bpf_probe_read_kernel"},
	{BPF_FUNC_probe_read_user_str, "bpf_probe_read_user_str"},
	{BPF_FUNC_probe_read_kernel_str, "bpf_probe_read_kernel_str"},
	{BPF_FUNC_snprintf_btf, "bpf_snprintf_btf"},
	{BPF_FUNC_timer_init, "bpf_timer_init"},
	{BPF_FUNC_timer_set_callback, "bpf_timer_set_callback"},
	{BPF_FUNC_timer_start, "bpf_timer_start"},
	{BPF_FUNC_timer_cancel, "bpf_timer_cancel"},
	{BPF_FUNC_trace_vprintk, "bpf_trace_vprintk"},
};

static const char *gpl_helper_of(const struct func *f)
{
	array_foreach (i, &f->insns)
		for (size_t k = 0; k < sizeof(gpl_helpers) / sizeof(*gpl_helpers); k++)
			if (insn_is_call(i) && !i->src_reg && i->imm == gpl_helpers[k].id)
				return gpl_helpers[k].name;
	return NULL;
}

static const char *gpl_helper_below(const struct unit *u, __u32 func, int depth)
{
	const struct func *f = &u->funcs.v[func];
	const char *found = gpl_helper_of(f);

	if (depth > 8) /* frames in a call chain: Linux, MAX_CALL_FRAMES */
		return found;
	array_foreach (ref, &f->refs)
		if (!found && (ref->kind == REF_CALL || ref->kind == REF_FUNC))
			found = gpl_helper_below(u, ref->target, depth + 1);
	return found;
}

const char *func_gpl_helper(const struct unit *u, __u32 func)
{
	return gpl_helper_below(u, func, 0);
}

bool license_is_gpl_compatible(const char *license)
{
	static const char *const ok[] = {
		"GPL",          "GPL v2",       "GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};

	for (size_t i = 0; license && i < sizeof(ok) / sizeof(*ok); i++)
		if (text_eq(license, ok[i]))
			return true;
	return false;
}
