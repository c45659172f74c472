/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Unit -> text: what assembles to it again. */
#include <bpf/btf.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "object/asm.h"
#include "object/asm_file.h"
#include "object/insn.h"
#include "object/mapdef.h"

struct printer {
	const struct unit *u;
	struct buf b;
	__u32 *ids; /* of types, as they are written */
	/* of the function that is being written */
	const struct func *f;
	bool *targets; /* by instruction: a jump leads there */
	size_t ref, line, core;
	__u32 file; /* of the last line */
};

/* As it is, or in quotation marks. */
static void add_name(struct buf *b, const char *name)
{
	bool plain = *name && !isdigit((unsigned char)*name);

	for (const char *c = name; *c; c++)
		plain = plain && (isalnum((unsigned char)*c) || strchr("_.$@", *c));
	buf_fmt(b, plain ? "%s" : "\"%s\"", name);
}

static const struct ref *ref_at(const struct printer *p, __u32 at)
{
	const struct ref *ref = p->ref < p->f->refs.n ? &p->f->refs.v[p->ref] : NULL;

	return ref && ref->insn == at ? ref : NULL;
}

static bool name_call(void *ctx, const struct bpf_insn *insn, __u32 at, struct buf *b)
{
	const struct printer *p = ctx;
	const struct ref *ref = ref_at(p, at);

	if (!ref)
		return false;
	add_name(b, ref->kind == REF_CALL ? p->u->funcs.v[ref->target].name
					  : p->u->externs.v[ref->target].name);
	return true;
}

/* The variable that begins or lies there. */
static void add_data(const struct printer *p, const struct ref *ref, struct buf *b)
{
	const struct section *s = &p->u->sections.v[ref->target];

	array_foreach (v, &s->vars)
		if (ref->addend >= v->offset && ref->addend - v->offset < v->size) {
			buf_str(b, "&");
			add_name(b, unit_type_name(p->u, v->type_id));
			if (ref->addend > v->offset)
				buf_fmt(b, "+%u", ref->addend - v->offset);
			return;
		}
	buf_str(b, "map[");
	add_name(b, s->name);
	buf_fmt(b, "]+%u", ref->addend);
}

static bool name_load(void *ctx, const struct bpf_insn *insn, __u32 at, struct buf *b)
{
	const struct printer *p = ctx;
	const struct ref *ref = ref_at(p, at);

	if (!ref)
		return false;
	switch (ref->kind) {
	case REF_MAP:
		buf_str(b, "map[");
		add_name(b, p->u->maps.v[ref->target].name);
		buf_str(b, "]");
		break;
	case REF_DATA:
		add_data(p, ref, b);
		break;
	default:
		buf_str(b, "&");
		add_name(b, ref->kind == REF_FUNC ? p->u->funcs.v[ref->target].name
						  : p->u->externs.v[ref->target].name);
	}
	return true;
}

static bool name_jump(void *ctx, const struct bpf_insn *insn, __u32 at, struct buf *b)
{
	__s32 distance;

	if (!insn_is_jump(insn, &distance))
		return false;
	buf_fmt(b, "L%lld", (long long)at + 1 + distance);
	return true;
}

/* Does the text say all of the instruction? Fields that it does not use may hold anything. */
static bool says_all(const struct bpf_insn *insns, __u32 at, const struct ref *ref)
{
	struct braid_error err = BRAID_ERROR_INIT;
	struct asm_insn i = {};
	struct buf b = {};
	bool same;

	if (!insn_text(insns, at, NULL, &b)) {
		buf_done(&b);
		return false;
	}
	if (ref) { /* the reference says the rest: imm, and what the loader puts into src_reg */
		same = !insns[at].off && (insn_is_call(&insns[at]) ? !insns[at].dst_reg : true);
		buf_done(&b);
		return same;
	}
	same = b.v &&
	       !asm_insn(
		       &(struct scan){
			       .name = "", .line = b.v, .at = b.v, .end = b.v + b.n, .err = &err},
		       -1, &i) &&
	       !memcmp(i.insn, &insns[at], i.n * sizeof(*insns)) &&
	       i.n == 1u + insn_is_ld_imm64(&insns[at]);
	braid_error_clear(&err);
	buf_done(&b);
	return same;
}

static void add_raw(struct buf *b, const struct bpf_insn *i)
{
	buf_fmt(b, "\t.insn 0x%02x %u %u %d %d\n", i->code, i->dst_reg, i->src_reg, i->off, i->imm);
}

