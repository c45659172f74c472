/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Counting. A way that is counted leads to a place of its own, behind all stages, which counts
 * and then leaves the pipeline or goes back to the stage that is next:
 *
 *	call bpf_get_smp_processor_id	an instruction, where the JIT knows it
 *	r0 &= CPUs - 1
 *	r0 *= bytes of a CPU's block
 *	r1 = the section; r1 += r0
 *	packets += 1, bytes += length	no atomics: a CPU writes in its own block only
 *	w0 = the verdict; exit
 *
 * Nobody needs r0 to r5 there, and r6 to r9 hold at most what seams keep; where the packet
 * leaves, not even that.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "object/splicer.h"
#include "object/verdict.h"

#define COUNTER_BYTES 8 /* behind the packets */

/* The places of a part: where LABEL_OUT and those behind it lead, then: */
enum { PLACE_NEXT = N_LABELS - LABEL_OUT, PLACE_BYPASS, PLACE_CASES };

/* Instructions of a place, and of a tail call that counts what is lost. */
#define PLACE_SIZE 32

static __u32 stride(const struct splice *s)
{
	size_t most = 0;

	for (size_t k = 0; k < s->n_parts; k++)
		if (s->parts[k].n_cases > most)
			most = s->parts[k].n_cases;
	return PLACE_CASES + most;
}

size_t count_places(const struct splice *s)
{
	return s->count ? s->n_parts * stride(s) + 1 : 0;
}

static __u32 place(const struct splicer *sp, size_t k, __u32 which)
{
	return sp->first_place + k * stride(sp->s) + which;
}

__u32 count_closed(const struct splicer *sp)
{
	return place(sp, sp->s->n_parts, 0);
}

bool is_place(const struct splicer *sp, __u32 label)
{
	return sp->s->count && label != LABEL_NONE && label >= sp->first_place;
}

__u32 place_size(const struct splicer *sp)
{
	return sp->s->count ? PLACE_SIZE + watch_size(sp) : 0;
}

static const struct splice_count_part *part_counters(const struct splicer *sp, size_t k)
{
	return &sp->s->count->parts[k];
}

__u32 count_goes_on(const struct splicer *sp, size_t k)
{
	return sp->s->count ? part_counters(sp, k)->proceed : 0;
}

__u32 count_exit(const struct splicer *sp, size_t k, __u32 label)
{
	if (!sp->s->count || label < LABEL_OUT || label >= N_LABELS)
		return label;
	return place(sp, k, label - LABEL_OUT);
}

__u32 count_bypass(const struct splicer *sp, size_t k, __u32 label)
{
	return sp->s->count ? place(sp, k, PLACE_BYPASS) : label;
}

__u32 count_next(const struct splicer *sp, size_t k)
{
	__u32 next = sp->s->parts[k].next;

	return sp->s->count && next == SPLICE_END ? place(sp, k, PLACE_NEXT) : label_of(sp, next);
}

__u32 count_case(const struct splicer *sp, size_t k, size_t i)
{
	const struct splice_part *p = &sp->s->parts[k];
	__u32 next = p->cases[i].next;

	size_t first = 0;

	if (!sp->s->count || !part_counters(sp, k)->cases[i])
		return label_of(sp, next);
	while (p->cases[first].next != next) /* one counter, one place */
		first++;
	return place(sp, k, PLACE_CASES + first);
}

static void emit_alu(struct splicer *sp, __u8 code, int dst, int src, __s32 imm)
{
	emit_insn(&sp->e,
		  (struct bpf_insn){.code = code, .dst_reg = dst, .src_reg = src, .imm = imm});
}

/* r1 = this CPU's block. r0 and r2 to r5 are lost. */
static void emit_block(struct splicer *sp)
{
	const struct splice_count *c = sp->s->count;

	emit_helper(&sp->e, BPF_FUNC_get_smp_processor_id);
	emit_alu64(&sp->e, BPF_AND, BPF_REG_0, c->mask);
	emit_alu64(&sp->e, BPF_MUL, BPF_REG_0, c->block);
	emit_address(&sp->e, BPF_REG_1, REF_DATA, c->section, 0);
	emit_add(&sp->e, BPF_REG_1, BPF_REG_0);
}

/* r3 = the packet's length. */
static void emit_length(struct splicer *sp)
{
	if (sp->count_slot)
		emit_load(&sp->e, BPF_DW, BPF_REG_3, BPF_REG_10, sp->count_slot);
	else
		emit_load(&sp->e, BPF_DW, BPF_REG_3, BPF_REG_1, 0);
}

