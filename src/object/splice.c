/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/splice.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "object/analyse.h"
#include "object/ctx.h"
#include "object/emit.h"
#include "object/flow.h"
#include "object/types.h"
#include "object/unused.h"

struct splicer {
	struct unit *u;
	const struct splice *s;
	struct braid_error *err;
	struct emitter e;
	struct splice_map map;
	/* Where the context is kept: a register that no stage touches, else a stack slot. */
	__u8 ctx_reg;   /* 0: none */
	__s16 ctx_slot; /* offset from the frame pointer; 0: none */
};

static void emit_save_ctx(struct splicer *sp)
{
	if (sp->ctx_reg)
		emit_mov(&sp->e, sp->ctx_reg, BPF_REG_1);
	else if (sp->ctx_slot)
		emit_insn(&sp->e, (struct bpf_insn){.code = BPF_STX | BPF_MEM | BPF_DW,
						    .dst_reg = BPF_REG_10,
						    .src_reg = BPF_REG_1,
						    .off = sp->ctx_slot});
}

static void emit_load_ctx(struct splicer *sp)
{
	if (sp->ctx_reg)
		emit_mov(&sp->e, BPF_REG_1, sp->ctx_reg);
	else
		emit_insn(&sp->e, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_DW,
						    .dst_reg = BPF_REG_1,
						    .src_reg = BPF_REG_10,
						    .off = sp->ctx_slot});
}

static void mark(struct splicer *sp, __u32 first, size_t part, bool seam)
{
	struct splice_range range = {first, emit_here(&sp->e) - first, part, seam};

	if (range.n)
		sp->e.failed |= !array_add(&sp->map.ranges, range);
}

static void emit_verdict(struct splicer *sp, enum label label)
{
	emit_label(&sp->e, label);
	emit_mov32(&sp->e, BPF_REG_0, label - LABEL_VERDICT);
	emit_exit(&sp->e);
}

/* The verdict is in r0. */
static void emit_out_with(struct splicer *sp, enum label falls)
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
static void emit_out(struct splicer *sp, enum label falls)
{
	if (falls >= LABEL_VERDICT) {
		emit_verdict(sp, falls);
		falls = LABEL_NONE;
	}
	emit_out_with(sp, falls);
	for (enum label l = LABEL_VERDICT; l < N_LABELS; l++)
		if (sp->e.to[l].insns.n)
			emit_verdict(sp, l);
}

/* Instructions that braid puts between two parts at most: 64 of them clean the stack. */
#define SEAM_LIMIT 160

static __u32 oldest_leaving(const struct splicer *sp)
{
	__u32 oldest = UINT32_MAX;

	for (enum label l = LABEL_OUT; l < N_LABELS; l++)
		if (sp->e.to[l].insns.n && sp->e.to[l].insns.v[0] < oldest)
			oldest = sp->e.to[l].insns.v[0];
	return oldest;
}

/*
 * 16-bit jumps: before a part that would put "out" beyond their reach, one is put here.
 * @falls: control comes to this
 * place from above; otherwise a jump around it would be unreachable, which the verifier
 * refuses.
 */
static void emit_island(struct splicer *sp, __u32 part_size, bool falls)
{
	__u32 oldest = oldest_leaving(sp), jump = emit_here(&sp->e);

	if (oldest == UINT32_MAX || jump + part_size + SEAM_LIMIT - oldest < INT16_MAX)
		return;
	emit_drop_empty_note(&sp->e);
	emit_note(&sp->e, "/* leave */");
	if (falls)
		emit_insn(&sp->e, (struct bpf_insn){.code = BPF_JMP | BPF_JA});
	emit_out(sp, LABEL_NONE);
	if (!sp->e.failed && falls)
		sp->e.out.insns.v[jump].off = emit_here(&sp->e) - jump - 1;
}

