/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What stands between parts: looking at verdicts and gates, choosing ways, and the places
 * where packets leave. r0 holds what a part returned, r2 to r5 are free, r1 may still hold
 * the context.
 */
#include <errno.h>
#include <stdint.h>

#include "base/error.h"
#include "object/flow.h"
#include "object/splicer.h"
#include "object/verdict.h"

/* Where there are watches, stages' own verdicts do not lead here. */
static void emit_verdict(struct splicer *sp, __u32 label)
{
	emit_label(&sp->e, label);
	emit_mov32(&sp->e, BPF_REG_0, verdict_of_label(label));
	emit_watch_out(sp, SPLICE_WATCH_END);
	emit_exit(&sp->e);
}

/* The verdict is in r0. */
static void emit_out_with(struct splicer *sp, __u32 falls)
{
	bool unknown = falls == LABEL_OUT || sp->e.to[LABEL_OUT].insns.n;

	if (!unknown && falls == LABEL_NONE && !sp->e.to[LABEL_EXIT].insns.n)
		return;
	if (unknown && falls == LABEL_EXIT)
		emit_goto(&sp->e, LABEL_EXIT);
	if (unknown) {
		emit_label(&sp->e, LABEL_OUT);
		emit_jump32(&sp->e, BPF_JNE, BPF_REG_0, (__s32)BRAID_ACCEPT, 1);
		emit_mov32(&sp->e, BPF_REG_0, sp->s->pass);
	}
	emit_label(&sp->e, LABEL_EXIT);
	emit_exit(&sp->e);
}

/* All that leads out of the pipeline ends here. @falls: where control from above wants to. */
static void emit_out(struct splicer *sp, __u32 falls)
{
	if (falls >= LABEL_VERDICT) {
		emit_verdict(sp, falls);
		falls = LABEL_NONE;
	}
	emit_out_with(sp, falls);
	for (__u32 l = LABEL_VERDICT; l < N_LABELS; l++)
		if (sp->e.to[l].insns.n)
			emit_verdict(sp, l);
}

/*
 * Instructions that braid puts around a part at most: 64 of them clean the stack. Beside them
 * one for each case, and for jumps that go on further those that take them there.
 */
#define SEAM_LIMIT 200
#define TAIL_CALL  7

static __u32 first_slot(const struct splicer *sp)
{
	return N_LABELS + sp->s->n_parts;
}

/* Is a jump to @label, which is not put here, too old to reach beyond @end? */
static bool is_far(const struct splicer *sp, __u32 label, __u32 end)
{
	const struct fixups *to = &sp->e.to[label];

	return to->insns.n && end - to->insns.v[0] >= INT16_MAX;
}

/* Where the next seam may end, with @part in front of it. */
static __u32 next_end(const struct splicer *sp, size_t part)
{
	const struct splice_part *p = &sp->s->parts[part];
	__u32 end = emit_here(&sp->e) + SEAM_LIMIT + p->n_cases;

	end += p->call ? 1 : part_func(sp, part)->insns.n;
	end += 4 * watch_size(sp); /* in front, behind, and where packets leave */
	for (__u32 l = N_LABELS; l < sp->e.n_labels; l++)
		if (sp->e.to[l].insns.n)
			end += l < first_slot(sp) ? 1
			       : is_place(sp, l)  ? place_size(sp)
						  : TAIL_CALL + place_size(sp);
	return end;
}

/* Jumps to what comes later go on from here. */
static void emit_relay(struct splicer *sp, __u32 label)
{
	emit_label(&sp->e, label);
	emit_goto(&sp->e, label);
}

/*
 * 16-bit jumps: in front of part @k, which would put what they lead to beyond their reach,
 * those that leave find a way out here, others one that takes them further.
 * @falls: control comes to this place from above; otherwise a jump around it would be
 * unreachable, which the verifier refuses.
 */
