/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/types.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>

int types_init(struct types *t, const struct btf *src, struct btf *dst)
{
	*t = (struct types){.src = src, .dst = dst, .n = btf__type_cnt(src)};
	t->ids = calloc(t->n, sizeof(*t->ids));
	t->wanted = calloc(t->n, sizeof(*t->wanted));
	return t->ids && t->wanted ? 0 : -ENOMEM;
}

void types_done(struct types *t)
{
	free(t->ids);
	free(t->wanted);
	array_done(&t->todo);
	*t = (struct types){};
}

static int each_member(struct btf_type *type, int (*visit)(__u32 *id, void *ctx), void *ctx)
{
	struct btf_member *m = btf_members(type);
	int r = 0;

	for (int i = 0; i < btf_vlen(type) && !r; i++)
		r = visit(&m[i].type, ctx);
	return r;
}

static int each_param(struct btf_type *type, int (*visit)(__u32 *id, void *ctx), void *ctx)
{
	struct btf_param *p = btf_params(type);
	int r = visit(&type->type, ctx);

	for (int i = 0; i < btf_vlen(type) && !r; i++)
		r = visit(&p[i].type, ctx);
	return r;
}

static int each_secinfo(struct btf_type *type, int (*visit)(__u32 *id, void *ctx), void *ctx)
{
	struct btf_var_secinfo *s = btf_var_secinfos(type);
	int r = 0;

	for (int i = 0; i < btf_vlen(type) && !r; i++)
		r = visit(&s[i].type, ctx);
	return r;
}

int type_each_ref(struct btf_type *type, int (*visit)(__u32 *id, void *ctx), void *ctx)
{
	switch (btf_kind(type)) {
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
	case BTF_KIND_TYPE_TAG:
		return visit(&type->type, ctx);
	case BTF_KIND_ARRAY:
		return visit(&btf_array(type)->type, ctx)
			       ?: visit(&btf_array(type)->index_type, ctx);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return each_member(type, visit, ctx);
	case BTF_KIND_FUNC_PROTO:
		return each_param(type, visit, ctx);
	case BTF_KIND_DATASEC:
		return each_secinfo(type, visit, ctx);
	default: /* INT, FLOAT, ENUM, ENUM64, FWD refer to nothing */
		return 0;
	}
}

static int want_one(__u32 *id, void *ctx)
{
	struct types *t = ctx;

	if (*id >= t->n)
		return -EINVAL;
	if (t->wanted[*id] || !*id)
		return 0;
	t->wanted[*id] = 1;
	return array_add(&t->todo, *id) ? 0 : -ENOMEM;
}

int types_want(struct types *t, __u32 id)
{
	int r = want_one(&id, t);

	while (!r && t->todo.n) {
		__u32 next = t->todo.v[--t->todo.n];

		/* visited for reading only: want_one() does not write through its pointer */
		r = type_each_ref((struct btf_type *)btf__type_by_id(t->src, next), want_one, t);
	}
	return r;
}

/* Tags point at what they are on; nothing points at tags. */
static int want_tags(struct types *t)
{
	for (__u32 id = 1; id < t->n; id++) {
		const struct btf_type *type = btf__type_by_id(t->src, id);

		if (btf_is_decl_tag(type) && type->type < t->n && t->wanted[type->type]) {
			int r = types_want(t, id);

			if (r)
				return r;
		}
	}
	return 0;
}

static int translate(__u32 *id, void *ctx)
{
	*id = types_id(ctx, *id);
	return 0;
}

int types_commit(struct types *t)
{
	__u32 first = btf__type_cnt(t->dst);
	int r = want_tags(t);

	for (__u32 id = 1; id < t->n && !r; id++) {
		int added;

		if (!t->wanted[id] || t->ids[id])
			continue;
		added = btf__add_type(t->dst, t->src, btf__type_by_id(t->src, id));
		if (added < 0)
			return added;
		t->ids[id] = added;
	}
	for (__u32 id = first; id < btf__type_cnt(t->dst) && !r; id++)
		r = type_each_ref(type_edit(t->dst, id), translate, t);
	return r;
}

struct btf_type *type_edit(struct btf *btf, __u32 id)
{
	return (struct btf_type *)btf__type_by_id(btf, id);
}

int type_rename(struct btf *btf, __u32 id, const char *name)
{
	int off = btf__add_str(btf, name);

	if (off < 0)
		return off;
	type_edit(btf, id)->name_off = off;
	return 0;
}