/* One packet of r3 bytes more, in the counter at r1 + @offset. */
static void emit_increase(struct splicer *sp, __u32 offset)
{
	if (offset > INT16_MAX - COUNTER_BYTES) {
		emit_alu64(&sp->e, BPF_ADD, BPF_REG_1, offset);
		offset = 0;
	}
	emit_load(&sp->e, BPF_DW, BPF_REG_2, BPF_REG_1, offset);
	emit_alu64(&sp->e, BPF_ADD, BPF_REG_2, 1);
	emit_store(&sp->e, BPF_DW, BPF_REG_1, offset, BPF_REG_2);
	emit_load(&sp->e, BPF_DW, BPF_REG_2, BPF_REG_1, offset + COUNTER_BYTES);
	emit_add(&sp->e, BPF_REG_2, BPF_REG_3);
	emit_store(&sp->e, BPF_DW, BPF_REG_1, offset + COUNTER_BYTES, BPF_REG_2);
}

static void emit_count(struct splicer *sp, __u32 offset)
{
	emit_block(sp);
	emit_length(sp);
	emit_increase(sp, offset);
}

/* r1 += the place of verdict w6 in a row of counters; the last one is for all others. */
static void emit_index(struct splicer *sp)
{
	const struct splice_count *c = sp->s->count;

	emit_alu(sp, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_6, 0);
	if (c->low)
		emit_alu(sp, BPF_ALU | BPF_SUB | BPF_K, BPF_REG_2, 0, c->low);
	emit_insn(&sp->e, (struct bpf_insn){.code = BPF_JMP | BPF_JLT | BPF_K,
					    .dst_reg = BPF_REG_2,
					    .imm = c->n_verdicts,
					    .off = 1});
	emit_mov32(&sp->e, BPF_REG_2, c->n_verdicts);
	emit_alu64(&sp->e, BPF_LSH, BPF_REG_2, __builtin_ctz(SPLICE_COUNTER));
	emit_add(&sp->e, BPF_REG_1, BPF_REG_2);
}

/* The packet leaves with the verdict in r6. The length is in r3 or, if @taken, in r7. */
static void emit_leave_with(struct splicer *sp, __u32 verdicts, bool taken)
{
	emit_block(sp);
	if (taken)
		emit_mov(&sp->e, BPF_REG_3, BPF_REG_7);
	else
		emit_length(sp);
	emit_index(sp);
	emit_increase(sp, verdicts);
	emit_mov(&sp->e, BPF_REG_0, BPF_REG_6);
	emit_exit(&sp->e);
}

/* The packet leaves by the end of the pipeline, and not because of what a stage returned. */
static void emit_leave_by_end(struct splicer *sp, __u32 offset)
{
	if (sp->s->n_watches) {
		emit_mov32(&sp->e, BPF_REG_0, end_verdict(sp->s));
		emit_watch_out(sp, SPLICE_WATCH_END);
	}
	emit_count(sp, offset);
	emit_mov32(&sp->e, BPF_REG_0, end_verdict(sp->s));
	emit_exit(&sp->e);
}

/*
 * The packet goes on to @next, with the context in r1 if that needs it. Where it is kept
 * nowhere, no stage destroys it: it is in r1 now.
 */
static void emit_go_on(struct splicer *sp, __u32 offset, __u32 next)
{
	bool kept = sp->ctx_reg || sp->ctx_slot, needed = ctx_is_needed(sp, next);
	int spare = sp->gate_reg == BPF_REG_6 ? BPF_REG_7 : BPF_REG_6;

	if (next == SPLICE_END) {
		emit_leave_by_end(sp, offset);
		return;
	}
	if (needed && !kept)
		emit_mov(&sp->e, spare, BPF_REG_1);
	emit_count(sp, offset);
	if (needed && kept)
		emit_load_ctx(sp);
	else if (needed)
		emit_mov(&sp->e, BPF_REG_1, spare);
	emit_goto_either(&sp->e, label_of(sp, next));
}

/* With a verdict that is known. */
static void emit_verdict_place(struct splicer *sp, size_t k, __u32 verdict)
{
	const struct splice_count *c = sp->s->count;
	const struct splice_count_part *p = part_counters(sp, k);
	__u32 index = verdict - c->low;
	__u32 offset = p->verdicts +
		       SPLICE_COUNTER * (index < c->n_verdicts ? index : c->n_verdicts);

	if (verdict_in(p->proceed, verdict)) {
		emit_go_on(sp, offset, sp->s->parts[k].next);
		return;
	}
	emit_count(sp, offset);
	emit_mov32(&sp->e, BPF_REG_0, verdict);
	emit_exit(&sp->e);
}

