/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Shared maps: the first stage with a member brings the map, the others use that one. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/image.h"
#include "object/layout.h"
#include "object/link.h"

/* Maps of braid.bpf.h and flow.h that all stages of a pipeline share by their names. */
static bool is_common(const char *map)
{
	return text_eq(map, "braid_scratch") || text_eq(map, "braid_flows");
}

/* Does the manifest mean this stage? A candidate is a member where its stage is one. */
static bool is_member(const struct map_ref *ref, const struct plan_stage *ps)
{
	size_t n = strcspn(ps->stage->name, "@");

	return !ps->internal && strlen(ref->stage) == n &&
	       strncmp(ref->stage, ps->stage->name, n) == 0;
}

const char *shared_name(const struct image *image, const struct plan_stage *ps, const char *map)
{
	array_foreach (shared, &image->plan->pipeline->shared)
		array_foreach (ref, &shared->members)
			if (is_member(ref, ps) && text_eq(ref->map, map))
				return shared->name;
	if (!is_common(map) || ps->internal)
		return NULL;
	return text_eq(map, "braid_flows") ? "braid_flows" : "braid_scratch";
}

bool shared_across(const struct image *image, const char *name)
{
	array_foreach (shared, &image->plan->pipeline->shared)
		if (text_eq(shared->name, name))
			return shared->across;
	return false;
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

static int layouts_differ(const struct plan_stage *ps, const char *map, const char *shared,
			  const char *what, const struct layout *first, const struct layout *own,
			  struct braid_error *err)
{
	_cleanup_free_ char *where = stage_where(ps->stage), *diff = layout_diff(first, own);

	error_set(err, -EINVAL, where, "map '%s' cannot be shared as '%s': its %s differs", map,
		  shared, what);
	error_why(err, "- in the stage that comes first, + here:\n%s", diff ?: "");
	error_hint(err, "give both maps the same definition, or do not share them");
	return -EINVAL;
}

/* Names of members, where they are, and what they are. Types that only one side has say nothing. */
static int compare_layouts(const struct image *image, const struct plan_stage *ps, const char *map,
			   const char *shared, const char *what, __u32 own_type, __u32 first_type,
			   struct braid_error *err)
{
	_cleanup_(layout_done) struct layout own = {}, first = {};
	int r;

	if (!own_type || !first_type)
		return 0;
	r = layout_read(ps->unit->btf, own_type, NULL, &own, err)
		    ?: layout_read(image->unit->btf, first_type, NULL, &first, err);
	if (r == -EINVAL) { /* too strange to be laid out: the sizes count */
		braid_error_clear(err);
		return 0;
	}
	if (r || layout_equal(&first, &own))
		return r;
	return layouts_differ(ps, map, shared, what, &first, &own, err);
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
	r = compare_layouts(image, ps, name, shared, "key", a.key_type, b.key_type, err)
		    ?: compare_layouts(image, ps, name, shared, "value", a.value_type, b.value_type,
				       err);
	if (r)
		return r;
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

/* The map that stands in the place of this one; -1: none does. */
static int find_instead(const struct image *image, const struct plan_stage *ps, const char *map)
{
	const char *shared = shared_name(image, ps, map);

	if (shared)
		return map_already_there(image, shared);
	if (!ps->is_candidate || !ps[-1].stage->candidate->share_maps)
		return -1;
	array_foreach (m, &image->maps) /* of the stage that it is a candidate for */
		if (m->stage == ps[-1].stage->name && !m->globals && text_eq(m->name, map))
			return unit_find_map(image->unit, m->symbol);
	return -1;
}

/* That the manifest names maps which are there. A candidate may have lost its own. */
static int check_members(const struct image *image, const struct plan_stage *ps,
			 struct braid_error *err)
{
	array_foreach (shared, &image->plan->pipeline->shared)
		array_foreach (ref, &shared->members)
			if (is_member(ref, ps) && !ps->is_candidate &&
			    unit_find_map(ps->unit, ref->map) < 0)
				return no_member(ps, ref, shared->name, err);
	return 0;
}

int shared_aliases(struct image *image, const struct plan_stage *ps, struct link_alias *aliases,
		   size_t *ret_n, struct braid_error *err)
{
	int r = check_members(image, ps, err);
	size_t n = 0;

	for (size_t i = 0; i < ps->unit->maps.n && !r; i++) {
		const char *map = ps->unit->maps.v[i].name;
		int instead = find_instead(image, ps, map);

		if (instead < 0)
			continue;
		r = check_alias(image, ps, i, shared_name(image, ps, map) ?: map, instead, err);
		aliases[n++] = (struct link_alias){map, instead};
	}
	*ret_n = n;
	return r;
}
