/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Shared maps: the first stage with a member brings the map, the others use that one. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/image.h"
#include "object/link.h"

const struct shared_map *shared_find(const struct image *image, const struct plan_stage *ps,
				     const char *map)
{
	array_foreach (shared, &image->plan->pipeline->shared)
		array_foreach (ref, &shared->members)
			if (text_eq(ref->stage, ps->stage->name) && text_eq(ref->map, map))
				return shared;
	return NULL;
}

static int differs(const struct plan_stage *ps, const char *map, const char *shared,
		   const char *what, __u32 have, __u32 want, struct braid_error *err)
{
	_cleanup_free_ char *where = stage_where(ps->stage);

	error_set(err, -EINVAL, where, "map '%s' cannot be shared as '%s'", map, shared);
	error_why(err, "its %s is %u, in the stage that comes first it is %u", what, have, want);
	error_hint(err, "give both maps the same definition, or do not share them");
	return -EINVAL;
}

/* An alias must be the same map in all that its users can see. */
static int check_alias(struct image *image, const struct plan_stage *ps, __u32 map,
		       const char *shared, __u32 target, struct braid_error *err)
{
	const char *name = ps->unit->maps.v[map].name;
	struct map_def a, b;
	int r = map_def_read(ps->unit, map, &a, err) ?: map_def_read(image->unit, target, &b, err);

	if (r)
		return r;
	if (a.type != b.type)
		return differs(ps, name, shared, "type", a.type, b.type, err);
	if (a.key_size != b.key_size)
		return differs(ps, name, shared, "key size", a.key_size, b.key_size, err);
	if (a.value_size != b.value_size)
		return differs(ps, name, shared, "value size", a.value_size, b.value_size, err);
	if (a.flags != b.flags)
		return differs(ps, name, shared, "flags word", a.flags, b.flags, err);
	return 0;
}

static int no_member(const struct plan_stage *ps, const struct map_ref *ref, const char *shared,
		     struct braid_error *err)
{
	_cleanup_free_ char *where = stage_where(ps->stage);
	const char *names[64], *near;
	size_t n = 0;

	array_foreach (m, &ps->unit->maps)
		if (n < 64)
			names[n++] = m->name;
	near = text_nearest(ref->map, names, n);
	error_set(err, -ENOENT, where, "there is no map '%s' in its object to share as '%s'",
		  ref->map, shared);
	if (near)
		error_hint(err, "did you mean '%s'?", near);
	return -ENOENT;
}

static int map_already_there(const struct image *image, const char *shared)
{
	array_foreach (m, &image->maps)
		if (!m->stage && text_eq(m->name, shared))
			return unit_find_map(image->unit, m->symbol);
	return -1;
}

int shared_aliases(struct image *image, const struct plan_stage *ps, struct link_alias *aliases,
		   size_t *ret_n, struct braid_error *err)
{
	size_t n = 0;

	array_foreach (shared, &image->plan->pipeline->shared)
		array_foreach (ref, &shared->members) {
			int map = unit_find_map(ps->unit, ref->map);
			int there = map_already_there(image, shared->name);
			int r;

			if (!text_eq(ref->stage, ps->stage->name))
				continue;
			if (map < 0)
				return no_member(ps, ref, shared->name, err);
			if (there < 0)
				continue;
			r = check_alias(image, ps, map, shared->name, there, err);
			if (r)
				return r;
			aliases[n++] = (struct link_alias){ps->unit->maps.v[map].name, there};
		}
	*ret_n = n;
	return 0;
}