/* With the verdict in r0, which may be BRAID_ACCEPT if it is LABEL_OUT. */
static void emit_exit_place(struct splicer *sp, size_t k, enum label label)
{
	if (label == LABEL_OUT) {
		emit_jump32(&sp->e, BPF_JNE, BPF_REG_0, (__s32)BRAID_ACCEPT, 1);
		emit_mov32(&sp->e, BPF_REG_0, sp->s->pass);
	}
	emit_label(&sp->e, place(sp, k, LABEL_EXIT - LABEL_OUT));
	emit_mov(&sp->e, BPF_REG_6, BPF_REG_0);
	emit_leave_with(sp, part_counters(sp, k)->verdicts, false);
}

static void take_length(struct splicer *sp, int reg);

/* Right at the entry: the length is not known yet, the context is in r1. */
static void emit_closed_place(struct splicer *sp)
{
	const struct splice_control *c = &sp->s->control;

	emit_note(&sp->e, "/* %s is closed */", sp->s->name);
	take_length(sp, BPF_REG_7);
	emit_address(&sp->e, BPF_REG_2, REF_DATA, c->section, 0);
	emit_load(&sp->e, BPF_W, BPF_REG_6, BPF_REG_2, c->verdict);
	emit_leave_with(sp, sp->s->count->closed, true);
}

void emit_place(struct splicer *sp, __u32 label)
{
	__u32 in = label - sp->first_place, k = in / stride(sp->s), which = in % stride(sp->s);
	const struct splice_part *p = &sp->s->parts[k];

	emit_label(&sp->e, label);
	emit_drop_empty_note(&sp->e);
	if (label == count_closed(sp)) {
		emit_closed_place(sp);
		return;
	}
	emit_note(&sp->e, "/* count: %s */", p->name);
	if (which >= PLACE_CASES)
		emit_go_on(sp, part_counters(sp, k)->cases[which - PLACE_CASES],
			   p->cases[which - PLACE_CASES].next);
	else if (which == PLACE_BYPASS)
		emit_go_on(sp, part_counters(sp, k)->bypass, p->next);
	else if (which == PLACE_NEXT)
		emit_go_on(sp, part_counters(sp, k)->next, p->next);
	else if (which + LABEL_OUT < LABEL_VERDICT)
		emit_exit_place(sp, k, which + LABEL_OUT);
	else
		emit_verdict_place(sp, k, verdict_of_label(which + LABEL_OUT));
}

void emit_places(struct splicer *sp)
{
	if (!sp->s->count)
		return;
	for (__u32 l = sp->first_place; l < sp->e.n_labels; l++)
		if (sp->e.to[l].insns.n)
			emit_place(sp, l);
}

void emit_count_lost(struct splicer *sp, __u32 slot)
{
	emit_count(sp, sp->s->count->lost[slot]);
}

static bool has_buffers(const struct splicer *sp)
{
	return text_eq(sp->s->section, "xdp.frags");
}

/* @reg = the length of the packet, all buffers. The context is in r1; of it nothing is left. */
static void take_length(struct splicer *sp, int reg)
{
	if (has_buffers(sp)) {
		emit_helper(&sp->e, BPF_FUNC_xdp_get_buff_len);
		emit_mov(&sp->e, reg, BPF_REG_0);
	} else if (text_has_prefix(sp->s->section, "xdp")) {
		emit_load(&sp->e, BPF_W, reg, BPF_REG_1, offsetof(struct xdp_md, data_end));
		emit_load(&sp->e, BPF_W, BPF_REG_3, BPF_REG_1, offsetof(struct xdp_md, data));
		emit_alu(sp, BPF_ALU64 | BPF_SUB | BPF_X, reg, BPF_REG_3, 0);
	} else {
		emit_load(&sp->e, BPF_W, reg, BPF_REG_1, offsetof(struct __sk_buff, len));
	}
}

/* Registers that a call leaves alone are free here: seams take theirs later. */
void emit_count_head(struct splicer *sp)
{
	bool calls = sp->s->count && (has_buffers(sp) || !sp->count_slot);

	if (!sp->s->count || !sp->s->count->entry)
		return;
	if (calls)
		emit_mov(&sp->e, BPF_REG_6, BPF_REG_1);
	take_length(sp, calls ? BPF_REG_7 : BPF_REG_2);
	if (sp->count_slot) {
		emit_store(&sp->e, BPF_DW, BPF_REG_10, sp->count_slot,
			   calls ? BPF_REG_7 : BPF_REG_2);
	} else {
		emit_block(sp);
		emit_store(&sp->e, BPF_DW, BPF_REG_1, 0, BPF_REG_7);
	}
	if (calls)
		emit_mov(&sp->e, BPF_REG_1, BPF_REG_6);
}
