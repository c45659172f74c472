/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a manifest says about the inside of a stage, put into the linked object. */
#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/image.h"
#include "manifest/fit.h"
#include "object/link.h"

static char *at(struct place place, const char *stage)
{
	char text[512];

	place_text(place, text, sizeof(text));
	return text_fmt("%s%sstage %s", text, *text ? ": " : "", stage);
}

static int no_constant(const struct plan_stage *ps, const struct constant *c,
		       struct braid_error *err)
{
	_cleanup_free_ char *where = at(c->at, ps->stage->name);
	struct buf all = {};
	const char *names[64], *near;
	size_t n = 0;

	array_foreach (s, &ps->unit->sections)
		array_foreach (v, &s->vars)
			if (s->kind == SECTION_RODATA && n < 64)
				names[n++] = unit_type_name(ps->unit, v->type_id);
	for (size_t i = 0; i < n; i++)
		buf_fmt(&all, "%s%s", i ? ", " : "", names[i]);
	near = text_nearest(c->name, names, n);
	error_set(err, -ENOENT, where, "there is no constant '%s' that its program uses", c->name);
	error_why(err, "constants of %s: %s", ps->stage->object ?: "the object",
		  n && all.v ? all.v : "none");
	buf_done(&all);
	if (near && !text_eq(near, c->name))
		error_hint(err, "did you mean '%s'?", near);
	else
		error_hint(err,
			   "constants are declared as: const volatile <type> <name> = <default>;");
	return -ENOENT;
}

static int set_constant(struct image *image, const struct plan_stage *ps, const struct constant *c,
			struct braid_error *err)
{
	_cleanup_free_ char *symbol = link_name(ps->ns, c->name);
	const struct var *v;
	struct section *s;
	__u32 section;
	int r;

	if (!symbol)
		return error_oom(err);
	v = unit_find_var(image->unit, symbol, &section);
	if (!v || image->unit->sections.v[section].kind != SECTION_RODATA)
		return no_constant(ps, c, err);
	s = &image->unit->sections.v[section];
	r = fit_value(c->value, c->name, image->unit->btf,
		      btf__type_by_id(image->unit->btf, v->type_id)->type, s->bytes.v + v->offset,
		      v->size, err);
	if (r == -EINVAL && !c->at.line) /* built in C: no place in a file says which stage */
		error_within(err, "stage %s", ps->stage->name);
	return r;
}

int image_set_constants(struct image *image, struct braid_error *err)
{
	array_foreach (ps, &image->plan->stages)
		array_foreach (c, &ps->stage->constants) {
			int r = set_constant(image, ps, c, err);

			if (r)
				return r;
		}
	return 0;
}

static int no_map(const struct image *image, const struct plan_stage *ps,
		  const struct map_setup *setup, struct braid_error *err)
{
	_cleanup_free_ char *where = at(setup->at, ps->stage->name);
	struct buf all = {};
	const char *names[64], *near;
	size_t n = 0;

	array_foreach (m, &image->maps)
		if (m->stage && !m->globals && text_eq(m->stage, ps->stage->name) && n < 64)
			names[n++] = m->name;
	for (size_t i = 0; i < n; i++)
		buf_fmt(&all, "%s%s", i ? ", " : "", names[i]);
	near = text_nearest(setup->name, names, n);
	error_set(err, -ENOENT, where, "there is no map '%s' that its program uses", setup->name);
	error_why(err, "its maps: %s", n && all.v ? all.v : "none");
	buf_done(&all);
	if (near)
		error_hint(err, "did you mean '%s'?", near);
	return -ENOENT;
}

static int resize(struct image *image, struct image_map *m, const struct map_setup *setup,
		  struct braid_error *err)
{
	int map = unit_find_map(image->unit, m->symbol);
	int r;

	if (!setup->max_entries)
		return 0;
	r = map_def_set_max_entries(image->unit, map, setup->max_entries, err);
	return r ?: map_def_read(image->unit, map, &m->def, err);
}

/* The key of an entry without one is its position: arrays. */
static int fit_key(struct image *image, const struct image_map *m, const struct map_entry *e,
		   __u32 position, void *out, struct braid_error *err)
{
	if (e->key)
		return fit_value(e->key, "key", image->unit->btf, m->def.key_type, out,
				 m->def.key_size, err);
	if (m->def.key_size != sizeof(position)) {
		_cleanup_free_ char *where = at(e->at, m->stage ?: "");

		error_set(err, -EINVAL, where, "an entry of map '%s' has no key", m->name);
		error_why(err, "only the entries of arrays may leave it out");
		return -EINVAL;
	}
	memcpy(out, &position, sizeof(position));
	return 0;
}

static int add_entry(struct image *image, struct image_map *m, const struct map_entry *e,
		     struct braid_error *err)
{
	__u32 position = m->entries.n;
	struct image_entry *entry = array_push(&m->entries);
	int r;

	if (!entry)
		return error_oom(err);
	entry->key = calloc(1, m->def.key_size ?: 1);
	entry->value = calloc(1, m->def.value_size ?: 1);
	if (!entry->key || !entry->value)
		return error_oom(err);
	r = fit_key(image, m, e, position, entry->key, err);
	r = r
		    ?: fit_value(e->value, "value", image->unit->btf, m->def.value_type,
				 entry->value, m->def.value_size, err);
	if (r == -EINVAL && !e->at.line)
		error_within(err, "map %s", m->name);
	return r;
}

static int set_map(struct image *image, const struct plan_stage *ps, const struct map_setup *setup,
		   struct braid_error *err)
{
	struct image_map *m = image_find_map(image, ps - image->plan->stages.v, setup->name);
	int r;

	if (!m)
		return no_map(image, ps, setup, err);
	if (ps->is_candidate && (!m->stage || m->stage_index != ps - image->plan->stages.v))
		return 0; /* its stage's, too, which has said the same */
	if (m->globals)
		return 0; /* only what becomes of them when they change: carry_judge.c */
	r = resize(image, m, setup, err);
	if (!r && m->def.max_entries && setup->entries.n > m->def.max_entries) {
		_cleanup_free_ char *where = at(setup->at, ps->stage->name);

		error_set(err, -E2BIG, where, "map '%s' has room for %u entries, not for %zu",
			  setup->name, m->def.max_entries, setup->entries.n);
		error_hint(err, "raise max-entries");
		return -E2BIG;
	}
	for (size_t i = 0; i < setup->entries.n && !r; i++)
		r = add_entry(image, m, &setup->entries.v[i], err);
	return r;
}

int image_set_maps(struct image *image, struct braid_error *err)
{
	array_foreach (ps, &image->plan->stages)
		array_foreach (setup, &ps->stage->maps) {
			int r = set_map(image, ps, setup, err);

			if (r)
				return r;
		}
	return 0;
}
