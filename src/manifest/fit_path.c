/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Members by their paths: "limit", "limits.rate", "table[3].hits". */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/check.h"
#include "manifest/fit_walk.h"

struct path {
	const char *whole, *rest;
	const char *prefix;
	const struct btf *btf;
	struct spot_in at;
	size_t size; /* of the value, in bits */
	struct braid_error *err;
};

static const char *name_of_member(const void *element)
{
	return ((const struct member *)element)->name;
}

static int no_member(const struct path *p, const struct members *members, const char *name,
		     const char *type)
{
	error_set(p->err, -EINVAL, p->whole, "%s has no member '%.64s'", type, name);
	return error_unknown(p->err, name, "its members are", members->all.v, members->all.n,
			     sizeof(*members->all.v), name_of_member);
}

static int broken(const struct path *p)
{
	error_set(p->err, -EINVAL, p->whole, "its type in the BTF is broken");
	return -EINVAL;
}

/* "rate" and what is in front of the next dot or bracket. */
static int step_member(struct path *p, const struct btf_type *t)
{
	size_t n = strcspn(p->rest, ".[");
	_cleanup_free_ char *name = strndup(p->rest, n);
	_cleanup_(members_done) struct members members = {};
	int r = name ? members_of(p->btf, t, p->prefix, &members) : -ENOMEM;

	if (r == -ENOMEM)
		return error_oom(p->err);
	if (r)
		return broken(p);
	/* variables within functions have dots in their names */
	array_foreach (m, &members.all)
		if (btf_is_datasec(t) && strlen(m->name) > n && text_eq(m->name, p->rest))
			n = strlen(m->name);
	array_foreach (m, &members.all) {
		if (strlen(m->name) != n || strncmp(m->name, p->rest, n) != 0)
			continue;
		p->at = (struct spot_in){m->type, p->at.bit + m->start, m->end - m->start,
					 m->bitfield};
		p->rest += n;
		return 0;
	}
	return no_member(p, &members, name, type_name(p->btf, t));
}

static int step_element(struct path *p, const struct btf_type *t)
{
	const struct btf_array *a = btf_array(t);
	__s64 size = btf__resolve_size(p->btf, a->type);
	unsigned long i;
	char *end;

	errno = 0;
	i = strtoul(p->rest + 1, &end, 10);
	if (errno || end == p->rest + 1 || *end != ']' || p->rest[1] == '-' || p->rest[1] == '+') {
		error_set(p->err, -EINVAL, p->whole, "'%.32s' is no element", p->rest);
		error_hint(p->err, "write [0] to [%u]", a->nelems ? a->nelems - 1 : 0);
		return -EINVAL;
	}
	if (i >= a->nelems) {
		error_set(p->err, -EINVAL, p->whole, "there is no element %lu", i);
		return error_code(error_why(p->err, "the array has %u", a->nelems));
	}
	if (size < 0)
		return broken(p);
	p->at = (struct spot_in){a->type, p->at.bit + i * size * 8, size * 8};
	p->rest = end + 1;
	return 0;
}

static int step(struct path *p)
{
	const struct btf_type *t = type_bare(p->btf, p->at.type);
	bool first = p->rest == p->whole;

	if (!t)
		return broken(p);
	if (*p->rest == '[' && btf_is_array(t))
		return step_element(p, t);
	if ((first || *p->rest == '.') && (btf_is_composite(t) || btf_is_datasec(t))) {
		p->rest += !first;
		return step_member(p, t);
	}
	error_set(p->err, -EINVAL, p->whole, "%s has no %s", type_name(p->btf, t),
		  *p->rest == '[' ? "elements" : "members");
	return -EINVAL;
}

int fit_find(const struct btf *btf, __u32 type_id, const char *prefix, const char *path,
	     size_t size, struct spot_in *ret, struct braid_error *err)
{
	struct path p = {.whole = path,
			 .rest = path,
			 .prefix = prefix,
			 .btf = btf,
			 .at = {.type = type_id, .bits = size * 8},
			 .size = size * 8,
			 .err = err};
	int r = 0;

	do
		r = step(&p);
	while (!r && *p.rest);
	if (!r && p.at.bit + p.at.bits > p.size)
		r = broken(&p);
	if (!r)
		*ret = p.at;
	return r;
}
