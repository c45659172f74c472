/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What structs, unions, sections of variables and enums are made of. */
#include <errno.h>
#include <stdint.h>

#include "base/text.h"
#include "manifest/fit_walk.h"

/* A struct within a struct within … of broken BTF may unfold to any number. */
#define MEMBERS_MAX 65536

void members_done(struct members *m)
{
	array_done(&m->all);
}

static int add_members(const struct btf *btf, const struct btf_type *t, unsigned int base,
		       unsigned int depth, struct members *to)
{
	for (unsigned int i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const struct btf_type *inner = type_bare(btf, m->type);
		const char *name = btf__name_by_offset(btf, m->name_off) ?: "";
		unsigned int start = base + btf_member_bit_offset(t, i);
		unsigned int bits = btf_member_bitfield_size(t, i);
		__s64 size = inner ? btf__resolve_size(btf, m->type) : -1;
		int r = 0;

		if (size < 0 || depth > TYPE_DEPTH_MAX || to->seen++ == MEMBERS_MAX ||
		    (!bits && start % 8))
			return -EINVAL;
		if (!name[0] && btf_is_composite(inner))
			r = add_members(btf, inner, start, depth + 1, to);
		else if (name[0] && !array_add(&to->all, ((struct member){
								 .name = name,
								 .type = m->type,
								 .start = start,
								 .end = start + (bits ?: size * 8),
								 .bitfield = bits,
							 })))
			r = -ENOMEM;
		if (r)
			return r;
	}
	return 0;
}

static int add_variables(const struct btf *btf, const struct btf_type *section, const char *prefix,
			 struct members *to)
{
	for (unsigned int i = 0; i < btf_vlen(section); i++) {
		const struct btf_var_secinfo *v = &btf_var_secinfos(section)[i];
		const struct btf_type *t = btf__type_by_id(btf, v->type);
		const char *name = t ? btf__name_by_offset(btf, t->name_off) : NULL;
		struct member m = {
			.name = name,
			.type = v->type,
			.start = v->offset * 8,
			.end = (v->offset + v->size) * 8,
		};

		if (!name || !name[0] || v->offset > UINT32_MAX / 8 - v->size)
			return -EINVAL;
		if (prefix && text_has_prefix(name, prefix))
			m.name += strlen(prefix);
		if (!array_add(&to->all, m))
			return -ENOMEM;
	}
	return 0;
}

int members_of(const struct btf *btf, const struct btf_type *t, const char *prefix,
	       struct members *ret)
{
	return btf_is_datasec(t) ? add_variables(btf, t, prefix, ret)
				 : add_members(btf, t, 0, 0, ret);
}

bool type_is_char(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = type_bare(btf, id);

	return t && btf_is_int(t) && t->size == 1 &&
	       (btf_int_encoding(t) & BTF_INT_CHAR || text_eq(type_name(btf, t), "char"));
}

bool shape_is_prefix(const struct btf *btf, const struct shape *shape)
{
	const struct btf_type *t = shape->t, *len;

	if (!btf_is_struct(t) || btf_vlen(t) < 2 || (shape->size != 8 && shape->size != 20))
		return false;
	len = type_bare(btf, btf_members(t)[0].type);
	return len && btf_is_int(len) && len->size == 4 &&
	       text_eq(btf__name_by_offset(btf, btf_members(t)[0].name_off), "prefixlen");
}

struct enumerator enumerator_at(const struct btf *btf, const struct btf_type *t, unsigned int i,
				bool is_signed)
{
	struct enumerator e;
	__u64 v;

	if (btf_is_enum64(t)) {
		e.name = btf__name_by_offset(btf, btf_enum64(t)[i].name_off);
		v = btf_enum64_value(&btf_enum64(t)[i]);
	} else {
		e.name = btf__name_by_offset(btf, btf_enum(t)[i].name_off);
		v = is_signed ? (__s64)btf_enum(t)[i].val : (__u32)btf_enum(t)[i].val;
	}
	e.value.negative = is_signed && (__s64)v < 0;
	e.value.magnitude = e.value.negative ? -v : v;
	e.name = e.name ?: "";
	return e;
}

bool enum_is_signed(const struct btf_type *t)
{
	bool is_signed = btf_kflag(t);

	for (unsigned int i = 0; btf_is_enum(t) && i < btf_vlen(t); i++)
		is_signed = is_signed || btf_enum(t)[i].val < 0;
	return is_signed;
}
