/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/analyse.h"

#include <errno.h>

#include "base/text.h"
#include "object/flow.h"

static int own_stack(const struct func *f, struct func_facts *facts)
{
	struct flow fl;
	int r = flow_init(&fl, f);

	if (r)
		return r;
	facts->stack_known = fl.stack_known;
	facts->stack = fl.stack;
	flow_done(&fl);
	return 0;
}

/* Linux, kernel/bpf/verifier.c, check_max_stack_depth(): frames count in steps of 32. */
static __u32 frame_size(__u32 stack)
{
	return stack < 32 ? 32 : (stack + 31) & ~31;
}

/* LD_ABS and LD_IND: beyond the packet they end the function, and r0 is 0. */
static bool has_old_loads(const struct func *f)
{
	for (__u32 i = 0; i < f->insns.n; i++) {
		const struct bpf_insn *insn = &f->insns.v[i];

		if (insn_is_ld_imm64(insn))
			i++;
		else if (BPF_CLASS(insn->code) == BPF_LD)
			return true;
	}
	return false;
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
		ret->old_loads = has_old_loads(&u->funcs.v[func]);
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
	{BPF_FUNC_perf_event_read, "bpf_perf_event_read"},
	{BPF_FUNC_perf_event_output, "bpf_perf_event_output"},
	{BPF_FUNC_get_current_task, "bpf_get_current_task"},
	{BPF_FUNC_probe_read_str, "bpf_probe_read_str"},
	{BPF_FUNC_perf_event_read_value, "bpf_perf_event_read_value"},
	{BPF_FUNC_fib_lookup, "bpf_fib_lookup"},
	{BPF_FUNC_tcp_check_syncookie, "bpf_tcp_check_syncookie"},
	{BPF_FUNC_tcp_gen_syncookie, "bpf_tcp_gen_syncookie"},
	{BPF_FUNC_probe_read_user, "bpf_probe_read_user"},
	{BPF_FUNC_probe_read_kernel, "bpf_probe_read_kernel"},
	{BPF_FUNC_probe_read_user_str, "bpf_probe_read_user_str"},
	{BPF_FUNC_probe_read_kernel_str, "bpf_probe_read_kernel_str"},
	{BPF_FUNC_get_current_task_btf, "bpf_get_current_task_btf"},
	{BPF_FUNC_check_mtu, "bpf_check_mtu"},
	{BPF_FUNC_snprintf, "bpf_snprintf"},
	{BPF_FUNC_timer_init, "bpf_timer_init"},
	{BPF_FUNC_timer_set_callback, "bpf_timer_set_callback"},
	{BPF_FUNC_timer_start, "bpf_timer_start"},
	{BPF_FUNC_timer_cancel, "bpf_timer_cancel"},
	{BPF_FUNC_task_pt_regs, "bpf_task_pt_regs"},
	{BPF_FUNC_get_branch_snapshot, "bpf_get_branch_snapshot"},
	{BPF_FUNC_trace_vprintk, "bpf_trace_vprintk"},
	{BPF_FUNC_copy_from_user_task, "bpf_copy_from_user_task"},
	{BPF_FUNC_tcp_raw_gen_syncookie_ipv4, "bpf_tcp_raw_gen_syncookie_ipv4"},
	{BPF_FUNC_tcp_raw_gen_syncookie_ipv6, "bpf_tcp_raw_gen_syncookie_ipv6"},
	{BPF_FUNC_tcp_raw_check_syncookie_ipv4, "bpf_tcp_raw_check_syncookie_ipv4"},
	{BPF_FUNC_tcp_raw_check_syncookie_ipv6, "bpf_tcp_raw_check_syncookie_ipv6"},
};

static const char *gpl_helper_of(const struct func *f)
{
	array_foreach (i, &f->insns)
		for (size_t k = 0; k < sizeof(gpl_helpers) / sizeof(*gpl_helpers); k++)
			if (insn_is_call(i) && !i->src_reg && i->imm == gpl_helpers[k].id)
				return gpl_helpers[k].name;
	return NULL;
}

/* Kernel functions are for GPL-compatible programs without exception. */
static const char *gpl_helper_below(const struct unit *u, __u32 func, unsigned char *entered)
{
	const struct func *f = &u->funcs.v[func];
	const char *found = gpl_helper_of(f);

	entered[func] = 1;
	array_foreach (ref, &f->refs) {
		if (found)
			break;
		if (ref->kind == REF_KFUNC)
			found = u->externs.v[ref->target].name;
		else if ((ref->kind == REF_CALL || ref->kind == REF_FUNC) && !entered[ref->target])
			found = gpl_helper_below(u, ref->target, entered);
	}
	return found;
}

int func_gpl_helper(const struct unit *u, __u32 func, const char **ret)
{
	unsigned char *entered = calloc(u->funcs.n, 1);

	if (!entered)
		return -ENOMEM;
	*ret = gpl_helper_below(u, func, entered);
	free(entered);
	return 0;
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
