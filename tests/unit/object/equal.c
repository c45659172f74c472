/* SPDX-License-Identifier: GPL-2.0-only */
/* units_equal(): see common.h. */
#include <bpf/btf.h>
#include <string.h>

#include "common.h"
#include "tap.h"

#define SAME(cond, fmt, ...)                                                                       \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			diag("differs: " fmt, ##__VA_ARGS__);                                      \
			return false;                                                              \
		}                                                                                  \
	} while (0)

#define TYPE_DEPTH 6

static bool strings_equal(const struct unit *a, __u32 x, const struct unit *b, __u32 y)
{
	const char *s = btf__str_by_offset(a->btf, x), *t = btf__str_by_offset(b->btf, y);

	return s && t && !strcmp(s, t);
}

struct pair {
	const struct unit *a, *b;
	int depth;
};

static bool members_equal(const struct pair *p, const struct btf_type *s, const struct btf_type *t)
{
	const struct btf_member *m = btf_members(s), *n = btf_members(t);

	for (int i = 0; i < btf_vlen(s); i++)
		if (m[i].offset != n[i].offset ||
		    !strings_equal(p->a, m[i].name_off, p->b, n[i].name_off) ||
		    !types_equal(p->a, m[i].type, p->b, n[i].type, p->depth - 1))
			return false;
	return true;
}

static bool params_equal(const struct pair *p, const struct btf_type *s, const struct btf_type *t)
{
	const struct btf_param *m = btf_params(s), *n = btf_params(t);

	for (int i = 0; i < btf_vlen(s); i++)
		if (!strings_equal(p->a, m[i].name_off, p->b, n[i].name_off) ||
		    !types_equal(p->a, m[i].type, p->b, n[i].type, p->depth - 1))
			return false;
	return types_equal(p->a, s->type, p->b, t->type, p->depth - 1);
}

static bool insides_equal(const struct pair *p, const struct btf_type *s, const struct btf_type *t)
{
	switch (btf_kind(s)) {
	case BTF_KIND_INT:
		return s->size == t->size && !memcmp(s + 1, t + 1, sizeof(__u32));
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return s->size == t->size && members_equal(p, s, t);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_FLOAT:
		return s->size == t->size;
	case BTF_KIND_ARRAY:
		return btf_array(s)->nelems == btf_array(t)->nelems &&
		       types_equal(p->a, btf_array(s)->type, p->b, btf_array(t)->type,
				   p->depth - 1);
	case BTF_KIND_FUNC_PROTO:
		return params_equal(p, s, t);
	case BTF_KIND_VAR:
		return btf_var(s)->linkage == btf_var(t)->linkage &&
		       types_equal(p->a, s->type, p->b, t->type, p->depth - 1);
	case BTF_KIND_FWD:
		return true;
	default:
		return types_equal(p->a, s->type, p->b, t->type, p->depth - 1);
	}
}

bool types_equal(const struct unit *a, __u32 x, const struct unit *b, __u32 y, int depth)
{
	const struct btf_type *s = btf__type_by_id(a->btf, x), *t = btf__type_by_id(b->btf, y);
	struct pair p = {a, b, depth};

	if (!x || !y || !depth)
		return !x == !y;
	return s && t && s->info == t->info && strings_equal(a, s->name_off, b, t->name_off) &&
	       insides_equal(&p, s, t);
}

static const struct ref *ref_of(const struct func *f, __u32 insn)
{
	array_foreach (r, &f->refs)
		if (r->insn == insn)
			return r;
	return NULL;
}

static bool code_equal(const struct func *f, const struct func *g)
{
	SAME(f->insns.n == g->insns.n && f->refs.n == g->refs.n, "size of %s", f->name);
	for (size_t i = 0; i < f->insns.n; i++) {
		struct bpf_insn x = f->insns.v[i], y = g->insns.v[i];

		/* the reference says it; how it was written does not matter */
		if (ref_of(f, i)) {
			x.imm = y.imm = 0;
			x.src_reg = y.src_reg = 0;
		}
		SAME(!memcmp(&x, &y, sizeof(x)), "%s, instruction %zu", f->name, i);
	}
	for (size_t i = 0; i < f->refs.n; i++)
		SAME(!memcmp(&f->refs.v[i], &g->refs.v[i], sizeof(struct ref)), "%s, reference %zu",
		     f->name, i);
	return true;
}