/* Records in front of an instruction. */
static void add_records(struct printer *p, __u32 at)
{
	if (p->line < p->f->lines.n && p->f->lines.v[p->line].insn <= at) {
		const struct line *l = &p->f->lines.v[p->line++];

		if (l->file != p->file) {
			buf_str(&p->b, "\t.file ");
			asm_quote(&p->b, btf__str_by_offset(p->u->btf, l->file) ?: "");
			buf_str(&p->b, "\n");
			p->file = l->file;
		}
		buf_fmt(&p->b, "\t.line %u:%u ", l->line_col >> 10, l->line_col & 1023);
		asm_quote(&p->b, btf__str_by_offset(p->u->btf, l->text) ?: "");
		buf_str(&p->b, "\n");
	}
	if (p->core < p->f->cores.n && p->f->cores.v[p->core].insn <= at) {
		const struct core_relo *c = &p->f->cores.v[p->core++];

		if (c->kind < asm_n_core_kinds)
			buf_fmt(&p->b, "\t.core %s", asm_core_kinds[c->kind]);
		else
			buf_fmt(&p->b, "\t.core %u", c->kind);
		buf_fmt(&p->b, " %u ", p->ids[c->type_id]);
		asm_quote(&p->b, btf__str_by_offset(p->u->btf, c->access) ?: "");
		buf_str(&p->b, "\n");
	}
}

static void add_code(struct printer *p)
{
	const struct insn_names names = {name_call, name_load, name_jump, p};
	const struct func *f = p->f;

	for (__u32 i = 0; i < f->insns.n; i++) {
		bool two = insn_is_ld_imm64(&f->insns.v[i]) && i + 1 < f->insns.n;

		while (p->ref < f->refs.n && f->refs.v[p->ref].insn < i)
			p->ref++;
		if (p->targets[i])
			buf_fmt(&p->b, "L%u:\n", i);
		add_records(p, i);
		if (says_all(f->insns.v, i, ref_at(p, i))) {
			buf_str(&p->b, "\t");
			insn_text(f->insns.v, i, &names, &p->b);
			buf_str(&p->b, "\n");
		} else {
			add_raw(&p->b, &f->insns.v[i]);
			if (two)
				add_raw(&p->b, &f->insns.v[i + 1]);
		}
		i += two;
	}
}

static int find_targets(struct printer *p)
{
	p->targets = calloc(p->f->insns.n + 1, sizeof(*p->targets));
	if (!p->targets)
		return -ENOMEM;
	for (__u32 i = 0; i < p->f->insns.n; i++) {
		__s32 distance;
		__s64 to;

		if (insn_is_jump(&p->f->insns.v[i], &distance)) {
			to = (__s64)i + 1 + distance;
			if (to >= 0 && to < (__s64)p->f->insns.n)
				p->targets[to] = true;
		}
		i += insn_is_ld_imm64(&p->f->insns.v[i]);
	}
	return 0;
}

static int add_func(struct printer *p, const struct func *f)
{
	bool program = func_is_program(f);

	p->f = f;
	p->ref = p->line = p->core = 0;
	p->file = UINT32_MAX;
	if (find_targets(p))
		return -ENOMEM;
	buf_fmt(&p->b, "\n.%s ", program ? "program" : "function");
	add_name(&p->b, f->name);
	if (program) {
		buf_str(&p->b, " ");
		add_name(&p->b, f->section);
	}
	if (f->global != program)
		buf_str(&p->b, program ? " static" : " global");
	buf_fmt(&p->b, "%s%s", f->weak ? " weak" : "", f->hidden ? " hidden" : "");
	if (f->type_id)
		buf_fmt(&p->b, " type=%u", p->ids[f->type_id]);
	buf_str(&p->b, "\n");
	add_code(p);
	free(p->targets);
	return 0;
}

static void add_attribute(struct buf *b, const char *name, __u32 value)
{
	if (value)
		buf_fmt(b, " %s=%u", name, value);
}

static int add_map(struct printer *p, __u32 map, struct braid_error *err)
{
	const struct map *m = &p->u->maps.v[map];
	struct map_def def = {};
	int r = map_def_read(p->u, map, &def, err);

	if (r)
		return r;
	buf_str(&p->b, ".map ");
	add_name(&p->b, m->name);
	if (map_type_name(def.type))
		buf_fmt(&p->b, " %s", map_type_name(def.type));
	else
		buf_fmt(&p->b, " %u", def.type);
	add_attribute(&p->b, "key", def.key_size);
	add_attribute(&p->b, "value", def.value_size);
	add_attribute(&p->b, "entries", def.max_entries);
	add_attribute(&p->b, "flags", def.flags);
	add_attribute(&p->b, "pinning", def.pinning);
	buf_fmt(&p->b, " type=%u size=%u\n", p->ids[m->type_id], m->size);
	return 0;
}

