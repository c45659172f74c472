/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/fit_walk.h"

#include "base/error.h"
#include "base/text.h"

static void add_step(struct buf *b, const struct step *step)
{
	if (step->up)
		add_step(b, step->up);
	if (step->name)
		buf_fmt(b, "%s%s", step->up ? "." : "", step->name);
	else
		buf_fmt(b, "[%zu]", step->index);
}

struct braid_error *fit_error(struct fit *f, struct place at, const struct step *step,
			      const char *fmt, ...)
{
	struct buf path = {}, what = {};
	va_list ap;

	add_step(&path, step);
	va_start(ap, fmt);
	buf_vfmt(&what, fmt, ap);
	va_end(ap);
	place_error(f->err, at, "%s: %s", path.v ?: "", what.v ?: "");
	buf_done(&path);
	buf_done(&what);
	return f->err;
}

int fit_error_kind(struct fit *f, const struct node *n, const struct step *step,
		   const struct shape *shape, const char *expected)
{
	char found[128];

	fit_error(f, n->at, step, "expected %s, found %s", expected,
		  node_describe(n, found, sizeof(found)));
	return error_code(error_why(f->err, "the type is %s", shape->name));
}

static bool is_network_order(const char *typedef_name)
{
	return text_eq(typedef_name, "__be16") || text_eq(typedef_name, "__be32") ||
	       text_eq(typedef_name, "__be64");
}

const char *type_name(const struct btf *btf, const struct btf_type *t)
{
	const char *name = btf__name_by_offset(btf, t->name_off);

	if (name && name[0])
		return name;
	return btf_is_array(t)    ? "an array"
	       : btf_is_union(t)  ? "an unnamed union"
	       : btf_is_struct(t) ? "an unnamed struct"
	       : btf_is_ptr(t)    ? "a pointer"
				  : "an unnamed type";
}

static bool is_modifier(const struct btf_type *t)
{
	return btf_is_mod(t) || btf_is_typedef(t) || btf_is_var(t);
}

const struct btf_type *type_bare(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	for (int i = 0; t && is_modifier(t) && i < TYPE_DEPTH_MAX; i++)
		t = btf__type_by_id(btf, t->type);
	return t && is_modifier(t) ? NULL : t;
}

/* The names among the modifiers; @id is known to lead to a type. */
static void read_typedefs(const struct btf *btf, __u32 id, struct shape *s)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	for (; is_modifier(t); t = btf__type_by_id(btf, t->type)) {
		const char *name = btf__name_by_offset(btf, t->name_off) ?: "";

		if (!btf_is_typedef(t))
			continue;
		s->name = s->name ?: name;
		s->network_order = s->network_order || is_network_order(name);
	}
}

int shape_of(struct fit *f, const struct node *n, const struct step *step, __u32 id,
	     struct shape *ret)
{
	const struct btf_type *t = type_bare(f->btf, id);
	struct shape s = {.t = t};
	__s64 size = t ? btf__resolve_size(f->btf, id) : -1;

	if (size < 0)
		return error_code(fit_error(f, n->at, step, "no value can be given to its type"));
	read_typedefs(f->btf, id, &s);
	s.name = s.name ?: type_name(f->btf, t);
	s.size = size;
	*ret = s;
	return 0;
}
