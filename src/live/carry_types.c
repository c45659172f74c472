/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The types of a map: as the new image has them, and as the kernel knows them of the old one. */
#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "live/carry.h"
#include "manifest/fit.h"

void types_of_done(struct types_of *t)
{
	layout_done(&t->key);
	layout_done(&t->value);
	*t = (struct types_of){};
}

/* ".data.guard" -> "guard__": what the names of a stage's variables begin with. */
static char *prefix_of(const char *symbol)
{
	return text_has_prefix(symbol, ".data.") ? text_fmt("%s__", symbol + strlen(".data."))
						 : strdup("");
}

/* A type that is too strange to be laid out is as good as none: its size counts. */
static int known(int r, bool *ret_known, struct braid_error *err)
{
	*ret_known = !r;
	if (r != -EINVAL)
		return r;
	braid_error_clear(err);
	return 0;
}

static int read_globals(const struct image *image, const char *symbol, struct types_of *ret,
			struct braid_error *err)
{
	_cleanup_free_ char *prefix = prefix_of(symbol);
	int section = unit_find_section(image->unit, symbol), r;

	if (!prefix)
		return error_oom(err);
	if (section < 0)
		return 0;
	r = layout_read_section(image->unit, section, prefix, &ret->value, err);
	return known(r, &ret->has_value, err);
}

static int read_type(const struct btf *btf, __u32 id, const char *prefix, struct layout *ret,
		     bool *ret_has, struct braid_error *err)
{
	*ret_has = false;
	return id ? known(layout_read(btf, id, prefix, ret, err), ret_has, err) : 0;
}

int types_of_new(const struct image *image, const struct image_map *m, struct types_of *ret,
		 struct braid_error *err)
{
	const struct btf *btf = image->unit->btf;
	struct types_of t = {};
	int r;

	if (m->globals)
		r = read_globals(image, m->symbol, &t, err);
	else
		r = read_type(btf, m->def.key_type, NULL, &t.key, &t.has_key, err)
			    ?: read_type(btf, m->def.value_type, NULL, &t.value, &t.has_value, err);
	if (r)
		types_of_done(&t);
	else
		*ret = t;
	return r;
}

int types_of_old(const struct elements *map, const char *symbol, bool globals, struct types_of *ret,
		 struct braid_error *err)
{
	_cleanup_free_ char *prefix = globals ? prefix_of(symbol) : strdup("");
	struct types_of t = {};
	struct btf *btf = NULL;
	int r = prefix ? elements_btf(map, &btf, err) : error_oom(err);

	if (!r && btf && !globals)
		r = read_type(btf, map->info.btf_key_type_id, NULL, &t.key, &t.has_key, err);
	if (!r && btf)
		r = read_type(btf, map->info.btf_value_type_id, prefix, &t.value, &t.has_value,
			      err);
	btf__free(btf);
	if (r)
		types_of_done(&t);
	else
		*ret = t;
	return r;
}

const struct map_setup *setup_of(const struct image *image, const struct image_map *m)
{
	array_foreach (ps, &image->plan->stages) {
		bool own = m->stage && m->stage_index == ps - image->plan->stages.v;

		array_foreach (setup, &ps->stage->maps) {
			const char *shared = shared_name(image, ps, setup->name);

			if (shared ? !m->stage && text_eq(m->name, shared)
				   : own && text_eq(m->name, setup->name))
				return setup;
		}
	}
	return NULL;
}

static int no_member(const struct layout *l, const struct constant *d, const char *map,
		     struct braid_error *err)
{
	const char *names[64], *near;
	size_t n = 0;

	array_foreach (leaf, &l->leaves)
		if (n < 64)
			names[n++] = leaf->name;
	near = text_nearest(d->name, names, n);
	place_error(err, d->at, "there is no member '%s' in the values of map '%s'", d->name, map);
	error_why(err, "defaults are for single members, not for structs and unions");
	if (near)
		error_hint(err, "did you mean '%s'?", near);
	return error_code(err);
}

/* The same value in all elements of the arrays that the member is in. */
static void put_default(const struct leaf *leaf, __u32 dim, __u32 bit, const void *bytes,
			__u64 number, void *value)
{
	if (dim < leaf->n_dims) {
		for (__u32 i = 0; i < leaf->dims[dim].n; i++)
			put_default(leaf, dim + 1, bit + i * leaf->dims[dim].stride, bytes, number,
				    value);
	} else if (leaf->bitfield) {
		bits_write(value, bit, leaf->bits, number);
	} else {
		memcpy((char *)value + bit / 8, bytes, leaf->bits / 8);
	}
}

static int set_default(const struct btf *btf, const struct layout *l, const struct constant *d,
		       const char *map, void *value, struct braid_error *err)
{
	const struct leaf *leaf = layout_find(l, d->name);
	__s64 size = leaf ? btf__resolve_size(btf, leaf->type_id) : -1;
	_cleanup_free_ void *bytes = size < 0 ? NULL : calloc(1, size + sizeof(__u64));
	bool is_signed = leaf && (leaf->kind == LEAF_SIGNED || leaf->kind == LEAF_SENUM);
	__u64 number;
	int r;

	if (!leaf || leaf->kind == LEAF_UNION || leaf->kind >= LEAF_LOCK)
		return no_member(l, d, map, err);
	if (!bytes)
		return error_oom(err);
	r = fit_value(d->value, d->name, btf, leaf->type_id, bytes, size, err);
	if (r)
		return r;
	number = bits_read(bytes, 0, size * 8, is_signed);
	if (leaf->bitfield) {
		__u64 room[2] = {};

		bits_write(room, 0, leaf->bits, number);
		if (bits_read(room, 0, leaf->bits, is_signed) != (__s64)number) {
			place_error(err, d->at, "the default of '%s' does not fit in its %u bits",
				    d->name, leaf->bits);
			return error_code(err);
		}
	}
	put_default(leaf, 0, leaf->bit, bytes, number, value);
	return 0;
}

int fill_new(const struct image *image, const struct image_map *m, const struct map_setup *setup,
	     const struct types_of *types, void **ret, struct braid_error *err)
{
	int section = m->globals ? unit_find_section(image->unit, m->symbol) : -1;
	_cleanup_free_ void *fill = calloc(1, types->value.size ?: 1);
	int r = 0;

	*ret = NULL;
	if (!fill)
		return error_oom(err);
	if (!types->has_value && setup && setup->defaults.n) {
		place_error(err, setup->defaults.v[0].at, "the values of map '%s' have no members",
			    m->name);
		return error_code(error_why(err, "the object says only how large they are"));
	}
	if (section >= 0 && types->has_value)
		memcpy(fill, image->unit->sections.v[section].bytes.v, types->value.size);
	for (size_t i = 0; setup && i < setup->defaults.n && !r; i++)
		r = set_default(image->unit->btf, &types->value, &setup->defaults.v[i], m->name,
				fill, err);
	if (!r && types->has_value)
		*ret = TAKE_PTR(fill);
	return r;
}
