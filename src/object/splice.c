/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/splice.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "object/analyse.h"
#include "object/types.h"

/* A jump whose target comes later. */
struct fixup {
	__u32 insn;
};

struct splicer {
	struct unit *u;
	const struct splice *s;
	struct braid_error *err;
	struct func out;
	ARRAY(struct fixup) to_out; /* jumps that leave the pipeline */
	struct splice_map map;
	__s16 ctx_slot; /* offset from the frame pointer; 0: not kept */
	__u32 origin;   /* BTF string */
	bool failed;    /* no memory */
};

static void emit(struct splicer *sp, struct bpf_insn insn)
{
	sp->failed |= !array_add(&sp->out.insns, insn);
}

static __u32 here(const struct splicer *sp)
{
	return sp->out.insns.n;
}

static void emit_ref(struct splicer *sp, enum ref_kind kind, __u32 target, __u32 addend)
{
	struct ref ref = {here(sp), kind, target, addend};

	sp->failed |= !array_add(&sp->out.refs, ref);
}

static void emit_address(struct splicer *sp, int reg, enum ref_kind kind, __u32 target,
			 __u32 addend)
{
	emit_ref(sp, kind, target, addend);
	emit(sp, (struct bpf_insn){.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = reg});
	emit(sp, (struct bpf_insn){});
}

static void emit_mov32(struct splicer *sp, int reg, __s32 imm)
{
	emit(sp, (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = reg, .imm = imm});
}

static void emit_jump32(struct splicer *sp, int op, int reg, __s32 imm, __s16 off)
{
	emit(sp, (struct bpf_insn){
			 .code = BPF_JMP32 | op | BPF_K, .dst_reg = reg, .imm = imm, .off = off});
}