static void emit_island(struct splicer *sp, size_t k, bool falls)
{
	__u32 end = next_end(sp, k), here = N_LABELS + k, jump = emit_here(&sp->e);
	bool leaving = false, any = false;

	for (__u32 l = LABEL_OUT; l < sp->e.n_labels; l++) {
		bool far = l != here && is_far(sp, l, end);

		leaving |= far && l < N_LABELS;
		any |= far;
	}
	if (!any)
		return;
	emit_drop_empty_note(&sp->e);
	emit_note(&sp->e, leaving ? "/* leave */" : "/* further */");
	if (falls)
		emit_insn(&sp->e, (struct bpf_insn){.code = BPF_JMP | BPF_JA});
	if (leaving)
		emit_out(sp, LABEL_NONE);
	for (__u32 l = N_LABELS; l < sp->e.n_labels; l++)
		if (l != here && is_far(sp, l, end))
			(is_place(sp, l) ? emit_place : emit_relay)(sp, l);
	if (!sp->e.failed && falls)
		sp->e.out.insns.v[jump].off = emit_here(&sp->e) - jump - 1;
}

/* r2 to r5 are free at a seam; r1 may still hold the context. */
static void emit_record(struct splicer *sp, const struct splice_part *p)
{
	if (sp->s->record_section < 0 || !p->record)
		return;
	emit_address(&sp->e, BPF_REG_2, REF_DATA, sp->s->record_section, sp->s->record_offset);
	emit_insn(&sp->e, (struct bpf_insn){.code = BPF_ST | BPF_MEM | BPF_W,
					    .dst_reg = BPF_REG_2,
					    .imm = p->index});
	emit_insn(&sp->e, (struct bpf_insn){.code = BPF_STX | BPF_MEM | BPF_W,
					    .dst_reg = BPF_REG_2,
					    .src_reg = BPF_REG_0,
					    .off = 4});
}

static void emit_alu32(struct splicer *sp, int op, int dst, __s32 imm)
{
	emit_insn(&sp->e,
		  (struct bpf_insn){.code = BPF_ALU | BPF_K | op, .dst_reg = dst, .imm = imm});
}

/* Three verdicts and more, or any number of them. With -1 among them the mask is turned, so that it
 * is bit 0. */
static void emit_check_bit(struct splicer *sp, __u32 proceed_on, __u32 out)
{
	bool unspec = proceed_on & verdict_bit(-1);
	int bit = unspec ? BPF_REG_3 : BPF_REG_0;

	if (unspec) {
		emit_insn(&sp->e, (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_X,
						    .dst_reg = bit,
						    .src_reg = BPF_REG_0});
		emit_alu32(sp, BPF_ADD, bit, 1);
		proceed_on = proceed_on << 1 | 1;
	}
	emit_jump32(&sp->e, BPF_JGT, bit, 31, 0);
	emit_fix_later(&sp->e, out);
	emit_mov32(&sp->e, BPF_REG_2, proceed_on);
	emit_insn(&sp->e, (struct bpf_insn){.code = BPF_ALU | BPF_RSH | BPF_X,
					    .dst_reg = BPF_REG_2,
					    .src_reg = bit});
	emit_alu32(sp, BPF_AND, BPF_REG_2, 1);
	emit_jump32(&sp->e, BPF_JEQ, BPF_REG_2, 0, 0);
	emit_fix_later(&sp->e, out);
}

/* Falls through when the verdict in r0 is one that proceeds. @out: where others lead. */
static void emit_check(struct splicer *sp, __u32 proceed_on, __u32 out)
{
	__u32 rest = proceed_on & (proceed_on - 1);

	if (sp->s->plain.fold) {
		emit_check_bit(sp, proceed_on, out);
		return;
	}
	if (!proceed_on) {
		/* always so, but what follows must look reachable */
		emit_jump32(&sp->e, BPF_JGE, BPF_REG_0, 0, 0);
		emit_fix_later(&sp->e, out);
		return;
	}
	if (rest & (rest - 1)) {
		emit_check_bit(sp, proceed_on, out);
		return;
	}
	if (rest)
		emit_jump32(&sp->e, BPF_JEQ, BPF_REG_0, verdict_of_bit(__builtin_ctz(rest)), 1);
	emit_jump32(&sp->e, BPF_JNE, BPF_REG_0, verdict_of_bit(__builtin_ctz(proceed_on)), 0);
	emit_fix_later(&sp->e, out);
}

