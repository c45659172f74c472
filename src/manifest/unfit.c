/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/unfit.h"

#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "manifest/fit_walk.h"

/* What shape_of() says, without a manifest to complain about. */
static bool look(const struct btf *btf, __u32 id, size_t size, struct shape *ret)
{
	_cleanup_(braid_error_clear) struct braid_error ignored = BRAID_ERROR_INIT;
	struct fit f = {.btf = btf, .err = &ignored};
	struct node none = {};
	struct step root = {.name = ""};

	return !shape_of(&f, &none, &root, id, ret) && ret->size == size;
}

static json_t *hex(const unsigned char *bytes, size_t size)
{
	_cleanup_(buf_done) struct buf b = {};

	buf_str(&b, "hex:");
	for (size_t i = 0; i < size; i++)
		buf_fmt(&b, "%02x", bytes[i]);
	return b.failed ? NULL : json_string(b.v);
}

/* The lowest 64 bits; false: there are more, or odd ones. */
static bool load(const struct shape *shape, const unsigned char *bytes, __u64 *ret)
{
	bool big = shape->network_order || __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	__u64 v = 0;

	if (shape->size > 8)
		return false;
	for (size_t i = 0; i < shape->size; i++)
		v |= (__u64)bytes[big ? shape->size - 1 - i : i] << 8 * i;
	*ret = v;
	return true;
}

static __s64 extend(__u64 v, size_t size)
{
	unsigned int spare = 64 - 8 * size;

	return (__s64)(v << spare) >> spare;
}

static bool is_signed_type(const struct btf_type *t)
{
	return btf_is_int(t) ? btf_int_encoding(t) & BTF_INT_SIGNED : btf_kflag(t);
}

static json_t *number(const struct shape *shape, __u64 v)
{
	_cleanup_free_ char *text = NULL;

	if (is_signed_type(shape->t))
		return json_integer(extend(v, shape->size));
	if (v <= INT64_MAX)
		return json_integer(v);
	text = text_fmt("%llu", (unsigned long long)v);
	return text ? json_string(text) : NULL;
}

/* NULL: none has this value. */
static const char *enumerator(const struct btf *btf, const struct shape *shape, __u64 v)
{
	for (unsigned int i = 0; i < btf_vlen(shape->t); i++) {
		bool is_64 = btf_is_enum64(shape->t);
		__u64 value = is_64 ? btf_enum64_value(&btf_enum64(shape->t)[i])
				    : (__u32)btf_enum(shape->t)[i].val;
		__u32 name = is_64 ? btf_enum64(shape->t)[i].name_off
				   : btf_enum(shape->t)[i].name_off;

		if (extend(value, shape->size) == extend(v, shape->size))
			return btf__name_by_offset(btf, name);
	}
	return NULL;
}

static json_t *scalar(const struct btf *btf, const struct shape *shape, const unsigned char *bytes)
{
	const char *name;
	__u64 v;

	if (!load(shape, bytes, &v))
		return hex(bytes, shape->size);
	if (btf_is_int(shape->t) && btf_int_encoding(shape->t) & BTF_INT_BOOL && v <= 1)
		return json_boolean(v);
	name = btf_is_int(shape->t) ? NULL : enumerator(btf, shape, v);
	return name ? json_string(name) : number(shape, v);
}

static bool is_char(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = type_bare(btf, id);

	return t && btf_is_int(t) && t->size == 1 &&
	       (btf_int_encoding(t) & BTF_INT_CHAR || text_eq(type_name(btf, t), "char"));
}

/* Texts that a manifest can hold, with nothing behind them. */
static json_t *characters(const unsigned char *bytes, size_t size)
{
	size_t n = strnlen((const char *)bytes, size);

	for (size_t i = n; i < size; i++)
		if (bytes[i])
			return hex(bytes, size);
	if (n == size || text_has_prefix((const char *)bytes, "hex:") ||
	    text_fault((const char *)bytes, n) != n)
		return hex(bytes, size);
	return json_stringn((const char *)bytes, n);
}

static json_t *elements(const struct btf *btf, const struct shape *shape,
			const unsigned char *bytes)
{
	const struct btf_array *a = btf_array(shape->t);
	size_t size = a->nelems ? shape->size / a->nelems : 0;
	json_t *list = json_array();

	for (__u32 i = 0; list && i < a->nelems; i++) {
		json_t *one = unfit_value(btf, a->type, bytes + i * size, size);

		if (!one || json_array_append_new(list, one)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *unfit_value(const struct btf *btf, __u32 type_id, const void *bytes, size_t size)
{
	struct shape shape;

	if (!look(btf, type_id, size, &shape))
		return hex(bytes, size);
	if (btf_is_int(shape.t) || btf_is_any_enum(shape.t))
		return scalar(btf, &shape, bytes);
	if (!btf_is_array(shape.t))
		return hex(bytes, size);
	if (is_char(btf, btf_array(shape.t)->type))
		return characters(bytes, size);
	return elements(btf, &shape, bytes);
}

bool unfit_number(const struct btf *btf, __u32 type_id, const void *bytes, size_t size, __s64 *ret)
{
	struct shape shape;
	__u64 v;

	if (!look(btf, type_id, size, &shape) ||
	    (!btf_is_int(shape.t) && !btf_is_any_enum(shape.t)) || !load(&shape, bytes, &v))
		return false;
	*ret = is_signed_type(shape.t) ? extend(v, size) : v <= INT64_MAX ? (__s64)v : INT64_MAX;
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
