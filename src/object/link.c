/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/link.h"

#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "object/types.h"

#define NOT_IMPORTED 0
#define WANTED       1 /* indexes below are stored + WANTED + 1 */

struct target {
	__u32 state; /* NOT_IMPORTED, WANTED, or index in out + 2 */
	__u32 base;  /* of a section: where its bytes start there */
};

struct import {
	struct unit *out;
	const struct unit *in;
	const struct link_opts *opts;
	struct braid_error *err;
	struct types types;
	struct target *funcs, *maps, *sections, *externs;
	ARRAY(__u32) todo; /* functions whose references have not been followed yet */
};

static __u32 index_of(const struct target *t)
{
	return t->state - 2;
}

static bool has_index(const struct target *t)
{
	return t->state >= 2;
}

static void set_index(struct target *t, __u32 index)
{
	t->state = index + 2;
}

char *link_name(const char *ns, const char *name)
{
	return ns ? text_fmt("%s__%s", ns, name) : strdup(name);
}

static bool aliased(const struct import *im, const char *map, __u32 *ret)
{
	for (size_t i = 0; i < im->opts->n_aliases; i++)
		if (text_eq(im->opts->aliases[i].map, map)) {
			*ret = im->opts->aliases[i].target;
			return true;
		}
	return false;
}

static int want_func(struct import *im, __u32 f)
{
	if (im->funcs[f].state)
		return 0;
	im->funcs[f].state = WANTED;
	return array_add(&im->todo, f) ? 0 : error_oom(im->err);
}

/* Maps reach functions and maps through their static values. */
static int want_map(struct import *im, __u32 m)
{
	const struct map *map = &im->in->maps.v[m];
	__u32 instead;
	int r = 0;

	if (im->maps[m].state)
		return 0;
	im->maps[m].state = WANTED;
	if (aliased(im, map->name, &instead)) {
		set_index(&im->maps[m], instead);
		return 0;
	}
	for (size_t i = 0; i < map->values.n && !r; i++)
		r = map->values.v[i].kind == REF_MAP ? want_map(im, map->values.v[i].target)
						     : want_func(im, map->values.v[i].target);
	return r ?: types_want(&im->types, map->type_id) ? error_oom(im->err) : 0;
}

static int want_section(struct import *im, __u32 s)
{
	const struct section *sec = &im->in->sections.v[s];

	if (im->sections[s].state)
		return 0;
	im->sections[s].state = WANTED;
	for (size_t i = 0; i < im->opts->n_places; i++)
		if (text_eq(im->opts->places[i].section, sec->name)) {
			set_index(&im->sections[s], im->opts->places[i].target);
			im->sections[s].base = im->opts->places[i].base;
			return 0;
		}
	array_foreach (v, &sec->vars)
		if (types_want(&im->types, v->type_id))
			return error_oom(im->err);
	return 0;
}

static int want_extern(struct import *im, __u32 e)
{
	const struct extern_sym *sym = &im->in->externs.v[e];
	int there = -1;

	if (im->externs[e].state)
		return 0;
	im->externs[e].state = WANTED;
	array_foreach (o, &im->out->externs)
		if (text_eq(o->name, sym->name))
			there = o - im->out->externs.v;
	if (there < 0)
		return types_want(&im->types, sym->type_id) ? error_oom(im->err) : 0;
	set_index(&im->externs[e], there);
	return 0;
}

static int want_ref(struct import *im, const struct ref *ref)
{
	switch (ref->kind) {
	case REF_CALL:
	case REF_FUNC:
		return want_func(im, ref->target);
	case REF_MAP:
		return want_map(im, ref->target);
	case REF_DATA:
		return want_section(im, ref->target);
	default:
		return want_extern(im, ref->target);
	}
}

/* Marks all that the roots reach, types included. */
static int want_all(struct import *im, const __u32 *roots, size_t n_roots)
{
	int r = 0;

	for (size_t i = 0; i < n_roots && !r; i++)
		r = want_func(im, roots[i]);
	while (im->todo.n && !r) {
		const struct func *f = &im->in->funcs.v[im->todo.v[--im->todo.n]];

		if (f->type_id && types_want(&im->types, f->type_id))
			return error_oom(im->err);
		array_foreach (c, &f->cores)
			if (types_want(&im->types, c->type_id))
				return error_oom(im->err);
		for (size_t i = 0; i < f->refs.n && !r; i++)
			r = want_ref(im, &f->refs.v[i]);
	}
	return r;
}

