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
	__s16 watch_slot;  /* the lowest of those that watches need; 0: there are none */
	bool times;        /* one of them times */
	__s16 count_slot;  /* holds the packet's length; 0: it is not there */
	__u32 first_place; /* the label of the first place that counts */
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

/* Is it to be in r1, in front of what @next is? */
bool ctx_is_needed(const struct splicer *sp, __u32 next);

/* seam.c: what stands between parts. */
__u32 label_of(const struct splicer *sp, __u32 next);
/* What leaves by the last stage without a verdict of its own. */
__u32 end_verdict(const struct splice *s);
void emit_head(struct splicer *sp);
/* In front of part @k. */
int emit_entry(struct splicer *sp, size_t k);
/* Behind it. @falls: where control comes from above wants to. Return: where it wants to now. */
__u32 emit_seam(struct splicer *sp, size_t k, __u32 falls, bool check);
/* And then part @k + 1 follows. */
void emit_behind(struct splicer *sp, size_t k, __u32 falls);
/* Behind the last part: the places where packets leave. */
void emit_end(struct splicer *sp, __u32 falls);

/* watch.c: calling those who look at packets. All may lose r0 to r5, but for what they say. */
/* In the head: r1 holds the context before and after. */
void emit_watch_begin(struct splicer *sp);
/* Behind part @k: r0 is kept. */
void emit_watch_behind(struct splicer *sp, size_t k);
/* In front of it; the context is in r1 again, if it expects it there. */
void emit_watch_before(struct splicer *sp, size_t k);
/* Where packets leave without what a part returned: SPLICE_WATCH_END or _LOST. r0 is kept. */
void emit_watch_out(struct splicer *sp, __u32 point);
/* Instructions that one of these takes at most. */
__u32 watch_size(const struct splicer *sp);

/*
 * count.c: places that count, beyond the labels of tail calls. Without counting all of these
 * return what control leads to anyway, and emit nothing.
 */
size_t count_places(const struct splice *s);
bool is_place(const struct splicer *sp, __u32 label);
/* Instructions that one takes at most, or what tail calls take for it. */
__u32 place_size(const struct splicer *sp);
/* Verdicts with which packets go on from part @k by way of a place. */
__u32 count_goes_on(const struct splicer *sp, size_t k);
/* Where these lead: an exit of part @k, past it, on from it. */
__u32 count_exit(const struct splicer *sp, size_t k, __u32 label);
__u32 count_bypass(const struct splicer *sp, size_t k, __u32 label);
__u32 count_next(const struct splicer *sp, size_t k);
__u32 count_case(const struct splicer *sp, size_t k, size_t i);
/* Packets that find the pipeline closed; only with counting. */
__u32 count_closed(const struct splicer *sp);
/* At the entry, behind that: the context is in r1 before and after. */
void emit_count_head(struct splicer *sp);
/* @label, and what it leads to, is here. */
void emit_place(struct splicer *sp, __u32 label);
/* All that something leads to, and that are not there yet. */
void emit_places(struct splicer *sp);
/* Only with counting. */
void emit_count_lost(struct splicer *sp, __u32 slot);

/* config.c: fields of the configuration, which is in several versions. */
/* ld_imm64 of an address in the section -> two instructions of the same effect. */
void emit_config_address(struct emitter *e, const struct bpf_insn *insn, __s16 slot, __u32 offset);
/* r3 = the version of this packet; the address of its bytes into @slot. r0 to r5 are lost. */
void emit_config_home(struct emitter *e, const struct splice *s, __s16 slot, bool used);

/* called.c: the called part becomes a function that is no program. 0 or -ENOMEM. */
int retire_called(struct splicer *sp, size_t k);
/* The type int (struct xdp_md *ctx), or that of a program of @section. -ENOMEM. */
int add_context_proto(struct btf *btf, const char *section);