/* Verdicts that go on by way of a place of their own, then the others. */
static void emit_checks(struct splicer *sp, size_t k)
{
	__u32 counted = count_goes_on(sp, k);

	for (unsigned int bit = 0; bit < 32; bit++)
		if (counted & 1u << bit) {
			__u32 v = verdict_of_bit(bit);

			emit_jump32(&sp->e, BPF_JEQ, BPF_REG_0, v, 0);
			emit_fix_later(&sp->e, count_exit(sp, k, label_of_verdict(v)));
		}
	emit_check(sp, sp->s->parts[k].proceed_on & ~counted, count_exit(sp, k, LABEL_OUT));
}

__u32 end_verdict(const struct splice *s)
{
	return s->end == SPLICE_FIXED ? s->verdict : s->pass;
}

__u32 label_of(const struct splicer *sp, __u32 next)
{
	if (next == SPLICE_END)
		return label_of_verdict(end_verdict(sp->s));
	return N_LABELS + (next & SPLICE_SLOT ? sp->s->n_parts + (next & ~SPLICE_SLOT) : next);
}

/* A closed pipeline is left at once, with the verdict in the control block. */
static void emit_closed(struct splicer *sp)
{
	const struct splice_control *c = &sp->s->control;

	if (c->section < 0 || !c->closes)
		return;
	emit_address(&sp->e, BPF_REG_2, REF_DATA, c->section, 0);
	emit_load(&sp->e, BPF_W, BPF_REG_3, BPF_REG_2, c->closed);
	if (sp->s->count) {
		emit_jump32(&sp->e, BPF_JNE, BPF_REG_3, 0, 0);
		emit_fix_later(&sp->e, count_closed(sp));
		return;
	}
	emit_jump32(&sp->e, BPF_JEQ, BPF_REG_3, 0, 2);
	emit_load(&sp->e, BPF_W, BPF_REG_0, BPF_REG_2, c->verdict);
	emit_exit(&sp->e);
}

static void emit_gate_word(struct splicer *sp, int reg, __u32 word)
{
	const struct splice_control *c = &sp->s->control;

	emit_address(&sp->e, BPF_REG_2, REF_DATA, c->section, 0);
	emit_load(&sp->e, BPF_W, reg, BPF_REG_2, c->bypass + 4 * word);
}

void emit_head(struct splicer *sp)
{
	emit_closed(sp);
	emit_count_head(sp);
	emit_save_ctx(sp);
	emit_watch_begin(sp);
	if (sp->config_slot) {
		emit_config_home(&sp->e, sp->s, sp->config_slot, sp->uses_config);
		if (sp->s->config.packet_map >= 0)
			emit_load_ctx(sp);
	}
	if (sp->gate_reg)
		emit_gate_word(sp, sp->gate_reg, sp->gate_word);
}

/* Past the part, while its bit is set. */
static void emit_gate(struct splicer *sp, size_t k)
{
	const struct splice_part *p = &sp->s->parts[k];
	bool leaves = p->next == SPLICE_END && sp->s->end == SPLICE_LAST;
	int reg = BPF_REG_2;

	if (!p->gated)
		return;
	if (sp->gate_reg && p->index / 32 == sp->gate_word)
		reg = sp->gate_reg;
	else
		emit_gate_word(sp, reg, p->index / 32);
	emit_jump32(&sp->e, BPF_JSET, reg, 1u << p->index % 32, 0);
	emit_fix_later(&sp->e, count_bypass(sp, k, leaves ? label_of(sp, SPLICE_END) : LABEL_PASS));
}

static int emit_clean_stack(struct splicer *sp, size_t k)
{
	struct flow fl;
	__u64 slots;

	if (!k || !sp->s->clean_stack || sp->s->parts[k].call)
		return 0;
	if (flow_init(&fl, part_func(sp, k)))
		return -ENOMEM;
	slots = flow_partial_slots(&fl);
	flow_done(&fl);
	for (int i = 0; i < 64; i++)
		if (slots & 1ull << i)
			emit_insn(&sp->e, (struct bpf_insn){.code = BPF_ST | BPF_MEM | BPF_DW,
							    .dst_reg = BPF_REG_10,
							    .off = -8 * (i + 1)});
	return 0;
}

int emit_entry(struct splicer *sp, size_t k)
{
	emit_label(&sp->e, N_LABELS + k);
	emit_gate(sp, k);
	emit_watch_before(sp, k);
	return emit_clean_stack(sp, k);
}

