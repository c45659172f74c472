/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/emit.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdint.h>

#include "base/text.h"

int emitter_init(struct emitter *e, size_t n_labels)
{
	e->to = calloc(n_labels, sizeof(*e->to));
	e->at = calloc(n_labels, sizeof(*e->at));
	e->n_labels = e->to ? n_labels : 0;
	if (e->to && e->at)
		return 0;
	free(e->to);
	free(e->at);
	*e = (struct emitter){};
	return -ENOMEM;
}

void emitter_done(struct emitter *e)
{
	free(e->out.name);
	free(e->out.section);
	array_done(&e->out.insns);
	array_done(&e->out.refs);
	array_done(&e->out.lines);
	array_done(&e->out.cores);
	for (size_t l = 0; l < e->n_labels; l++)
		array_done(&e->to[l].insns);
	free(e->to);
	free(e->at);
}

void emit_insn(struct emitter *e, struct bpf_insn insn)
{
	e->failed |= !array_add(&e->out.insns, insn);
}

__u32 emit_here(const struct emitter *e)
{
	return e->out.insns.n;
}

void emit_ref(struct emitter *e, enum ref_kind kind, __u32 target, __u32 addend)
{
	struct ref ref = {emit_here(e), kind, target, addend};

	e->failed |= !array_add(&e->out.refs, ref);
}

void emit_address(struct emitter *e, int reg, enum ref_kind kind, __u32 target, __u32 addend)
{
	emit_ref(e, kind, target, addend);
	emit_insn(e, (struct bpf_insn){.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = reg});
	emit_insn(e, (struct bpf_insn){});
}

void emit_mov32(struct emitter *e, int reg, __s32 imm)
{
	emit_insn(e,
		  (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = reg, .imm = imm});
}

void emit_jump32(struct emitter *e, int op, int reg, __s32 imm, __s16 off)
{
	emit_insn(e,
		  (struct bpf_insn){
			  .code = BPF_JMP32 | op | BPF_K, .dst_reg = reg, .imm = imm, .off = off});
}

void emit_load(struct emitter *e, int size, int dst, int src, __s16 off)
{
	emit_insn(e, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | size,
				       .dst_reg = dst,
				       .src_reg = src,
				       .off = off});
}

void emit_store(struct emitter *e, int size, int dst, __s16 off, int src)
{
	emit_insn(e, (struct bpf_insn){.code = BPF_STX | BPF_MEM | size,
				       .dst_reg = dst,
				       .src_reg = src,
				       .off = off});
}

void emit_alu64(struct emitter *e, int op, int dst, __s32 imm)
{
	emit_insn(e, (struct bpf_insn){.code = BPF_ALU64 | op | BPF_K, .dst_reg = dst, .imm = imm});
}

void emit_add(struct emitter *e, int dst, int src)
{
	emit_insn(e, (struct bpf_insn){
			     .code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = dst, .src_reg = src});
}

void emit_helper(struct emitter *e, __s32 helper)
{
	emit_insn(e, (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = helper});
}

void emit_call(struct emitter *e, __u32 func)
{
	emit_ref(e, REF_CALL, func, 0);
	emit_insn(e, (struct bpf_insn){
			     .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = -1});
}

void emit_exit(struct emitter *e)
{
	emit_insn(e, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

void emit_mov(struct emitter *e, int dst, int src)
{
	emit_insn(e, (struct bpf_insn){
			     .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = dst, .src_reg = src});
}

/* Line information for what follows: the text is what a reader of a dump sees. */
void emit_note(struct emitter *e, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	struct line *l = array_push(&e->out.lines);
	va_list ap;
	int off;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	off = text ? btf__add_str(e->btf, text) : -ENOMEM;
	if (!l || off < 0) {
		e->failed = true;
		return;
	}
	*l = (struct line){
		.insn = emit_here(e), .file = e->origin, .text = off, .line_col = 1 << 10};
}

/* Nothing followed the note: it would stand in the way of the next one. */
void emit_drop_empty_note(struct emitter *e)
{
	if (e->out.lines.n && e->out.lines.v[e->out.lines.n - 1].insn == emit_here(e))
		e->out.lines.n--;
}

/* The jump just emitted goes to @label; its distance is filled in by emit_label(). */
void emit_fix_later(struct emitter *e, __u32 label)
{
	e->failed |= !array_add(&e->to[label].insns, emit_here(e) - 1);
}

void emit_goto(struct emitter *e, __u32 label)
{
	emit_insn(e, (struct bpf_insn){.code = BPF_JMP | BPF_JA});
	emit_fix_later(e, label);
}

void emit_goto_either(struct emitter *e, __u32 label)
{
	__s64 distance = (__s64)e->at[label] - 1 - emit_here(e) - 1;

	if (!e->at[label]) {
		emit_goto(e, label);
		return;
	}
	e->too_far |= distance < INT16_MIN;
	emit_insn(e, (struct bpf_insn){.code = BPF_JMP | BPF_JA, .off = distance});
}

/* @label is here. */
void emit_label(struct emitter *e, __u32 label)
{
	struct fixups *to = &e->to[label];

	array_foreach (insn, &to->insns) {
		__s64 distance = (__s64)emit_here(e) - *insn - 1;

		e->too_far |= distance > INT16_MAX;
		e->out.insns.v[*insn].off = distance;
	}
	to->insns.n = 0;
	e->at[label] = emit_here(e) + 1;
}