static void add_map_values(struct printer *p, __u32 map)
{
	const struct map *m = &p->u->maps.v[map];

	array_foreach (v, &m->values) {
		buf_str(&p->b, ".value ");
		add_name(&p->b, m->name);
		buf_fmt(&p->b, " %u ", (v->offset - map_def_values_at(p->u, map)) / 8);
		add_name(&p->b, v->kind == REF_MAP ? p->u->maps.v[v->target].name
						   : p->u->funcs.v[v->target].name);
		buf_str(&p->b, "\n");
	}
}

#define ROW 16 /* bytes in a line */

static void add_bytes(struct buf *b, const struct section *s)
{
	for (size_t i = 0; i < s->bytes.n && s->kind != SECTION_BSS; i += ROW) {
		size_t n = s->bytes.n - i < ROW ? s->bytes.n - i : ROW;
		static const char zeros[ROW];

		if (!memcmp(s->bytes.v + i, zeros, n))
			continue;
		buf_fmt(b, ".bytes %#zx:", i);
		for (size_t k = 0; k < n; k++)
			buf_fmt(b, " %02x", (unsigned char)s->bytes.v[i + k]);
		buf_str(b, "\n");
	}
}

static void add_section(struct printer *p, const struct section *s)
{
	bool named_bss = text_eq(s->name, ".bss") || text_has_prefix(s->name, ".bss.");

	buf_str(&p->b, "\n.section ");
	add_name(&p->b, s->name);
	buf_fmt(&p->b, "%s align=%u size=%zu\n",
		s->kind == SECTION_BSS && !named_bss ? " nobits" : "", s->align, s->bytes.n);
	add_bytes(&p->b, s);
	array_foreach (v, &s->vars) {
		buf_str(&p->b, ".variable ");
		add_name(&p->b, unit_type_name(p->u, v->type_id));
		buf_str(&p->b, " ");
		add_name(&p->b, s->name);
		buf_fmt(&p->b, " type=%u at=%u size=%u\n", p->ids[v->type_id], v->offset, v->size);
	}
}

static void add_externs(struct printer *p)
{
	array_foreach (e, &p->u->externs) {
		buf_str(&p->b, ".extern ");
		add_name(&p->b, e->name);
		buf_fmt(&p->b, " %s type=%u%s\n", e->section, p->ids[e->type_id],
			e->weak ? " weak" : "");
	}
}

static int print_unit(struct printer *p, struct braid_error *err)
{
	const struct unit *u = p->u;
	int r = 0;

	if (u->license) {
		buf_str(&p->b, ".license ");
		asm_quote(&p->b, u->license);
		buf_str(&p->b, "\n");
	}
	if (u->kern_version)
		buf_fmt(&p->b, ".version %#x\n", u->kern_version);
	for (__u32 i = 0; i < u->maps.n && !r; i++)
		r = add_map(p, i, err);
	for (__u32 i = 0; i < u->maps.n && !r; i++)
		add_map_values(p, i);
	add_externs(p);
	array_foreach (s, &u->sections)
		add_section(p, s);
	array_foreach (f, &u->funcs)
		if (!f->dead && !r && add_func(p, f))
			r = error_oom(err);
	return r;
}

int unit_disassemble(const struct unit *u, char **ret, struct braid_error *err)
{
	struct printer p = {.u = u};
	struct buf types = {};
	int r;

	p.ids = calloc(btf__type_cnt(u->btf) + 1, sizeof(*p.ids));
	if (!p.ids)
		return error_oom(err);
	asm_types_text(u, p.ids, &types);
	r = print_unit(&p, err);
	if (!r && types.n)
		buf_fmt(&p.b, "\n; types, as BTF has them\n%s", types.v ?: "");
	if (!r && (p.b.failed || types.failed))
		r = error_oom(err);
	free(p.ids);
	buf_done(&types);
	*ret = r ? NULL : buf_take(&p.b);
	buf_done(&p.b);
	return r ?: *ret ? 0 : error_oom(err);
}
