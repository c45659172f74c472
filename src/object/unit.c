/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/unit.h"

#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"

static void func_done(struct func *f)
{
	free(f->name);
	free(f->section);
	array_done(&f->insns);
	array_done(&f->refs);
	array_done(&f->lines);
	array_done(&f->cores);
}

int unit_new(const char *name, struct unit **ret, struct braid_error *err)
{
	_cleanup_(unit_freep) struct unit *u = calloc(1, sizeof(*u));

	if (!u)
		return error_oom(err);
	u->name = strdup(name);
	u->btf = btf__new_empty();
	if (!u->name || !u->btf)
		return error_oom(err);
	*ret = TAKE_PTR(u);
	return 0;
}

void unit_free(struct unit *u)
{
	if (!u)
		return;
	array_foreach (f, &u->funcs)
		func_done(f);
	array_foreach (m, &u->maps) {
		free(m->name);
		array_done(&m->values);
	}
	array_foreach (s, &u->sections) {
		free(s->name);
		free(s->bytes.v);
		array_done(&s->vars);
	}
	array_foreach (e, &u->externs) {
		free(e->name);
		free(e->section);
	}
	array_done(&u->funcs);
	array_done(&u->maps);
	array_done(&u->sections);
	array_done(&u->externs);
	btf__free(u->btf);
	free(u->license);
	free(u->name);
	free(u);
}

int unit_find_func(const struct unit *u, const char *name)
{
	array_foreach (f, &u->funcs)
		if (!f->dead && text_eq(f->name, name))
			return f - u->funcs.v;
	return -1;
}

int unit_find_map(const struct unit *u, const char *name)
{
	array_foreach (m, &u->maps)
		if (text_eq(m->name, name))
			return m - u->maps.v;
	return -1;
}

int unit_find_section(const struct unit *u, const char *name)
{
	array_foreach (s, &u->sections)
		if (text_eq(s->name, name))
			return s - u->sections.v;
	return -1;
}

const struct var *unit_find_var(const struct unit *u, const char *name, __u32 *ret_section)
{
	array_foreach (s, &u->sections)
		array_foreach (v, &s->vars)
			if (text_eq(unit_type_name(u, v->type_id), name)) {
				*ret_section = s - u->sections.v;
				return v;
			}
	return NULL;
}

const char *unit_type_name(const struct unit *u, __u32 type_id)
{
	const struct btf_type *t = btf__type_by_id(u->btf, type_id);
	const char *name = t ? btf__name_by_offset(u->btf, t->name_off) : NULL;

	return name ? name : "";
}

int func_set_body(struct func *f, const struct bpf_insn *insns, size_t n)
{
	f->insns.n = 0;
	if (!array_reserve(&f->insns, n))
		return -ENOMEM;
	memcpy(f->insns.v, insns, n * sizeof(*insns));
	f->insns.n = n;
	f->refs.n = f->cores.n = 0;
	if (f->lines.n > 1) /* where there is line information, each function has some */
		f->lines.n = 1;
	return 0;
}
