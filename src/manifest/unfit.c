/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The walk: arrays, structs, unions, variables. */
#include "manifest/unfit.h"

#include <errno.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "manifest/unfit_walk.h"
#include "object/layout.h"

static json_t *walk(struct unfit *u, __u32 id, const unsigned char *bytes, size_t size);

bool unfit_look(const struct btf *btf, __u32 id, size_t size, struct shape *ret)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	struct fit f = {.btf = btf, .err = &ignored};
	struct node none = {};
	struct step root = {.name = ""};

	return !shape_of(&f, &none, &root, id, ret) && ret->size == size;
}

json_t *unfit_hex(const void *bytes, size_t size)
{
	_cleanup_(buf_done) struct buf b = {};

	buf_str(&b, "hex:");
	for (size_t i = 0; i < size; i++)
		buf_fmt(&b, "%02x", ((const unsigned char *)bytes)[i]);
	return b.failed ? NULL : json_string(b.v);
}

/* Have all places the same there? */
static bool unfit_same(const struct unfit *u, const unsigned char *bytes, size_t size)
{
	for (__u32 i = 1; i < u->sum.n; i++)
		if (memcmp(bytes, bytes + i * u->sum.stride, size) != 0)
			return false;
	return true;
}

/* @j if all places have the same there, else null; @j is taken. */
static json_t *unfit_agreed(const struct unfit *u, const unsigned char *bytes, size_t size,
			    json_t *j)
{
	if (unfit_same(u, bytes, size))
		return j;
	json_decref(j);
	return json_null();
}

static json_t *hex(const struct unfit *u, const unsigned char *bytes, size_t size)
{
	return unfit_agreed(u, bytes, size, unfit_hex(bytes, size));
}

/* Texts that a manifest can hold, with nothing behind them. */
static json_t *characters(const struct unfit *u, const unsigned char *bytes, size_t size)
{
	size_t n = strnlen((const char *)bytes, size);

	for (size_t i = n; i < size; i++)
		if (bytes[i])
			return hex(u, bytes, size);
	if (n == size || text_has_prefix((const char *)bytes, "hex:") ||
	    text_fault((const char *)bytes, n) != n)
		return hex(u, bytes, size);
	return unfit_agreed(u, bytes, size, json_stringn((const char *)bytes, n));
}