static int collision(struct import *im, const char *name)
{
	error_set(im->err, -EEXIST, im->in->name, "the name '%s' is taken already", name);
	if (im->opts->ns)
		error_hint(im->err, "a stage's name and a symbol are joined by '__', and another "
				    "stage's come to the same: rename the stage");
	else
		error_hint(im->err, "give each object a name space of its own");
	return -EEXIST;
}

/* The type's new id, renamed into the name space. 0: no memory. */
static __u32 move_named_type(struct import *im, __u32 type_id, const char *name)
{
	__u32 id = types_id(&im->types, type_id);

	return id && !type_rename(im->out->btf, id, name) ? id : 0;
}

static int add_func_shell(struct import *im, __u32 i)
{
	const struct func *in = &im->in->funcs.v[i];
	_cleanup_free_ char *name = link_name(im->opts->ns, in->name);
	struct func *f;

	if (!name)
		return error_oom(im->err);
	if (unit_find_func(im->out, name) >= 0)
		return collision(im, name);
	f = array_push(&im->out->funcs);
	if (!f)
		return error_oom(im->err);
	set_index(&im->funcs[i], f - im->out->funcs.v);
	f->global = in->global;
	f->weak = in->weak;
	f->hidden = in->hidden;
	f->section = strdup(in->section);
	if (in->type_id)
		f->type_id = move_named_type(im, in->type_id, name);
	f->name = TAKE_PTR(name);
	return f->section && (f->type_id || !in->type_id) ? 0 : error_oom(im->err);
}

static int add_map_shell(struct import *im, __u32 i)
{
	const struct map *in = &im->in->maps.v[i];
	_cleanup_free_ char *name = link_name(im->opts->ns, in->name);
	struct map *m;

	if (!name)
		return error_oom(im->err);
	if (unit_find_map(im->out, name) >= 0)
		return collision(im, name);
	m = array_push(&im->out->maps);
	if (!m)
		return error_oom(im->err);
	set_index(&im->maps[i], m - im->out->maps.v);
	m->size = in->size;
	m->type_id = move_named_type(im, in->type_id, name);
	m->name = TAKE_PTR(name);
	return m->type_id ? 0 : error_oom(im->err);
}

/* The section of @out that takes @in's bytes, made if need be. */
static struct section *section_for(struct import *im, const struct section *in)
{
	const char *ns = im->opts->ns;
	_cleanup_free_ char *name = NULL;
	struct section *s;
	int there;

	if (!ns)
		name = strdup(in->name);
	else if (in->kind == SECTION_RODATA)
		name = strdup(".rodata");
	else
		name = text_fmt(".data.%s", ns);
	if (!name)
		return NULL;
	there = unit_find_section(im->out, name);
	if (there >= 0)
		return &im->out->sections.v[there];
	s = array_push(&im->out->sections);
	if (!s)
		return NULL;
	s->kind = ns && in->kind == SECTION_BSS ? SECTION_DATA : in->kind;
	s->align = in->align;
	s->name = TAKE_PTR(name);
	return s;
}

static int append_bytes(struct section *s, const struct section *in, __u32 *ret_base)
{
	struct buf b = {.v = s->bytes.v, .n = s->bytes.n, .cap = s->bytes.n};
	int r = buf_align(&b, in->align) ?: 0;

	*ret_base = b.n;
	r = r ?: buf_add(&b, in->bytes.v, in->bytes.n);
	s->bytes.v = b.v;
	s->bytes.n = b.n;
	if (in->align > s->align)
		s->align = in->align;
	return r;
}

