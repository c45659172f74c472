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
	struct fixups to[N_LABELS];
	struct btf *btf; /* borrowed: takes the text of notes */
	__u32 origin;    /* "file" of notes, a string of @btf */
	bool failed;     /* no memory */
	bool too_far;    /* a label is beyond the 16 bits of a jump to it */
};

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
void emit_exit(struct emitter *e);

/* The jump just emitted goes to @label. */
void emit_fix_later(struct emitter *e, enum label label);
void emit_goto(struct emitter *e, enum label label);
/* @label is here: the jumps to it so far get their distance. */
void emit_label(struct emitter *e, enum label label);

/* Line information for what follows: what a reader of a dump sees. */
void emit_note(struct emitter *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Takes back a note that nothing followed: it would stand in the way of the next one. */
void emit_drop_empty_note(struct emitter *e);