/* r2 to r5 are free at a seam; r1 may still hold the context. */
static void emit_record(struct splicer *sp, const struct splice_part *p)
{
	if (sp->s->record_section < 0)
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

/* Falls through when the verdict in r0 is one that proceeds. */
static void emit_check(struct splicer *sp, __u32 proceed_on)
{
	if (!proceed_on) {
		/* always so, but what follows must look reachable */
		emit_jump32(&sp->e, BPF_JGE, BPF_REG_0, 0, 0);
		emit_fix_later(&sp->e, LABEL_OUT);
	} else if (!(proceed_on & (proceed_on - 1))) {
		emit_jump32(&sp->e, BPF_JNE, BPF_REG_0, __builtin_ctz(proceed_on), 0);
		emit_fix_later(&sp->e, LABEL_OUT);
	} else {
		emit_jump32(&sp->e, BPF_JGT, BPF_REG_0, 31, 0);
		emit_fix_later(&sp->e, LABEL_OUT);
		emit_mov32(&sp->e, BPF_REG_2, proceed_on);
		emit_insn(&sp->e, (struct bpf_insn){.code = BPF_ALU | BPF_RSH | BPF_X,
						    .dst_reg = BPF_REG_2,
						    .src_reg = BPF_REG_0});
		emit_insn(&sp->e, (struct bpf_insn){.code = BPF_ALU | BPF_AND | BPF_K,
						    .dst_reg = BPF_REG_2,
						    .imm = 1});
		emit_jump32(&sp->e, BPF_JEQ, BPF_REG_2, 0, 0);
		emit_fix_later(&sp->e, LABEL_OUT);
	}
}

/*
 * Where control falls to at the end of a part: its last instruction is an exit, and what
 * follows is where that leads. LABEL_NONE: it does not fall.
 */
static enum label falls_to(const struct func *f, const struct exits *x, bool last)
{
	enum label label = x->label[f->insns.n - 1];

	if (!insn_is_exit(&f->insns.v[f->insns.n - 1]))
		return LABEL_NONE;
	if (last || label == LABEL_CHECK || (label == LABEL_PASS && !x->used[LABEL_CHECK]))
		return label;
	return LABEL_NONE;
}

static void copy_records(struct splicer *sp, const struct func *f, __u32 base, __u32 n)
{
	array_foreach (ref, &f->refs) {
		struct ref moved = *ref;

		moved.insn += base;
		sp->e.failed |= !array_add(&sp->e.out.refs, moved);
	}
	array_foreach (l, &f->lines) {
		struct line moved = *l;

		moved.insn += base;
		if (l->insn < n)
			sp->e.failed |= !array_add(&sp->e.out.lines, moved);
	}
	array_foreach (c, &f->cores) {
		struct core_relo moved = *c;

		moved.insn += base;
		sp->e.failed |= !array_add(&sp->e.out.cores, moved);
	}
}

/* The instruction as it stands in the pipeline: the context is elsewhere, a verdict unread. */
static struct bpf_insn adapt(const struct splicer *sp, const struct bpf_insn *insn, bool in_r1,
			     bool unused)
{
	struct bpf_insn out = *insn;
	int class = BPF_CLASS(insn->code);

	if (unused) /* a jump to the next instruction: the verifier takes it out */
		return (struct bpf_insn){.code = BPF_JMP | BPF_JA};
	if (!in_r1 && out.src_reg == BPF_REG_1 &&
	    (class == BPF_LDX || class == BPF_STX || class == BPF_ALU64))
		out.src_reg = sp->ctx_reg;
	return out;
}

/*
 * A copy of the part's code; its exits, and jumps to them, go where @x says. An exit at
 * the very end is left out when what follows is where it leads. Up to instruction
 * @ctx_until the context is not in r1; -1: it is.
 */
static int emit_spliced(struct splicer *sp, const struct func *f, const struct exits *x, bool last,
			int ctx_until, enum label *ret_falls)
{
	enum label falls = falls_to(f, x, last);
	__u32 base = emit_here(&sp->e), n = f->insns.n - (falls != LABEL_NONE);
	_cleanup_free_ bool *unused = NULL;

	if (unused_verdicts(f, x, &unused))
		return -ENOMEM;
	for (__u32 i = 0; i < n; i++) {
		const struct bpf_insn *insn = &f->insns.v[i];

		if (insn_is_exit(insn)) {
			emit_goto(&sp->e, x->label[i]);
			continue;
		}
		emit_insn(&sp->e, adapt(sp, insn, (int)i > ctx_until, unused[i]));
		if (insn_is_ld_imm64(insn))
			emit_insn(&sp->e, f->insns.v[++i]);
		else if (x->label[i] != LABEL_NONE)
			emit_fix_later(&sp->e, x->label[i]);
	}
	copy_records(sp, f, base, n);
	*ret_falls = falls;
	return 0;
}

static enum label emit_called(struct splicer *sp, const struct splice_part *p)
{
	emit_note(&sp->e, "/* call %s */", p->name);
	emit_ref(&sp->e, REF_CALL, p->func, 0);
	emit_insn(&sp->e, (struct bpf_insn){.code = BPF_JMP | BPF_CALL,
					    .src_reg = BPF_PSEUDO_CALL,
					    .imm = -1});
	return LABEL_CHECK;
}

static const struct func *part_func(const struct splicer *sp, size_t k)
{
	return &sp->u->funcs.v[sp->s->parts[k].func];
}

static bool preserves_ctx(const struct splicer *sp, size_t k)
{
	return !sp->s->parts[k].call && ctx_is_preserved(part_func(sp, k));
}

/* Up to where part @k can read the context from its register instead of r1; -1: not at all. */
static int reads_ctx_elsewhere(const struct splicer *sp, size_t k)
{
	if (!k || !sp->ctx_reg || sp->s->parts[k].call || preserves_ctx(sp, k - 1))
		return -1;
	return ctx_overwritten_at(part_func(sp, k));
}

/* For what follows part @k. */
static void emit_reload_ctx(struct splicer *sp, size_t k)
{
	if (!preserves_ctx(sp, k) &&
	    (k + 1 == sp->s->n_parts || reads_ctx_elsewhere(sp, k + 1) < 0))
		emit_load_ctx(sp);
}

static void emit_tail_call(struct splicer *sp)
{
	emit_address(&sp->e, BPF_REG_2, REF_MAP, sp->s->tail_map, 0);
	emit_mov32(&sp->e, BPF_REG_3, sp->s->tail_slot);
	emit_insn(&sp->e, (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call});
	emit_mov32(&sp->e, BPF_REG_0, sp->s->lost);
	emit_exit(&sp->e);
}

/* Those that must be looked at are; then everything that goes on is here. */
static void emit_seam(struct splicer *sp, size_t k, enum label falls, bool check)
{
	const struct splice_part *p = &sp->s->parts[k];

	if (check) {
		emit_label(&sp->e, LABEL_CHECK);
		emit_record(sp, p);
		emit_check(sp, p->proceed_on);
	}
	if (k + 1 < sp->s->n_parts)
		emit_island(sp, p[1].call ? 1 : part_func(sp, k + 1)->insns.n,
			    check || falls != LABEL_NONE);
	emit_label(&sp->e, LABEL_PASS);
}

/* What stands behind the last part. */
static void emit_end(struct splicer *sp, enum label falls, bool check)
{
	const struct splice *s = sp->s;
	size_t k = s->n_parts - 1;

	if (s->end != SPLICE_LAST)
		emit_seam(sp, k, falls, check);
	switch (s->end) {
	case SPLICE_LAST:
		if (check) {
			emit_label(&sp->e, LABEL_CHECK);
			emit_record(sp, &s->parts[k]);
			falls = LABEL_OUT;
		}
		break;
	case SPLICE_FIXED:
		falls = LABEL_VERDICT + s->verdict;
		break;
	case SPLICE_TAIL:
		emit_reload_ctx(sp, k);
		emit_tail_call(sp);
		falls = LABEL_NONE;
		break;
	}
	emit_out(sp, falls);
}

static int find_exits(struct splicer *sp, size_t k, struct exits *ret)
{
	const struct splice *s = sp->s;
	bool recording = s->record_section >= 0;
	struct exits_rule rule = {
		.fold = !recording,
		.last = k + 1 == s->n_parts && s->end == SPLICE_LAST && !recording,
		.proceed_on = s->parts[k].proceed_on,
		.accept = BRAID_ACCEPT,
		.pass = s->pass,
	};

	if (s->parts[k].call) {
		ret->used[LABEL_CHECK] = true;
		return 0;
	}
	return exits_init(ret, part_func(sp, k), &rule);
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

static int emit_part(struct splicer *sp, size_t k)
{
	const struct splice_part *p = &sp->s->parts[k];
	bool last = k + 1 == sp->s->n_parts;
	struct exits x = {};
	enum label falls;
	__u32 first = emit_here(&sp->e);
	int r = find_exits(sp, k, &x);

	if (r)
		return r;
	if (p->call)
		falls = emit_called(sp, p);
	else
		r = emit_spliced(sp, part_func(sp, k), &x, last && sp->s->end == SPLICE_LAST,
				 reads_ctx_elsewhere(sp, k), &falls);
	if (r) {
		exits_done(&x);
		return r;
	}
	mark(sp, first, k, false);
	first = emit_here(&sp->e);
	if (last) {
		emit_note(&sp->e, "/* %s: end of %s */", p->name, sp->s->name);
		emit_end(sp, falls, x.used[LABEL_CHECK]);
	} else {
		emit_note(&sp->e, "/* %s -> %s */", p->name, p[1].name);
		emit_seam(sp, k, falls, x.used[LABEL_CHECK]);
		emit_reload_ctx(sp, k);
		r = emit_clean_stack(sp, k + 1);
	}
	emit_drop_empty_note(&sp->e);
	mark(sp, first, k, true);
	exits_done(&x);
	return r;
}

/* A callee-saved register that no spliced part touches; 0: none. Called ones restore theirs. */
static int free_register(const struct splicer *sp)
{
	for (int reg = BPF_REG_9; reg >= BPF_REG_6; reg--) {
		bool taken = false;

		for (size_t k = 0; k < sp->s->n_parts; k++)
			taken |= !sp->s->parts[k].call && func_mentions(part_func(sp, k), reg);
		if (!taken)
			return reg;
	}
	return 0;
}

/* A slot must outlive every part but the last one: it lies below their stacks. */
static int choose_slot(struct splicer *sp, size_t n)
{
	__u32 deepest = 0;

	for (size_t k = 0; k < n; k++) {
		struct func_facts facts;

		if (sp->s->parts[k].call)
			continue;
		if (func_analyse(sp->u, sp->s->parts[k].func, &facts))
			return error_oom(sp->err);
		if (facts.stack > deepest)
			deepest = facts.stack;
	}
	if (deepest + 8 > STACK_LIMIT) {
		error_set(sp->err, -EOVERFLOW, sp->s->name,
			  "no room on the stack for the context beside %u bytes of a stage",
			  deepest);
		return -EOVERFLOW;
	}
	sp->ctx_slot = -(__s16)(deepest + 8);
	return 0;
}

static int choose_ctx_home(struct splicer *sp)
{
	const struct splice *s = sp->s;
	size_t n = s->n_parts - (s->end != SPLICE_TAIL);
	bool needed = false;

	for (size_t k = 0; k < n; k++)
		needed |= !preserves_ctx(sp, k);
	if (!needed)
		return 0;
	sp->ctx_reg = free_register(sp);
	return sp->ctx_reg ? 0 : choose_slot(sp, n);
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
	sp->e.out.name = strdup(s->name);
	sp->e.out.section = strdup(s->section);
	if (type < 0 || origin < 0 || !sp->e.out.name || !sp->e.out.section)
		return error_oom(sp->err);
	sp->e.out.global = true;
	sp->e.out.type_id = type;
	sp->e.btf = sp->u->btf;
	sp->e.origin = origin;
	return choose_ctx_home(sp);
}

static int emit_all(struct splicer *sp)
{
	const struct splice_part *p = &sp->s->parts[0];
	const struct func *f = part_func(sp, 0);
	__u32 first = emit_here(&sp->e);
	int r = 0;

	emit_note(&sp->e, "/* %s */", sp->s->name);
	emit_save_ctx(sp);
	if (p->call || (f->lines.n && !f->lines.v[0].insn))
		emit_drop_empty_note(&sp->e); /* the first part's own record stands in this place */
	mark(sp, first, 0, true);
	for (size_t k = 0; k < sp->s->n_parts && !r; k++)
		r = emit_part(sp, k);
	if (r || sp->e.failed)
		return error_oom(sp->err);
	if (sp->e.too_far) {
		error_set(sp->err, -E2BIG, sp->s->name, "a jump in it would be too long");
		return -E2BIG;
	}
	return 0;
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

	if (!r)
		r = emit_all(&sp) ?: retire_parts(&sp);
	slot = r ? NULL : array_push(&u->funcs);
	if (!r && !slot)
		r = error_oom(err);
	if (!r) {
		*slot = sp.e.out;
		sp.e.out = (struct func){};
		*ret_func = slot - u->funcs.v;
		if (ret_map) {
			*ret_map = sp.map;
			sp.map = (struct splice_map){};
		}
	}
	emitter_done(&sp.e);
	array_done(&sp.map.ranges);
	return r;
}