static void emit_observe(struct splicer *sp, const struct splice_part *p)
{
	if (!p->observed)
		return;
	emit_mov(&sp->e, BPF_REG_1, BPF_REG_0);
	emit_mov32(&sp->e, BPF_REG_2, p->observe_as);
	emit_call(&sp->e, p->observer);
}

/* The context, for all ways that need it. */
static void emit_reload_for_cases(struct splicer *sp, size_t k)
{
	const struct splice_part *p = &sp->s->parts[k];
	__u32 before = emit_here(&sp->e);

	emit_reload_ctx(sp, k, p->next);
	for (size_t i = 0; i < p->n_cases && emit_here(&sp->e) == before; i++)
		emit_reload_ctx(sp, k, p->cases[i].next);
}

static void emit_share(struct splicer *sp, size_t k)
{
	emit_address(&sp->e, BPF_REG_2, REF_DATA, sp->s->control.section, 0);
	emit_load(&sp->e, BPF_W, BPF_REG_2, BPF_REG_2, sp->s->control.share);
	emit_insn(&sp->e,
		  (struct bpf_insn){.code = BPF_JMP32 | BPF_JLT | BPF_X, .src_reg = BPF_REG_2});
	emit_fix_later(&sp->e, count_case(sp, k, 0));
}

/* What the part returned is in r0, and says where to go on. */
static void emit_choice(struct splicer *sp, size_t k)
{
	const struct splice_part *p = &sp->s->parts[k];

	emit_reload_for_cases(sp, k);
	if (p->by_share)
		emit_share(sp, k);
	for (size_t i = 0; i < p->n_cases && !p->by_share; i++) {
		if (p->cases[i].next == p->next)
			continue;
		emit_jump32(&sp->e, BPF_JEQ, BPF_REG_0, p->cases[i].value, 0);
		emit_fix_later(&sp->e, count_case(sp, k, i));
	}
	if (p->gated) { /* past it: r1 is what it was in front */
		emit_label(&sp->e, LABEL_PASS);
		emit_reload_ctx(sp, k, p->next);
	}
}

__u32 emit_seam(struct splicer *sp, size_t k, __u32 falls, bool check)
{
	const struct splice_part *p = &sp->s->parts[k];

	if (check) {
		emit_label(&sp->e, LABEL_CHECK);
		emit_record(sp, p);
		emit_observe(sp, p);
		emit_watch_behind(sp, k);
	}
	if (p->chooses) {
		emit_choice(sp, k);
		return count_next(sp, k);
	}
	if (p->next == SPLICE_END && sp->s->end == SPLICE_LAST)
		return count_exit(sp, k, check ? LABEL_OUT : falls);
	if (check)
		emit_checks(sp, k);
	emit_label(&sp->e, LABEL_PASS);
	emit_reload_ctx(sp, k, p->next);
	return count_next(sp, k);
}

static void emit_tail_call(struct splicer *sp, __u32 slot)
{
	emit_label(&sp->e, N_LABELS + sp->s->n_parts + slot);
	emit_address(&sp->e, BPF_REG_2, REF_MAP, sp->s->tail_map, 0);
	emit_mov32(&sp->e, BPF_REG_3, slot);
	emit_helper(&sp->e, BPF_FUNC_tail_call);
	emit_mov32(&sp->e, BPF_REG_0, sp->s->lost);
	emit_watch_out(sp, SPLICE_WATCH_LOST);
	if (sp->s->count) {
		emit_count_lost(sp, slot);
		emit_mov32(&sp->e, BPF_REG_0, sp->s->lost);
	}
	emit_exit(&sp->e);
}

void emit_behind(struct splicer *sp, size_t k, __u32 falls)
{
	bool goes_on = falls == N_LABELS + k + 1;

	if (falls != LABEL_NONE && !goes_on)
		emit_goto(&sp->e, falls);
	emit_island(sp, k + 1, goes_on);
}

void emit_end(struct splicer *sp, __u32 falls)
{
	__u32 slots = first_slot(sp);

	if (is_place(sp, falls)) {
		emit_place(sp, falls);
		falls = LABEL_NONE;
	} else if (falls >= slots) {
		emit_tail_call(sp, falls - slots);
		falls = LABEL_NONE;
	}
	emit_out(sp, falls);
	emit_places(sp);
	for (__u32 l = slots; l < sp->first_place; l++)
		if (sp->e.to[l].insns.n)
			emit_tail_call(sp, l - slots);
}