static int import_section(struct import *im, __u32 i)
{
	const struct section *in = &im->in->sections.v[i];
	struct section *s = section_for(im, in);
	__u32 base;

	if (!s || append_bytes(s, in, &base))
		return error_oom(im->err);
	im->sections[i].base = base;
	set_index(&im->sections[i], s - im->out->sections.v);
	array_foreach (v, &in->vars) {
		_cleanup_free_ char *name = link_name(im->opts->ns,
						      unit_type_name(im->in, v->type_id));
		__u32 id = name ? move_named_type(im, v->type_id, name) : 0;

		if (!id || !array_add(&s->vars, ((struct var){id, base + v->offset, v->size})))
			return error_oom(im->err);
	}
	return 0;
}

static int import_extern(struct import *im, __u32 i)
{
	const struct extern_sym *in = &im->in->externs.v[i];
	struct extern_sym *e = array_push(&im->out->externs);

	if (!e)
		return error_oom(im->err);
	e->name = strdup(in->name);
	e->section = strdup(in->section);
	e->weak = in->weak;
	e->type_id = types_id(&im->types, in->type_id);
	set_index(&im->externs[i], e - im->out->externs.v);
	return e->name && e->section ? 0 : error_oom(im->err);
}

/* An extern that another object brought: both must mean the same. */
static int merge_extern(struct import *im, __u32 i)
{
	const struct extern_sym *in = &im->in->externs.v[i];
	struct extern_sym *e = &im->out->externs.v[index_of(&im->externs[i])];
	const struct btf_type *a = btf__type_by_id(im->in->btf, in->type_id);
	const struct btf_type *b = btf__type_by_id(im->out->btf, e->type_id);

	if (!text_eq(in->section, e->section) || btf_kind(a) != btf_kind(b) ||
	    (btf_is_var(a) &&
	     btf__resolve_size(im->in->btf, a->type) != btf__resolve_size(im->out->btf, b->type))) {
		error_set(im->err, -EINVAL, im->in->name,
			  "extern '%s' is declared with another type than in another stage",
			  in->name);
		error_hint(im->err, "declare it with the same type in both");
		return -EINVAL;
	}
	e->weak &= in->weak;
	return 0;
}

/* A string of @in's BTF in that of @out. */
static int move_string(struct import *im, __u32 off, __u32 *ret)
{
	int moved = btf__add_str(im->out->btf, btf__str_by_offset(im->in->btf, off) ?: "");

	if (moved < 0)
		return error_oom(im->err);
	*ret = moved;
	return 0;
}

static struct ref move_ref(const struct import *im, const struct ref *in)
{
	struct ref ref = *in;

	switch (in->kind) {
	case REF_CALL:
	case REF_FUNC:
		ref.target = index_of(&im->funcs[in->target]);
		break;
	case REF_MAP:
		ref.target = index_of(&im->maps[in->target]);
		break;
	case REF_DATA:
		ref.target = index_of(&im->sections[in->target]);
		ref.addend += im->sections[in->target].base;
		break;
	default:
		ref.target = index_of(&im->externs[in->target]);
	}
	return ref;
}

static int fill_func(struct import *im, __u32 i)
{
	const struct func *in = &im->in->funcs.v[i];
	struct func *f = &im->out->funcs.v[index_of(&im->funcs[i])];
	int r = 0;

	if (!array_reserve(&f->insns, in->insns.n))
		return error_oom(im->err);
	memcpy(f->insns.v, in->insns.v, in->insns.n * sizeof(*in->insns.v));
	f->insns.n = in->insns.n;
	array_foreach (ref, &in->refs)
		if (!array_add(&f->refs, move_ref(im, ref)))
			return error_oom(im->err);
	for (size_t k = 0; k < in->lines.n && !r; k++) {
		struct line l = in->lines.v[k];

		r = move_string(im, l.file, &l.file) ?: move_string(im, l.text, &l.text);
		if (!r && !array_add(&f->lines, l))
			r = error_oom(im->err);
	}
	for (size_t k = 0; k < in->cores.n && !r; k++) {
		struct core_relo c = in->cores.v[k];

		c.type_id = types_id(&im->types, c.type_id);
		r = move_string(im, c.access, &c.access);
		if (!r && !array_add(&f->cores, c))
			r = error_oom(im->err);
	}
	return r;
}

