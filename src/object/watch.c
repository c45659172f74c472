/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Those who look at packets. A stack slot says who looks at this one; for a packet that nobody
 * looks at a seam is a load and a jump:
 *
 *	w2 = *(u32 *)(r10 + slot)               bits: who looks
 *	if w2 == 0 goto past
 *	*(u32 *)(r10 + slot + 4) = w0           the verdict
 *	now = bpf_ktime_get_ns()                if somebody times
 *	seam(ctx, verdict, where, now - last)   of each
 *	last = bpf_ktime_get_ns()               so what they do counts for no part
 *	w0 = *(u32 *)(r10 + slot + 4)
 * past:
 */
#include "object/splicer.h"

#define WHO     0  /* u32 */
#define VERDICT 4  /* u32 */
#define LAST    8  /* u64: when the part began, that runs */
#define SPENT   16 /* u64 */

static __s16 at(const struct splicer *sp, int what)
{
	return sp->watch_slot + what;
}

static __u32 jump_ahead(struct splicer *sp, int op, int reg, __s32 imm)
{
	emit_jump32(&sp->e, op, reg, imm, 0);
	return emit_here(&sp->e) - 1;
}

static void land(struct splicer *sp, __u32 jump)
{
	if (!sp->e.failed)
		sp->e.out.insns.v[jump].off = emit_here(&sp->e) - jump - 1;
}

static void emit_clock(struct splicer *sp)
{
	emit_helper(&sp->e, BPF_FUNC_ktime_get_ns);
	emit_store(&sp->e, BPF_DW, BPF_REG_10, at(sp, LAST), BPF_REG_0);
}

void emit_watch_begin(struct splicer *sp)
{
	const struct splice *s = sp->s;
	__u32 jump;

	if (!s->n_watches)
		return;
	for (size_t i = 0; i < s->n_watches; i++) {
		const struct splice_watch *w = &s->watches[i];

		if (i)
			emit_load_ctx(sp);
		emit_call(&sp->e, s->control.entry ? w->begin : w->again);
		if (i) {
			emit_alu64(&sp->e, BPF_LSH, BPF_REG_0, i);
			emit_load(&sp->e, BPF_W, BPF_REG_1, BPF_REG_10, at(sp, WHO));
			emit_insn(&sp->e, (struct bpf_insn){.code = BPF_ALU64 | BPF_OR | BPF_X,
							    .src_reg = BPF_REG_1});
		}
		emit_store(&sp->e, BPF_W, BPF_REG_10, at(sp, WHO), BPF_REG_0);
	}
	if (sp->times) {
		jump = jump_ahead(sp, BPF_JEQ, BPF_REG_0, 0);
		emit_clock(sp);
		land(sp, jump);
	}
	emit_load_ctx(sp);
}

/* r4 = what the part took. It was kept while others were called. */
static void emit_spent(struct splicer *sp)
{
	if (sp->times)
		emit_load(&sp->e, BPF_DW, BPF_REG_4, BPF_REG_10, at(sp, SPENT));
	else
		emit_mov32(&sp->e, BPF_REG_4, 0);
}

static void emit_where(struct splicer *sp, __u32 point, __u32 proceed_on)
{
	emit_insn(&sp->e, (struct bpf_insn){.code = BPF_LD | BPF_IMM | BPF_DW,
					    .dst_reg = BPF_REG_3,
					    .imm = point});
	emit_insn(&sp->e, (struct bpf_insn){.imm = proceed_on});
}

/* Instructions of one call, and those around all of them. */
#define ONE_WATCH 11
#define ALL_WATCH 12

__u32 watch_size(const struct splicer *sp)
{
	return sp->s->n_watches ? ALL_WATCH + ONE_WATCH * sp->s->n_watches : 0;
}

/* Calls seam of those of @who that look at the packet. */
static void emit_seams(struct splicer *sp, __u32 who, __u32 point, __u32 proceed_on)
{
	for (size_t i = 0; i < sp->s->n_watches; i++) {
		bool alone = sp->s->n_watches == 1;
		__u32 jump = 0;

		if (!(who & 1u << i))
			continue;
		if (!alone) {
			emit_load(&sp->e, BPF_W, BPF_REG_2, BPF_REG_10, at(sp, WHO));
			emit_alu64(&sp->e, BPF_AND, BPF_REG_2, 1u << i);
			jump = jump_ahead(sp, BPF_JEQ, BPF_REG_2, 0);
		}
		emit_load_ctx(sp);
		emit_load(&sp->e, BPF_W, BPF_REG_2, BPF_REG_10, at(sp, VERDICT));
		emit_where(sp, point, proceed_on);
		emit_spent(sp);
		emit_call(&sp->e, sp->s->watches[i].seam);
		if (!alone)
			land(sp, jump);
	}
}

static void emit_watches(struct splicer *sp, __u32 who, __u32 point, __u32 proceed_on)
{
	__u32 past;

	emit_load(&sp->e, BPF_W, BPF_REG_2, BPF_REG_10, at(sp, WHO));
	past = jump_ahead(sp, BPF_JEQ, BPF_REG_2, 0);
	emit_store(&sp->e, BPF_W, BPF_REG_10, at(sp, VERDICT), BPF_REG_0);
	if (sp->times) {
		emit_helper(&sp->e, BPF_FUNC_ktime_get_ns);
		emit_load(&sp->e, BPF_DW, BPF_REG_1, BPF_REG_10, at(sp, LAST));
		emit_insn(&sp->e, (struct bpf_insn){.code = BPF_ALU64 | BPF_SUB | BPF_X,
						    .src_reg = BPF_REG_1});
		emit_store(&sp->e, BPF_DW, BPF_REG_10, at(sp, SPENT), BPF_REG_0);
	}
	emit_seams(sp, who, point, proceed_on);
	if (sp->times)
		emit_clock(sp);
	emit_load(&sp->e, BPF_W, BPF_REG_0, BPF_REG_10, at(sp, VERDICT));
	land(sp, past);
}

/* Those who time. */
static __u32 who_times(const struct splice *s)
{
	__u32 who = 0;

	for (size_t i = 0; i < s->n_watches; i++)
		who |= (__u32)s->watches[i].times << i;
	return who;
}

void emit_watch_behind(struct splicer *sp, size_t k)
{
	const struct splice_part *p = &sp->s->parts[k];
	bool leaves = p->next == SPLICE_END && sp->s->end == SPLICE_LAST;
	__u32 who = who_times(sp->s) | (p->silent ? 0 : p->behind);
	__u32 point = p->index | (p->silent ? SPLICE_WATCH_SILENT : 0);
	__u32 proceed_on = (leaves ? 0 : p->proceed_on) | sp->s->goes_on;

	if (p->chooses)
		proceed_on = SPLICE_WATCH_ANY;
	if (who)
		emit_watches(sp, who, point, proceed_on);
}

void emit_watch_before(struct splicer *sp, size_t k)
{
	const struct splice_part *p = &sp->s->parts[k];

	if (!p->before)
		return;
	emit_mov32(&sp->e, BPF_REG_0, 0);
	emit_watches(sp, p->before, p->index | SPLICE_WATCH_BEFORE, SPLICE_WATCH_ANY);
	if (reads_ctx_elsewhere(sp, k) < 0)
		emit_load_ctx(sp);
}

void emit_watch_out(struct splicer *sp, __u32 point)
{
	__u32 who = 0;

	for (size_t i = 0; i < sp->s->n_watches; i++)
		who |= (__u32)sp->s->watches[i].ends << i;
	if (who)
		emit_watches(sp, who, point, point == SPLICE_WATCH_END ? sp->s->goes_on : 0);
}
