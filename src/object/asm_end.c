/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What names mean, and types for what was given none: when the whole file is read. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "object/asm_file.h"
#include "object/mapdef.h"
#include "object/splicer.h"

static int find_extern(const struct unit *u, const char *name)
{
	array_foreach (e, &u->externs)
		if (text_eq(e->name, name))
			return e - u->externs.v;
	return -1;
}

static int unknown(struct asm_pending *p, const char *name, const char *what)
{
	return scan_wrong(&p->at, "there is no %s '%s'", what, name);
}

static int resolve_call(struct asm_file *a, struct asm_pending *p, const char *name,
			struct ref *ref, bool *ret_is_ref)
{
	struct bpf_insn *insn = &a->u->funcs.v[p->func].insns.v[p->insn];
	int func = unit_find_func(a->u, name), symbol = find_extern(a->u, name);

	ref->target = func >= 0 ? func : symbol;
	ref->kind = func >= 0 ? REF_CALL : REF_KFUNC;
	if (func >= 0 && func_is_program(&a->u->funcs.v[func]))
		return scan_wrong(&p->at, "%s is a program, which cannot be called", name);
	if (func < 0 && symbol < 0) {
		*ret_is_ref = false;
		return insn->imm ? 0 : unknown(p, name, "function or helper");
	}
	insn->src_reg = BPF_PSEUDO_CALL;
	insn->imm = -1;
	return 0;
}

/* "call pc+7": functions follow each other as they do in the file. */
static int resolve_distance(struct asm_file *a, struct asm_pending *p, struct ref *ref)
{
	struct bpf_insn *insn = &a->u->funcs.v[p->func].insns.v[p->insn];
	__s64 first = 0, to = p->insn + 1 + p->addend;

	for (__u32 i = 0; i < p->func; i++)
		to += a->u->funcs.v[i].insns.n;
	array_foreach (f, &a->u->funcs) {
		if (first == to && !func_is_program(f)) {
			ref->kind = REF_CALL;
			ref->target = f - a->u->funcs.v;
			insn->src_reg = BPF_PSEUDO_CALL;
			insn->imm = -1;
			return 0;
		}
		first += f->insns.n;
	}
	return scan_wrong(&p->at, "no function begins there");
}

static int resolve_map(struct asm_file *a, struct asm_pending *p, const char *name, struct ref *ref)
{
	int map = unit_find_map(a->u, name), section = unit_find_section(a->u, name);

	if (map < 0 && section < 0)
		return unknown(p, name, "map or section of data");
	if (map >= 0 && p->addend)
		return scan_wrong(&p->at, "a map has no offset: only sections of data have");
	if (map < 0 && p->addend > (__s64)a->u->sections.v[section].bytes.n)
		return scan_wrong(&p->at, "section %s has %zu bytes", name,
				  a->u->sections.v[section].bytes.n);
	ref->kind = map >= 0 ? REF_MAP : REF_DATA;
	ref->target = map >= 0 ? map : section;
	ref->addend = p->addend;
	return 0;
}

static int resolve_address(struct asm_file *a, struct asm_pending *p, const char *name,
			   struct ref *ref)
{
	int func = unit_find_func(a->u, name), symbol = find_extern(a->u, name);
	const struct var *var = unit_find_var(a->u, name, &ref->target);

	if (var) {
		ref->kind = REF_DATA;
		ref->addend = var->offset + p->addend;
		return p->addend <= (__s64)var->size
			       ? 0
			       : scan_wrong(&p->at, "%s has %u bytes", name, var->size);
	}
	if (func < 0 && symbol < 0)
		return unit_find_map(a->u, name) >= 0 && !p->addend
			       ? resolve_map(a, p, name, ref)
			       : unknown(p, name, "variable, function or map");
	if (p->addend)
		return scan_wrong(&p->at, "only variables have an offset");
	if (func >= 0 && func_is_program(&a->u->funcs.v[func]))
		return scan_wrong(&p->at, "%s is a program, which is no callback", name);
	ref->kind = func >= 0 ? REF_FUNC : REF_EXTERN;
	ref->target = func >= 0 ? func : symbol;
	return 0;
}

