/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Where the context is. Every part but the program's first begins with it in r1, unless it
 * can read it where it is kept; a part that destroys r1 is followed by a reload for those
 * that need it there.
 */
#include <errno.h>

#include "base/error.h"
#include "object/analyse.h"
#include "object/ctx.h"
#include "object/splicer.h"

void emit_save_ctx(struct splicer *sp)
{
	if (sp->ctx_reg)
		emit_mov(&sp->e, sp->ctx_reg, BPF_REG_1);
	else if (sp->ctx_slot)
		emit_store(&sp->e, BPF_DW, BPF_REG_10, sp->ctx_slot, BPF_REG_1);
}

void emit_load_ctx(struct splicer *sp)
{
	if (sp->ctx_reg)
		emit_mov(&sp->e, BPF_REG_1, sp->ctx_reg);
	else
		emit_load(&sp->e, BPF_DW, BPF_REG_1, BPF_REG_10, sp->ctx_slot);
}

static bool preserves_ctx(const struct splicer *sp, size_t k)
{
	const struct splice_part *p = &sp->s->parts[k];

	return !p->call && !p->observed && !sp->s->n_watches && !sp->s->plain.context &&
	       ctx_is_preserved(part_func(sp, k));
}

static bool leads_to(const struct splice_part *p, __u32 next)
{
	for (size_t i = 0; i < p->n_cases; i++)
		if (p->cases[i].next == next)
			return true;
	return p->next == next;
}

/* Does the context come to part @k in r1 on every way, without a reload? */
static bool comes_in_r1(const struct splicer *sp, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (leads_to(&sp->s->parts[i], k) && !preserves_ctx(sp, i))
			return false;
	return true;
}

int reads_ctx_elsewhere(const struct splicer *sp, size_t k)
{
	if (!k || !sp->ctx_reg || sp->s->parts[k].call || comes_in_r1(sp, k))
		return -1;
	return ctx_overwritten_at(part_func(sp, k));
}

bool ctx_is_needed(const struct splicer *sp, __u32 next)
{
	if (next == SPLICE_END)
		return false;
	return next & SPLICE_SLOT || reads_ctx_elsewhere(sp, next) < 0;
}

void emit_reload_ctx(struct splicer *sp, size_t k, __u32 next)
{
	if (!preserves_ctx(sp, k) && ctx_is_needed(sp, next))
		emit_load_ctx(sp);
}

/* A callee-saved register that no spliced part touches; 0: none. Called ones restore theirs. */
static int free_register(const struct splicer *sp)
{
	for (int reg = BPF_REG_9; reg >= BPF_REG_6 && !sp->s->plain.context; reg--) {
		bool taken = reg == sp->ctx_reg;

		for (size_t k = 0; k < sp->s->n_parts; k++)
			taken |= !sp->s->parts[k].call && func_mentions(part_func(sp, k), reg);
		if (!taken)
			return reg;
	}
	return 0;
}

/* Must the context outlive part @k? */
static bool is_followed(const struct splice_part *p)
{
	for (size_t i = 0; i < p->n_cases; i++)
		if (p->cases[i].next != SPLICE_END)
			return true;
	return p->next != SPLICE_END;
}

/* The deepest stack of the parts that a slot must outlive. */
static int deepest(const struct splicer *sp, bool all, __u32 *ret)
{
	*ret = 0;
	for (size_t k = 0; k < sp->s->n_parts; k++) {
		struct func_facts facts;

		if (sp->s->parts[k].call || (!all && !is_followed(&sp->s->parts[k])))
			continue;
		if (func_analyse(sp->u, sp->s->parts[k].func, &facts))
			return -ENOMEM;
		if (facts.stack > *ret)
			*ret = facts.stack;
	}
	return 0;
}

static int no_room(struct splicer *sp, __u32 stack)
{
	error_set(sp->err, -EOVERFLOW, sp->s->name,
		  "no room on the stack for what seams keep beside %u bytes of a stage", stack);
	return -EOVERFLOW;
}

/* Configuration is there for all parts, the context for those that others follow. */
static int choose_slots(struct splicer *sp, bool ctx)
{
	bool config = sp->uses_config || (sp->s->config.packet_map >= 0 &&
					  sp->s->config.section >= 0 && sp->s->control.entry);
	bool watches = sp->s->n_watches, count = sp->s->count && sp->s->count->stack;
	__u32 stage, stack;

	if (!config && !ctx && !watches && !count)
		return 0;
	if (deepest(sp, config || watches || count || sp->s->plain.frame, &stage))
		return error_oom(sp->err);
	stack = stage;
	if (config)
		sp->config_slot = -(__s16)(stack += 8);
	if (count)
		sp->count_slot = -(__s16)(stack += 8);
	if (ctx)
		sp->ctx_slot = -(__s16)(stack += 8);
	if (watches)
		sp->watch_slot = -(__s16)(stack += sp->times ? SPLICE_WATCH_STACK : 8);
	return stack > STACK_LIMIT ? no_room(sp, stage) : 0;
}

/* Whoever uses the registers that are free: the context first. */
static void choose_gate(struct splicer *sp)
{
	for (size_t k = 0; k < sp->s->n_parts && !sp->gate_reg; k++)
		if (sp->s->parts[k].gated) {
			sp->gate_reg = free_register(sp);
			sp->gate_word = sp->s->parts[k].index / 32;
			return;
		}
}

int splicer_place(struct splicer *sp)
{
	const struct splice *s = sp->s;
	bool needed = s->n_watches;

	for (size_t i = 0; i < s->n_watches; i++)
		sp->times |= s->watches[i].times;
	for (size_t k = 0; k < s->n_parts; k++) {
		needed |= is_followed(&s->parts[k]) && !preserves_ctx(sp, k);
		sp->uses_config |= s->config.section >= 0 && !s->parts[k].call &&
				   func_uses_section(part_func(sp, k), s->config.section);
	}
	/* the first part needs it behind a call in the head */
	needed |= s->config.section >= 0 && s->config.packet_map >= 0 &&
		  (sp->uses_config || s->control.entry);
	if (needed)
		sp->ctx_reg = free_register(sp);
	choose_gate(sp);
	return choose_slots(sp, needed && !sp->ctx_reg);
}
