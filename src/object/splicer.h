/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the files that make a spliced program share. */
#pragma once

#include "object/config.h"
#include "object/emit.h"
#include "object/exits.h"
#include "object/splice.h"

struct splicer {
	struct unit *u;
	const struct splice *s;
	struct braid_error *err;
	struct emitter e;
	struct splice_map map;
	/* Where the context is kept: a register that no stage touches, else a stack slot. */
	__u8 ctx_reg;      /* 0: none */
	__s16 ctx_slot;    /* offset from the frame pointer; 0: none */
	__s16 config_slot; /* holds the address of the packet's configuration; 0: not needed */
	__u8 gate_reg;     /* holds word @gate_word of the gates; 0: each gate looks itself */
	__u32 gate_word;
	bool uses_config; /* a spliced part does */
};

static inline const struct func *part_func(const struct splicer *sp, size_t k)
{
	return &sp->u->funcs.v[sp->s->parts[k].func];
}

/* context.c: where the context is, from part to part. 0 or -ENOMEM, -EOVERFLOW. */
int splicer_place(struct splicer *sp);
void emit_save_ctx(struct splicer *sp);
void emit_load_ctx(struct splicer *sp);
/* Up to where part @k can read the context from its register instead of r1; -1: not at all. */
int reads_ctx_elsewhere(const struct splicer *sp, size_t k);
/* Brings the context back into r1 behind part @k where @next needs it. */
void emit_reload_ctx(struct splicer *sp, size_t k, __u32 next);

/* seam.c: what stands between parts. */
__u32 label_of(const struct splicer *sp, __u32 next);
void emit_head(struct splicer *sp);
/* In front of part @k. */
int emit_entry(struct splicer *sp, size_t k);
/* Behind it. @falls: where control comes from above wants to. Return: where it wants to now. */
__u32 emit_seam(struct splicer *sp, size_t k, __u32 falls, bool check);
/* And then part @k + 1 follows. */
void emit_behind(struct splicer *sp, size_t k, __u32 falls);
/* Behind the last part: the places where packets leave. */
void emit_end(struct splicer *sp, __u32 falls);

/* config.c: fields of the configuration, which is in several versions. */
/* ld_imm64 of an address in the section -> two instructions of the same effect. */
void emit_config_address(struct emitter *e, const struct bpf_insn *insn, __s16 slot, __u32 offset);
/* r3 = the version of this packet; the address of its bytes into @slot. r0 to r5 are lost. */
void emit_config_home(struct emitter *e, const struct splice *s, __s16 slot, bool used);

/* called.c: the called part becomes a function that is no program. 0 or -ENOMEM. */
int retire_called(struct splicer *sp, size_t k);
/* The type int (struct xdp_md *ctx), or that of a program of @section. -ENOMEM. */
int add_context_proto(struct btf *btf, const char *section);