static int resolve(struct asm_file *a, struct asm_pending *p)
{
	_cleanup_free_ char *name = word_text(p->name);
	struct ref ref = {.insn = p->insn};
	bool is_ref = true;
	int r;

	if (!name)
		return error_oom(a->s.err);
	switch (p->kind) {
	case ASM_CALL:
		r = resolve_call(a, p, name, &ref, &is_ref);
		break;
	case ASM_CALL_PC:
		r = resolve_distance(a, p, &ref);
		break;
	case ASM_MAP:
		r = resolve_map(a, p, name, &ref);
		break;
	default:
		r = resolve_address(a, p, name, &ref);
	}
	if (r || !is_ref)
		return r;
	return array_add(&a->u->funcs.v[p->func].refs, ref) ? 0 : error_oom(a->s.err);
}

static int resolve_value(struct asm_file *a, struct asm_value *v)
{
	_cleanup_free_ char *name = word_text(v->name);
	struct map *m = &a->u->maps.v[v->map];
	int func = name ? unit_find_func(a->u, name) : -1;
	int map = name ? unit_find_map(a->u, name) : -1;
	__u32 offset = map_def_values_at(a->u, v->map) + v->slot * 8;
	struct map_value value = {
		.offset = offset,
		.kind = func >= 0 ? REF_FUNC : REF_MAP,
		.target = func >= 0 ? func : map,
	};

	if (func < 0 && map < 0)
		return scan_wrong(&v->at, "there is no program or map '%s'", name ?: "");
	if (offset + 8 > m->size)
		return scan_wrong(&v->at, "map %s has no slot %u", m->name, v->slot);
	return array_add(&m->values, value) ? 0 : error_oom(a->s.err);
}

/* The section of the first program says what contexts are. */
static const char *hook_section(const struct unit *u)
{
	array_foreach (f, &u->funcs)
		if (func_is_program(f))
			return f->section;
	return "xdp";
}

/* The pointer to the context of a program of that section, from its own type. */
static int context_type(struct btf *btf, const char *section)
{
	int proto = add_context_proto(btf, section);

	return proto < 0 ? proto : (int)btf_params(btf__type_by_id(btf, proto))[0].type;
}

static int add_proto(struct asm_file *a, const struct asm_arguments *args)
{
	struct btf *btf = a->u->btf;
	int number = btf__add_int(btf, "unsigned long long", 8, 0);
	int context = context_type(btf, hook_section(a->u));
	int integer = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int proto = number < 0 || context < 0 || integer < 0 ? -ENOMEM
							     : btf__add_func_proto(btf, integer);
	char name[16];

	for (int i = 0; i < args->n && proto >= 0; i++) {
		snprintf(name, sizeof(name), "a%d", i + 1);
		if (btf__add_func_param(btf, name, args->v[i] == ASM_CONTEXT ? context : number))
			return -ENOMEM;
	}
	return proto;
}

static int add_type(struct asm_file *a, __u32 func)
{
	struct func *f = &a->u->funcs.v[func];
	int proto, type;

	if (f->type_id)
		return 0;
	proto = func_is_program(f) ? add_context_proto(a->u->btf, f->section)
				   : add_proto(a, &a->arguments.v[func]);
	type = proto < 0 ? proto
			 : btf__add_func(a->u->btf, f->name,
					 f->global ? BTF_FUNC_GLOBAL : BTF_FUNC_STATIC, proto);
	if (type < 0)
		return error_oom(a->s.err);
	f->type_id = type;
	return 0;
}

int asm_finish(struct asm_file *a)
{
	int r = a->u->funcs.n || a->u->maps.n || a->u->sections.n
			? 0
			: scan_wrong(&a->s, "there is nothing in it");

	array_foreach (s, &a->u->sections)
		if (!r && !s->bytes.n)
			r = scan_wrong(&a->s, "section %s is empty", s->name);
	array_foreach (p, &a->pending)
		r = r ?: resolve(a, p);
	array_foreach (v, &a->values)
		r = r ?: resolve_value(a, v);
	for (__u32 i = 0; i < a->u->funcs.n && !r; i++)
		r = add_type(a, i);
	return r;
}