static json_t *elements(struct unfit *u, const struct shape *shape, const unsigned char *bytes)
{
	const struct btf_array *a = btf_array(shape->t);
	size_t size = a->nelems ? shape->size / a->nelems : 0;
	json_t *list = json_array();

	for (__u32 i = 0; list && size && i < a->nelems; i++) {
		json_t *one = walk(u, a->type, bytes + i * size, size);

		if (!one || json_array_append_new(list, one)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static unsigned char mask_of(unsigned int bit)
{
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 0x80 >> bit % 8 : 1 << bit % 8;
}

static bool is_free(const unsigned char *covered, const struct member *m)
{
	for (unsigned int b = m->start; b < m->end; b += m->bitfield ? 1 : 8)
		if (covered[b / 8] & (m->bitfield ? mask_of(b) : 0xff))
			return false;
	return true;
}

static void cover(unsigned char *covered, const struct member *m)
{
	for (unsigned int b = m->start; b < m->end; b += m->bitfield ? 1 : 8)
		covered[b / 8] |= m->bitfield ? mask_of(b) : 0xff;
}

/*
 * Members that share no byte: of those that do, the largest; of equal ones the first. Sets
 * .given, and writes into @covered, of @size bytes, where they are.
 */
static bool choose(struct members *members, unsigned char *covered, size_t size)
{
	struct member *largest;

	array_foreach (m, &members->all)
		if (m->end > size * 8)
			return false;
	do {
		largest = NULL;
		array_foreach (m, &members->all)
			if (!m->given && m->end > m->start && is_free(covered, m) &&
			    (!largest || m->end - m->start > largest->end - largest->start))
				largest = m;
		if (largest) {
			largest->given = true;
			cover(covered, largest);
		}
	} while (largest);
	return true;
}

/* Most structs have no unions: then nothing needs to be chosen. */
static bool take_all(struct members *members, unsigned char *covered, size_t size)
{
	array_foreach (m, &members->all) {
		if (m->end > size * 8 || !is_free(covered, m))
			return false;
		cover(covered, m);
		m->given = m->end > m->start;
	}
	return true;
}

/* Is all that is not 0 in a member that is said? */
static bool is_all(const unsigned char *covered, const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] & ~covered[i])
			return false;
	return true;
}

static json_t *say_member(struct unfit *u, const struct member *m, const unsigned char *bytes,
			  size_t size)
{
	struct source from = {
		.at = bytes, .size = size, .bit = m->start, .bits = m->end - m->start};
	struct shape shape;

	if (!m->bitfield)
		return walk(u, m->type, bytes + m->start / 8, from.bits / 8);
	if (unfit_look(u->btf, m->type, btf__resolve_size(u->btf, m->type), &shape) &&
	    (btf_is_int(shape.t) || btf_is_any_enum(shape.t)))
		return unfit_scalar(u, &shape, &from);
	u->odd = true;
	return json_null();
}

static json_t *say_members(struct unfit *u, const struct members *members,
			   const unsigned char *bytes, size_t size)
{
	json_t *j = json_object();

	array_foreach (m, &members->all) {
		if (!m->given || !j)
			continue;
		if (json_object_set_new(j, m->name, say_member(u, m, bytes, size))) {
			json_decref(j);
			j = NULL;
		}
	}
	return j;
}

static json_t *structure(struct unfit *u, const struct shape *shape, const unsigned char *bytes)
{
	_cleanup_free_ unsigned char *covered = calloc(1, shape->size ?: 1);
	_cleanup_(members_done) struct members members = {};
	bool odd_outside = u->odd, said;
	json_t *j;
	int r = members_of(u->btf, shape->t, u->prefix, &members);

	if (!covered || r == -ENOMEM)
		return NULL;
	said = !r && take_all(&members, covered, shape->size);
	if (!r && !said) {
		memset(covered, 0, shape->size);
		array_foreach (m, &members.all)
			m->given = false;
		said = choose(&members, covered, shape->size);
	}
	if (!said || (u->sum.n == 1 && !is_all(covered, bytes, shape->size)))
		return hex(u, bytes, shape->size);
	u->odd = false;
	j = say_members(u, &members, bytes, shape->size);
	if (u->odd && j) {
		json_decref(j);
		j = hex(u, bytes, shape->size);
	}
	u->odd = odd_outside;
	return j;
}

static bool is_kernels(const struct btf *btf, const struct btf_type *t)
{
	return btf_is_struct(t) && layout_is_special(btf__name_by_offset(btf, t->name_off));
}

static json_t *walk_shape(struct unfit *u, const struct shape *shape, const unsigned char *bytes)
{
	struct source from = {.at = bytes, .size = shape->size};
	bool is_address;
	json_t *j;

	if (btf_is_array(shape->t) && type_is_char(u->btf, btf_array(shape->t)->type))
		return characters(u, bytes, shape->size);
	if (btf_is_int(shape->t) || btf_is_array(shape->t) || btf_is_struct(shape->t)) {
		j = unfit_address(u, shape, bytes, &is_address);
		if (is_address)
			return j ? unfit_agreed(u, bytes, shape->size, j) : NULL;
	}
	if (btf_is_int(shape->t) || btf_is_any_enum(shape->t))
		return unfit_scalar(u, shape, &from);
	if (btf_is_array(shape->t))
		return elements(u, shape, bytes);
	if ((btf_is_composite(shape->t) && !is_kernels(u->btf, shape->t)) ||
	    btf_is_datasec(shape->t))
		return structure(u, shape, bytes);
	return hex(u, bytes, shape->size);
}

static json_t *walk(struct unfit *u, __u32 id, const unsigned char *bytes, size_t size)
{
	struct shape shape;
	json_t *j;

	if (u->depth == TYPE_DEPTH_MAX || !unfit_look(u->btf, id, size, &shape))
		return hex(u, bytes, size);
	u->depth++;
	j = walk_shape(u, &shape, bytes);
	u->depth--;
	return j;
}

json_t *unfit_globals(const struct btf *btf, __u32 type_id, const char *prefix, const void *bytes,
		      size_t size)
{
	struct unfit u = {.btf = btf, .prefix = prefix, .base = bytes, .sum = {.n = 1}};

	return walk(&u, type_id, bytes, size);
}

json_t *unfit_value(const struct btf *btf, __u32 type_id, const void *bytes, size_t size)
{
	return unfit_globals(btf, type_id, NULL, bytes, size);
}

json_t *unfit_sum(const struct btf *btf, __u32 type_id, const struct unfit_sum *sum,
		  const void *bytes, size_t size)
{
	struct unfit u = {.btf = btf, .base = bytes, .sum = *sum};

	return walk(&u, type_id, bytes, size);
}

bool unfit_number(const struct btf *btf, __u32 type_id, const void *bytes, size_t size, __s64 *ret)
{
	struct source from = {.at = bytes, .size = size};
	struct unfit u = {.btf = btf, .sum = {.n = 1}};
	struct shape shape;
	struct number v;

	if (!unfit_look(btf, type_id, size, &shape) || !size || size > 8 ||
	    (!btf_is_int(shape.t) && !btf_is_any_enum(shape.t)))
		return false;
	v = unfit_load(&shape, &from, 0, &u);
	if (v.negative)
		*ret = -v.magnitude; /* as unsigned: also that of INT64_MIN */
	else
		*ret = v.magnitude <= INT64_MAX ? (__s64)v.magnitude : INT64_MAX;
	return true;
}

char *type_text(const struct btf *btf, __u32 type_id)
{
	const struct btf_type *t = btf__type_by_id(btf, type_id);
	_cleanup_free_ char *inner = NULL;

	for (int i = 0; t && btf_is_mod(t) && i < TYPE_DEPTH_MAX; i++)
		t = btf__type_by_id(btf, type_id = t->type);
	if (!t)
		return strdup("?");
	if (btf_is_array(t)) {
		inner = type_text(btf, btf_array(t)->type);
		return inner ? text_fmt("%s[%u]", inner, btf_array(t)->nelems) : NULL;
	}
	return text_fmt("%s%s",
			btf_is_any_enum(t) && t->name_off ? "enum "
			: btf_is_struct(t) && t->name_off ? "struct "
							  : "",
			type_name(btf, t));
}
