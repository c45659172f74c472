/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Code under construction: instructions, references, line information, labels. */
#pragma once

#include "object/exits.h"
#include "object/unit.h"

/* Jumps whose target comes later. */
struct fixups {
	ARRAY(__u32) insns;
};

struct emitter {
	struct func out;
	struct fixups *to; /* by label; those from N_LABELS on are the splicer's own */
	__u32 *at;         /* by label: the instruction behind the one where it is; 0: not yet */
	size_t n_labels;
	struct btf *btf; /* borrowed: takes the text of notes */
	__u32 origin;    /* "file" of notes, a string of @btf */
	bool failed;     /* no memory */
	bool too_far;    /* a label is beyond the 16 bits of a jump to it */
};

/* 0 or -ENOMEM. */
int emitter_init(struct emitter *e, size_t n_labels);
void emitter_done(struct emitter *e);

/* Index of the next instruction. */
__u32 emit_here(const struct emitter *e);
void emit_insn(struct emitter *e, struct bpf_insn insn);
/* The next instruction refers to something. */
void emit_ref(struct emitter *e, enum ref_kind kind, __u32 target, __u32 addend);
void emit_address(struct emitter *e, int reg, enum ref_kind kind, __u32 target, __u32 addend);
void emit_mov32(struct emitter *e, int reg, __s32 imm);
void emit_mov(struct emitter *e, int dst, int src);
void emit_jump32(struct emitter *e, int op, int reg, __s32 imm, __s16 off);
/* @dst = *(u32 *)(@src + @off), or u64 */
void emit_load(struct emitter *e, int size, int dst, int src, __s16 off);
void emit_store(struct emitter *e, int size, int dst, __s16 off, int src);
void emit_alu64(struct emitter *e, int op, int dst, __s32 imm);
void emit_add(struct emitter *e, int dst, int src);
void emit_helper(struct emitter *e, __s32 helper);
void emit_call(struct emitter *e, __u32 func);
void emit_exit(struct emitter *e);

/* The jump just emitted goes to @label. */
void emit_fix_later(struct emitter *e, __u32 label);
void emit_goto(struct emitter *e, __u32 label);
/* The same, or back, if @label has been there. */
void emit_goto_either(struct emitter *e, __u32 label);
/* @label is here: the jumps to it so far get their distance. */
void emit_label(struct emitter *e, __u32 label);

/* Line information for what follows: what a reader of a dump sees. */
void emit_note(struct emitter *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Takes back a note that nothing followed: it would stand in the way of the next one. */
void emit_drop_empty_note(struct emitter *e);