static int fill_map(struct import *im, __u32 i)
{
	const struct map *in = &im->in->maps.v[i];
	struct map *m = &im->out->maps.v[index_of(&im->maps[i])];

	array_foreach (v, &in->values) {
		struct map_value value = *v;
		const struct target *t = v->kind == REF_MAP ? im->maps : im->funcs;

		value.target = index_of(&t[v->target]);
		if (!array_add(&m->values, value))
			return error_oom(im->err);
	}
	return 0;
}

static int import_all(struct import *im)
{
	int r = 0;

	if (types_commit(&im->types))
		return error_oom(im->err);
	for (size_t i = 0; i < im->in->externs.n && !r; i++)
		if (im->externs[i].state == WANTED)
			r = import_extern(im, i);
		else if (has_index(&im->externs[i]))
			r = merge_extern(im, i);
	for (size_t i = 0; i < im->in->sections.n && !r; i++)
		if (im->sections[i].state == WANTED)
			r = import_section(im, i);
	for (size_t i = 0; i < im->in->maps.n && !r; i++)
		if (im->maps[i].state == WANTED)
			r = add_map_shell(im, i);
		else
			im->maps[i].base = 1; /* another's: its values are not ours to fill */
	for (size_t i = 0; i < im->in->funcs.n && !r; i++)
		if (im->funcs[i].state == WANTED)
			r = add_func_shell(im, i);
	for (size_t i = 0; i < im->in->maps.n && !r; i++)
		if (has_index(&im->maps[i]) && !im->maps[i].base)
			r = fill_map(im, i);
	for (size_t i = 0; i < im->in->funcs.n && !r; i++)
		if (has_index(&im->funcs[i]))
			r = fill_func(im, i);
	return r;
}

int link_import(struct unit *out, const struct unit *in, const __u32 *roots, size_t n_roots,
		const struct link_opts *opts, __u32 *ret_funcs, struct braid_error *err)
{
	struct import im = {.out = out, .in = in, .opts = opts, .err = err};
	int r = types_init(&im.types, in->btf, out->btf);

	im.funcs = calloc(in->funcs.n + 1, sizeof(*im.funcs));
	im.maps = calloc(in->maps.n + 1, sizeof(*im.maps));
	im.sections = calloc(in->sections.n + 1, sizeof(*im.sections));
	im.externs = calloc(in->externs.n + 1, sizeof(*im.externs));
	if (r || !im.funcs || !im.maps || !im.sections || !im.externs)
		r = error_oom(err);
	r = r ?: want_all(&im, roots, n_roots) ?: import_all(&im);
	for (size_t i = 0; i < n_roots && !r; i++)
		ret_funcs[i] = index_of(&im.funcs[roots[i]]);
	types_done(&im.types);
	array_done(&im.todo);
	free(im.funcs);
	free(im.maps);
	free(im.sections);
	free(im.externs);
	return r;
}

/* Every element of @from behind those of @to. */
#define append(to, from)                                                                           \
	({                                                                                         \
		bool fits_ = array_reserve(to, (from)->n);                                         \
		if (fits_ && (from)->n)                                                            \
			memcpy((to)->v + (to)->n, (from)->v, (from)->n * sizeof(*(from)->v));      \
		(to)->n += fits_ ? (from)->n : 0;                                                  \
		fits_;                                                                             \
	})

int link_clone(struct unit *u, __u32 func, const char *name, __u32 *ret_func,
	       struct braid_error *err)
{
	struct func *copy = array_push(&u->funcs);
	const struct func *f = &u->funcs.v[func];
	const struct btf_type *t = btf__type_by_id(u->btf, f->type_id);
	int type = f->type_id ? btf__add_func(u->btf, name, BTF_FUNC_STATIC, t->type) : 0;

	if (!copy)
		return error_oom(err);
	copy->name = strdup(name);
	copy->section = strdup(f->section);
	copy->type_id = type < 0 ? 0 : type;
	if (type < 0 || !copy->name || !copy->section || !append(&copy->insns, &f->insns) ||
	    !append(&copy->refs, &f->refs) || !append(&copy->lines, &f->lines) ||
	    !append(&copy->cores, &f->cores))
		return error_oom(err);
	*ret_func = copy - u->funcs.v;
	return 0;
}
