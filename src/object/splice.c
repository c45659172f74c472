/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/splice.h"

#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "object/analyse.h"
#include "object/frame.h"
#include "object/splicer.h"
#include "object/unused.h"

static void mark(struct splicer *sp, __u32 first, size_t part, bool seam)
{
	struct splice_range range = {first, emit_here(&sp->e) - first, part, seam};

	if (range.n)
		sp->e.failed |= !array_add(&sp->map.ranges, range);
}

/*
 * Where control falls to at the end of a part: its last instruction is an exit, and what
 * follows is where that leads. LABEL_NONE: it does not fall.
 */
static __u32 falls_to(const struct func *f, const struct exits *x, bool last)
{
	enum label label = x->label[f->insns.n - 1];

	if (!insn_is_exit(&f->insns.v[f->insns.n - 1]))
		return LABEL_NONE;
	if (last || label == LABEL_CHECK || (label == LABEL_PASS && !x->used[LABEL_CHECK]))
		return label;
	return LABEL_NONE;
}

static bool is_config(const struct splicer *sp, const struct ref *ref)
{
	return ref->kind == REF_DATA && (int)ref->target == sp->s->config.section;
}

static void copy_records(struct splicer *sp, const struct func *f, __u32 base, __u32 n)
{
	array_foreach (ref, &f->refs) {
		struct ref moved = *ref;

		if (is_config(sp, ref))
			continue;
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

/* Does its own verdict leave with the packet, whatever it is? */
static bool ends_pipeline(const struct splice *s, const struct splice_part *p)
{
	return p->next == SPLICE_END && s->end == SPLICE_LAST && !p->chooses;
}

/*
 * A copy of the part's code; its exits, and jumps to them, go where @x says. An exit at
 * the very end is left out when what follows is where it leads. Up to instruction
 * ctx_until the context is not in r1; -1: it is.
 */
static int emit_spliced(struct splicer *sp, size_t k, const struct exits *x, __u32 *ret_falls)
{
	const struct func *f = part_func(sp, k);
	int ctx_until = reads_ctx_elsewhere(sp, k);
	__u32 falls = falls_to(f, x, ends_pipeline(sp->s, &sp->s->parts[k]));
	const struct ref *ref = f->refs.v, *end = ref + f->refs.n;
	__u32 base = emit_here(&sp->e), n = f->insns.n - (falls != LABEL_NONE);
	_cleanup_free_ bool *unused = NULL;

	if (sp->s->plain.unread)
		unused = calloc(f->insns.n, sizeof(*unused));
	else if (unused_verdicts(f, x, &unused))
		return -ENOMEM;
	if (!unused)
		return -ENOMEM;
	for (__u32 i = 0; i < n; i++) {
		const struct bpf_insn *insn = &f->insns.v[i];

		while (ref < end && ref->insn < i)
			ref++;
		if (insn_is_exit(insn)) {
			emit_goto(&sp->e, count_exit(sp, k, x->label[i]));
			continue;
		}
		if (ref < end && ref->insn == i && is_config(sp, ref)) {
			emit_config_address(&sp->e, insn, sp->config_slot, ref->addend);
			i++;
			continue;
		}
		emit_insn(&sp->e, adapt(sp, insn, (int)i > ctx_until, unused[i]));
		if (insn_is_ld_imm64(insn))
			emit_insn(&sp->e, f->insns.v[++i]);
		else if (x->label[i] != LABEL_NONE)
			emit_fix_later(&sp->e, count_exit(sp, k, x->label[i]));
	}
	copy_records(sp, f, base, n);
	*ret_falls = falls;
	return 0;
}

static __u32 emit_called(struct splicer *sp, const struct splice_part *p)
{
	emit_note(&sp->e, "/* call %s */", p->name);
	emit_call(&sp->e, p->func);
	return LABEL_CHECK;
}

static int find_exits(struct splicer *sp, size_t k, struct exits *ret)
{
	const struct splice *s = sp->s;
	const struct splice_part *p = &s->parts[k];
	bool watched = (s->record_section >= 0 && p->record) || p->observed || p->chooses ||
		       s->n_watches;
	struct exits_rule rule = {
		.fold = !watched && !s->plain.fold,
		.last = ends_pipeline(s, p) && !watched,
		.proceed_on = p->proceed_on & ~count_goes_on(sp, k),
		.accept = BRAID_ACCEPT,
		.pass = s->pass,
	};

	if (p->call) {
		ret->used[LABEL_CHECK] = true;
		return 0;
	}
	return exits_init(ret, part_func(sp, k), &rule);
}

static int emit_body(struct splicer *sp, size_t k, const struct exits *x, __u32 *ret_falls)
{
	const struct splice_part *p = &sp->s->parts[k];

	if (!p->call)
		return emit_spliced(sp, k, x, ret_falls);
	*ret_falls = emit_called(sp, p);
	return 0;
}

static void note_seam(struct splicer *sp, const struct splice_part *p)
{
	if (p->chooses)
		emit_note(&sp->e, "/* %s: which way? */", p->name);
	else if (p->next < sp->s->n_parts)
		emit_note(&sp->e, "/* %s -> %s */", p->name, sp->s->parts[p->next].name);
	else
		emit_note(&sp->e, "/* %s: end of %s */", p->name, sp->s->name);
}

static int emit_part(struct splicer *sp, size_t k)
{
	const struct splice_part *p = &sp->s->parts[k];
	__u32 first = emit_here(&sp->e), falls;
	struct exits x = {};
	int r = find_exits(sp, k, &x);

	if (r)
		return r;
	if (k) {
		emit_note(&sp->e, "/* to %s */", p->name);
		r = emit_entry(sp, k);
		emit_drop_empty_note(&sp->e);
		mark(sp, first, k, true);
		first = emit_here(&sp->e);
	}
	r = r ?: emit_body(sp, k, &x, &falls);
	if (r) {
		exits_done(&x);
		return r;
	}
	mark(sp, first, k, false);
	first = emit_here(&sp->e);
	note_seam(sp, p);
	falls = emit_seam(sp, k, falls, x.used[LABEL_CHECK]);
	if (k + 1 < sp->s->n_parts)
		emit_behind(sp, k, falls);
	else
		emit_end(sp, falls);
	emit_drop_empty_note(&sp->e);
	mark(sp, first, k, true);
	exits_done(&x);
	return r;
}

/* Those that the PROG_ARRAY must have at least. */
static size_t count_slots(const struct splice *s)
{
	size_t n = 0;

	for (size_t k = 0; k < s->n_parts; k++) {
		const struct splice_part *p = &s->parts[k];

		for (size_t i = 0; i <= p->n_cases; i++) {
			__u32 next = i < p->n_cases ? p->cases[i].next : p->next;

			if (next != SPLICE_END && next & SPLICE_SLOT && (next & ~SPLICE_SLOT) >= n)
				n = (next & ~SPLICE_SLOT) + 1;
		}
	}
	return n;
}

/* Each spliced part gets its bytes of the stack below those of the parts in front of it. */
static int part_frames(struct splicer *sp)
{
	__u32 by = 0;

	for (size_t k = 0; k < sp->s->n_parts; k++) {
		const struct splice_part *p = &sp->s->parts[k];
		struct func_facts facts;
		int r;

		if (p->call)
			continue;
		if (func_analyse(sp->u, p->func, &facts))
			return error_oom(sp->err);
		if (by + facts.stack > STACK_LIMIT) {
			error_set(sp->err, -EOVERFLOW, sp->s->name,
				  "the stages need more than the %d bytes of a stack, if each has "
				  "its own",
				  STACK_LIMIT);
			return -EOVERFLOW;
		}
		r = by ? frame_lower(&sp->u->funcs.v[p->func], by) : 0;
		if (r == -ENOMEM)
			return error_oom(sp->err);
		if (r) {
			error_set(sp->err, r, p->name,
				  "its place in the stack cannot be moved by %u bytes", by);
			return r;
		}
		by += facts.stack;
	}
	return 0;
}

static int prepare(struct splicer *sp)
{
	const struct splice *s = sp->s;
	int origin, type, proto;

	for (size_t k = 0; k < s->n_parts; k++)
		if (!s->parts[k].call &&
		    sp->u->funcs.v[s->parts[k].func].insns.n > SPLICE_PART_LIMIT) {
			error_set(sp->err, -E2BIG, s->parts[k].name,
				  "too large to be spliced: %zu instructions",
				  sp->u->funcs.v[s->parts[k].func].insns.n);
			return -E2BIG;
		}
	sp->first_place = N_LABELS + s->n_parts + count_slots(s);
	if (emitter_init(&sp->e, sp->first_place + count_places(s)))
		return error_oom(sp->err);
	proto = add_context_proto(sp->u->btf, s->section);
	type = proto < 0 ? proto : btf__add_func(sp->u->btf, s->name, BTF_FUNC_GLOBAL, proto);
	origin = btf__add_str(sp->u->btf, s->origin);
	sp->e.out.name = strdup(s->name);
	sp->e.out.section = strdup(s->section);
	if (type < 0 || origin < 0 || !sp->e.out.name || !sp->e.out.section)
		return error_oom(sp->err);
	sp->e.out.global = true;
	sp->e.out.type_id = type;
	sp->e.btf = sp->u->btf;
	sp->e.origin = origin;
	return splicer_place(sp);
}

static int emit_all(struct splicer *sp)
{
	const struct splice_part *p = &sp->s->parts[0];
	const struct func *f = part_func(sp, 0);
	__u32 first = emit_here(&sp->e);
	int r;

	emit_note(&sp->e, "/* %s */", sp->s->name);
	emit_head(sp);
	r = emit_entry(sp, 0);
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

static int retire_parts(struct splicer *sp)
{
	int r = 0;

	for (size_t k = 0; k < sp->s->n_parts && !r; k++) {
		if (sp->s->parts[k].call)
			r = retire_called(sp, k);
		else
			sp->u->funcs.v[sp->s->parts[k].func].dead = true;
	}
	return r;
}

int splice_parts(struct unit *u, const struct splice *s, __u32 *ret_func,
		 struct splice_map *ret_map, struct braid_error *err)
{
	struct splicer sp = {.u = u, .s = s, .err = err};
	struct func *slot;
	int r = s->plain.frame ? part_frames(&sp) : 0;

	r = r ?: prepare(&sp);
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