static bool records_equal(const struct unit *a, const struct func *f, const struct unit *b,
			  const struct func *g)
{
	SAME(f->lines.n == g->lines.n && f->cores.n == g->cores.n, "records of %s", f->name);
	for (size_t i = 0; i < f->lines.n; i++) {
		const struct line *l = &f->lines.v[i], *m = &g->lines.v[i];

		SAME(l->insn == m->insn && l->line_col == m->line_col &&
			     strings_equal(a, l->file, b, m->file) &&
			     strings_equal(a, l->text, b, m->text),
		     "%s, line %zu", f->name, i);
	}
	for (size_t i = 0; i < f->cores.n; i++) {
		const struct core_relo *c = &f->cores.v[i], *d = &g->cores.v[i];

		SAME(c->insn == d->insn && c->kind == d->kind &&
			     strings_equal(a, c->access, b, d->access) &&
			     types_equal(a, c->type_id, b, d->type_id, TYPE_DEPTH),
		     "%s, CO-RE record %zu", f->name, i);
	}
	return true;
}

static bool funcs_equal(const struct unit *a, const struct unit *b)
{
	SAME(a->funcs.n == b->funcs.n, "%zu functions, %zu", a->funcs.n, b->funcs.n);
	for (size_t i = 0; i < a->funcs.n; i++) {
		const struct func *f = &a->funcs.v[i], *g = &b->funcs.v[i];

		SAME(text_eq(f->name, g->name) && text_eq(f->section, g->section), "name of %s",
		     f->name);
		SAME(f->global == g->global && f->weak == g->weak && f->hidden == g->hidden,
		     "binding of %s", f->name);
		SAME(types_equal(a, f->type_id, b, g->type_id, TYPE_DEPTH), "type of %s", f->name);
		if (!code_equal(f, g) || !records_equal(a, f, b, g))
			return false;
	}
	return true;
}

static bool maps_equal(const struct unit *a, const struct unit *b)
{
	SAME(a->maps.n == b->maps.n, "%zu maps, %zu", a->maps.n, b->maps.n);
	for (size_t i = 0; i < a->maps.n; i++) {
		const struct map *m = &a->maps.v[i], *n = &b->maps.v[i];

		SAME(text_eq(m->name, n->name) && m->size == n->size, "map %s", m->name);
		SAME(types_equal(a, m->type_id, b, n->type_id, TYPE_DEPTH), "type of map %s",
		     m->name);
		SAME(m->values.n == n->values.n, "values of map %s", m->name);
		for (size_t k = 0; k < m->values.n; k++)
			SAME(!memcmp(&m->values.v[k], &n->values.v[k], sizeof(struct map_value)),
			     "value %zu of map %s", k, m->name);
	}
	return true;
}

static bool sections_equal(const struct unit *a, const struct unit *b)
{
	SAME(a->sections.n == b->sections.n, "%zu sections, %zu", a->sections.n, b->sections.n);
	for (size_t i = 0; i < a->sections.n; i++) {
		const struct section *s = &a->sections.v[i], *t = &b->sections.v[i];

		SAME(text_eq(s->name, t->name) && s->kind == t->kind && s->align == t->align,
		     "section %s", s->name);
		SAME(s->bytes.n == t->bytes.n && !memcmp(s->bytes.v, t->bytes.v, s->bytes.n),
		     "bytes of section %s", s->name);
		SAME(s->vars.n == t->vars.n, "variables of section %s", s->name);
		for (size_t k = 0; k < s->vars.n; k++) {
			const struct var *v = &s->vars.v[k], *w = &t->vars.v[k];

			SAME(v->offset == w->offset && v->size == w->size &&
				     types_equal(a, v->type_id, b, w->type_id, TYPE_DEPTH),
			     "variable %s", unit_type_name(a, v->type_id));
		}
	}
	return true;
}

static bool externs_equal(const struct unit *a, const struct unit *b)
{
	SAME(a->externs.n == b->externs.n, "%zu externs, %zu", a->externs.n, b->externs.n);
	for (size_t i = 0; i < a->externs.n; i++) {
		const struct extern_sym *e = &a->externs.v[i], *f = &b->externs.v[i];

		SAME(text_eq(e->name, f->name) && text_eq(e->section, f->section) &&
			     e->weak == f->weak &&
			     types_equal(a, e->type_id, b, f->type_id, TYPE_DEPTH),
		     "extern %s", e->name);
	}
	return true;
}

bool units_equal(const struct unit *a, const struct unit *b)
{
	SAME(text_eq(a->license ?: "", b->license ?: "") && a->kern_version == b->kern_version,
	     "licence or version");
	return funcs_equal(a, b) && maps_equal(a, b) && sections_equal(a, b) && externs_equal(a, b);
}