static void emit_exit(struct splicer *sp)
{
	emit(sp, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

static void emit_load_ctx(struct splicer *sp)
{
	emit(sp, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_DW,
				   .dst_reg = BPF_REG_1,
				   .src_reg = BPF_REG_10,
				   .off = sp->ctx_slot});
}

/* Line information for what follows: the text is what a reader of a dump sees. */
static void note(struct splicer *sp, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	struct line *l = array_push(&sp->out.lines);
	va_list ap;
	int off;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	off = text ? btf__add_str(sp->u->btf, text) : -ENOMEM;
	if (!l || off < 0) {
		sp->failed = true;
		return;
	}
	*l = (struct line){.insn = here(sp), .file = sp->origin, .text = off, .line_col = 1 << 10};
}

static void mark(struct splicer *sp, __u32 first, size_t part, bool seam)
{
	struct splice_range range = {first, here(sp) - first, part, seam};

	if (range.n)
		sp->failed |= !array_add(&sp->map.ranges, range);
}

/* Leaves the pipeline with the verdict in r0. */
static void emit_out(struct splicer *sp)
{
	array_foreach (f, &sp->to_out)
		sp->out.insns.v[f->insn].off = here(sp) - f->insn - 1;
	sp->to_out.n = 0;
	emit_jump32(sp, BPF_JNE, BPF_REG_0, (__s32)BRAID_ACCEPT, 1);
	emit_mov32(sp, BPF_REG_0, sp->s->pass);
	emit_exit(sp);
}

/* The jump just emitted leaves; its distance is filled in by emit_out(). */
static void leaves(struct splicer *sp)
{
	sp->failed |= !array_add(&sp->to_out, ((struct fixup){here(sp) - 1}));
}

/*
 * 16-bit jumps: before a part that would put "out" beyond their reach, one is put here.
 * A seam and its tail take a few dozen instructions at most.
 */
static void emit_island(struct splicer *sp, __u32 part_size)
{
	__u32 jump = here(sp);

	if (!sp->to_out.n || jump + part_size + 64 - sp->to_out.v[0].insn < INT16_MAX)
		return;
	note(sp, "/* leave */");
	emit(sp, (struct bpf_insn){.code = BPF_JMP | BPF_JA});
	emit_out(sp);
	if (!sp->failed)
		sp->out.insns.v[jump].off = here(sp) - jump - 1;
}

static void emit_record(struct splicer *sp, const struct splice_part *p)
{
	if (sp->s->record_section < 0)
		return;
	emit_address(sp, BPF_REG_1, REF_DATA, sp->s->record_section, sp->s->record_offset);
	emit(sp, (struct bpf_insn){
			 .code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = BPF_REG_1, .imm = p->index});
	emit(sp, (struct bpf_insn){.code = BPF_STX | BPF_MEM | BPF_W,
				   .dst_reg = BPF_REG_1,
				   .src_reg = BPF_REG_0,
				   .off = 4});
}

/* Falls through when the verdict in r0 is one that proceeds. r1 and r2 are free here. */
static void emit_check(struct splicer *sp, __u32 proceed_on)
{
	if (!proceed_on) {
		emit(sp, (struct bpf_insn){.code = BPF_JMP | BPF_JA});
		leaves(sp);
	} else if (!(proceed_on & (proceed_on - 1))) {
		emit_jump32(sp, BPF_JNE, BPF_REG_0, __builtin_ctz(proceed_on), 0);
		leaves(sp);
	} else {
		emit_jump32(sp, BPF_JGT, BPF_REG_0, 31, 0);
		leaves(sp);
		emit_mov32(sp, BPF_REG_1, proceed_on);
		emit(sp, (struct bpf_insn){.code = BPF_ALU | BPF_RSH | BPF_X,
					   .dst_reg = BPF_REG_1,
					   .src_reg = BPF_REG_0});
		emit(sp, (struct bpf_insn){.code = BPF_ALU | BPF_AND | BPF_K,
					   .dst_reg = BPF_REG_1,
					   .imm = 1});
		emit_jump32(sp, BPF_JEQ, BPF_REG_1, 0, 0);
		leaves(sp);
	}
}

/* A copy of the part's code: exits become jumps to its end, where the seam is. */
static void emit_spliced(struct splicer *sp, const struct func *f)
{
	__u32 base = here(sp), n = f->insns.n;

	if (insn_is_exit(&f->insns.v[n - 1]))
		n--; /* falls through */
	for (__u32 i = 0; i < n; i++) {
		struct bpf_insn insn = f->insns.v[i];

		if (insn_is_ld_imm64(&insn)) {
			emit(sp, insn);
			insn = f->insns.v[++i];
		} else if (insn_is_exit(&insn)) {
			insn = (struct bpf_insn){.code = BPF_JMP | BPF_JA, .off = n - i - 1};
		}
		emit(sp, insn);
	}
	array_foreach (ref, &f->refs) {
		struct ref moved = *ref;

		moved.insn += base;
		sp->failed |= !array_add(&sp->out.refs, moved);
	}
	array_foreach (l, &f->lines) {
		struct line moved = *l;

		moved.insn += base;
		if (l->insn < n)
			sp->failed |= !array_add(&sp->out.lines, moved);
	}
	array_foreach (c, &f->cores) {
		struct core_relo moved = *c;

		moved.insn += base;
		sp->failed |= !array_add(&sp->out.cores, moved);
	}
}

static void emit_called(struct splicer *sp, const struct splice_part *p)
{
	note(sp, "/* call %s */", p->name);
	emit_ref(sp, REF_CALL, p->func, 0);
	emit(sp,
	     (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = -1});
}

static void emit_tail_call(struct splicer *sp)
{
	emit_load_ctx(sp);
	emit_address(sp, BPF_REG_2, REF_MAP, sp->s->tail_map, 0);
	emit_mov32(sp, BPF_REG_3, sp->s->tail_slot);
	emit(sp, (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call});
	emit_mov32(sp, BPF_REG_0, sp->s->lost);
	emit_exit(sp);
}

static void emit_end(struct splicer *sp, const struct splice_part *last)
{
	const struct splice *s = sp->s;
	__u32 first = here(sp);

	note(sp, "/* %s: end of %s */", last->name, s->name);
	emit_record(sp, last);
	if (s->end == SPLICE_TAIL || s->end == SPLICE_FIXED)
		emit_check(sp, last->proceed_on);
	if (s->end == SPLICE_TAIL)
		emit_tail_call(sp);
	else if (s->end == SPLICE_FIXED)
		emit_mov32(sp, BPF_REG_0, s->verdict);
	emit_out(sp);
	mark(sp, first, s->n_parts - 1, true);
}

static void emit_part(struct splicer *sp, size_t k)
{
	const struct splice_part *p = &sp->s->parts[k];
	const struct func *f = &sp->u->funcs.v[p->func];
	__u32 first;

	first = here(sp);
	if (p->call)
		emit_called(sp, p);
	else
		emit_spliced(sp, f);
	mark(sp, first, k, false);
	if (k + 1 == sp->s->n_parts)
		return;
	first = here(sp);
	note(sp, "/* %s -> %s */", p->name, p[1].name);
	emit_record(sp, p);
	emit_check(sp, p->proceed_on);
	emit_island(sp, p[1].call ? 1 : sp->u->funcs.v[p[1].func].insns.n);
	emit_load_ctx(sp);
	mark(sp, first, k, true);
}

/* The context outlives every part but the last one; its slot lies below their stacks. */
static int choose_ctx_slot(struct splicer *sp)
{
	const struct splice *s = sp->s;
	size_t n = s->n_parts - (s->end != SPLICE_TAIL);
	__u32 deepest = 0;

	for (size_t k = 0; k < n; k++) {
		struct func_facts facts;

		if (s->parts[k].call)
			continue;
		if (func_analyse(sp->u, s->parts[k].func, &facts))
			return error_oom(sp->err);
		if (facts.stack > deepest)
			deepest = facts.stack;
	}
	if (deepest + 8 > STACK_LIMIT) {
		error_set(sp->err, -EOVERFLOW, s->name,
			  "no room on the stack for the context beside %u bytes of a stage",
			  deepest);
		return -EOVERFLOW;
	}
	sp->ctx_slot = n ? -(__s16)(deepest + 8) : 0;
	return 0;
}

static int prepare(struct splicer *sp)
{
	const struct splice *s = sp->s;
	const struct func *first = &sp->u->funcs.v[s->parts[0].func];
	const struct btf_type *proto = btf__type_by_id(sp->u->btf, first->type_id);
	int origin, type;

	for (size_t k = 0; k < s->n_parts; k++)
		if (!s->parts[k].call &&
		    sp->u->funcs.v[s->parts[k].func].insns.n > SPLICE_PART_LIMIT) {
			error_set(sp->err, -E2BIG, s->parts[k].name,
				  "too large to be spliced: %zu instructions",
				  sp->u->funcs.v[s->parts[k].func].insns.n);
			return -E2BIG;
		}
	if (!proto) {
		error_set(sp->err, -EINVAL, s->parts[0].name, "its program has no function type");
		error_hint(sp->err, "compile it with clang -g");
		return -EINVAL;
	}
	type = btf__add_func(sp->u->btf, s->name, BTF_FUNC_GLOBAL, proto->type);
	origin = btf__add_str(sp->u->btf, s->origin);
	sp->out.name = strdup(s->name);
	sp->out.section = strdup(s->section);
	if (type < 0 || origin < 0 || !sp->out.name || !sp->out.section)
		return error_oom(sp->err);
	sp->out.global = true;
	sp->out.type_id = type;
	sp->origin = origin;
	return choose_ctx_slot(sp);
}

static void emit_all(struct splicer *sp)
{
	const struct splice_part *p = &sp->s->parts[0];
	const struct func *f = &sp->u->funcs.v[p->func];
	__u32 first = here(sp);

	note(sp, "/* %s */", sp->s->name);
	if (sp->ctx_slot)
		emit(sp, (struct bpf_insn){.code = BPF_STX | BPF_MEM | BPF_DW,
					   .dst_reg = BPF_REG_10,
					   .src_reg = BPF_REG_1,
					   .off = sp->ctx_slot});
	else if (p->call || (f->lines.n && !f->lines.v[0].insn))
		sp->out.lines.n = 0; /* the first part's own record stands in this place */
	mark(sp, first, 0, true);
	for (size_t k = 0; k < sp->s->n_parts; k++)
		emit_part(sp, k);
	emit_end(sp, &sp->s->parts[sp->s->n_parts - 1]);
}

/* Spliced parts are gone; called ones become static functions. */
static int retire_parts(struct splicer *sp)
{
	for (size_t k = 0; k < sp->s->n_parts; k++) {
		struct func *f = &sp->u->funcs.v[sp->s->parts[k].func];
		struct btf_type *t = type_edit(sp->u->btf, f->type_id);
		char *text;

		if (!sp->s->parts[k].call) {
			f->dead = true;
			continue;
		}
		text = strdup(".text");
		if (!text)
			return error_oom(sp->err);
		free(f->section);
		f->section = text;
		f->global = f->weak = false;
		t->info = BTF_KIND_FUNC << 24 | BTF_FUNC_STATIC;
	}
	return 0;
}

int splice(struct unit *u, const struct splice *s, __u32 *ret_func, struct splice_map *ret_map,
	   struct braid_error *err)
{
	struct splicer sp = {.u = u, .s = s, .err = err};
	struct func *slot;
	int r = prepare(&sp);

	if (!r) {
		emit_all(&sp);
		r = sp.failed ? error_oom(err) : retire_parts(&sp);
	}
	slot = r ? NULL : array_push(&u->funcs);
	if (!r && !slot)
		r = error_oom(err);
	if (!r) {
		*slot = sp.out;
		sp.out = (struct func){};
		*ret_func = slot - u->funcs.v;
		if (ret_map) {
			*ret_map = sp.map;
			sp.map = (struct splice_map){};
		}
	}
	free(sp.out.name);
	free(sp.out.section);
	array_done(&sp.out.insns);
	array_done(&sp.out.refs);
	array_done(&sp.out.lines);
	array_done(&sp.out.cores);
	array_done(&sp.to_out);
	array_done(&sp.map.ranges);
	return r;
}
