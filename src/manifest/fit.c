/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The walk: arrays, structs, unions, and the texts that stand for whole ones. */
#include "manifest/fit_walk.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/check.h"
#include "manifest/fit_text.h"

static int fit_type(struct fit *f, const struct node *n, const struct step *step, __u32 id,
		    unsigned char *out, size_t size);

static int fit_chars(struct fit *f, const struct node *n, const struct step *step,
		     const struct shape *shape, unsigned char *out)
{
	size_t size = strlen(n->text) + 1;

	if (size <= shape->size) {
		memcpy(out, n->text, size);
		return 0;
	}
	fit_error(f, n->at, step, "'%.64s' is too long", n->text);
	return error_code(error_why(f->err, "it needs %zu bytes with its NUL; the type has %zu",
				    size, shape->size));
}

static int fit_list(struct fit *f, const struct node *n, const struct step *step,
		    const struct shape *shape, unsigned char *out)
{
	const struct btf_array *array = btf_array(shape->t);
	size_t size = array->nelems ? shape->size / array->nelems : 0;
	int r = 0;

	if (n->items.n > array->nelems) {
		fit_error(f, n->at, step, "%zu values are too many", n->items.n);
		return error_code(error_why(f->err, "the array has %u", array->nelems));
	}
	for (size_t i = 0; !r && i < n->items.n; i++) {
		struct step element = {.up = step, .index = i};

		r = fit_type(f, n->items.v[i], &element, array->type, out + i * size, size);
	}
	return r;
}

/* What a text for an array or struct of bytes should have been. */
static const char *expected_text(size_t size, const char *otherwise)
{
	return size == 4    ? "an IPv4 address or a list"
	       : size == 6  ? "a MAC address or a list"
	       : size == 16 ? "an IPv6 address or a list"
			    : otherwise;
}

static int fit_array(struct fit *f, const struct node *n, const struct step *step,
		     const struct shape *shape, unsigned char *out)
{
	__u32 element = btf_array(shape->t)->type;
	bool takes_address = shape->size == 16 || ((shape->size == 4 || shape->size == 6) &&
						   btf_array(shape->t)->nelems == shape->size);

	if (n->kind == NODE_LIST)
		return fit_list(f, n, step, shape, out);
	if (n->kind != NODE_SCALAR)
		return fit_error_kind(f, n, step, shape, "a list");
	if (type_is_char(f->btf, element))
		return fit_chars(f, n, step, shape, out);
	if (takes_address && text_address(n->text, out, shape->size) == TEXT_FITS)
		return 0;
	return fit_error_kind(f, n, step, shape,
			      takes_address ? expected_text(shape->size, "") : "a list");
}

static const char *name_of_member(const void *element)
{
	return ((const struct member *)element)->name;
}

static int error_overlap(struct fit *f, const struct node_pair *pair, const struct step *step,
			 const struct member *other)
{
	fit_error(f, pair->value->at, step, "'%s' is given too", other->name);
	return error_code(error_why(f->err, "both share the same bytes of a union"));
}

static int fit_member(struct fit *f, const struct node *n, const struct step *step,
		      const struct member *m, unsigned char *out, size_t size)
{
	struct target to = {.out = out, .size = size, .bit = m->start, .bits = m->end - m->start};
	struct shape shape;
	int r;

	if (m->end > size * 8)
		return error_code(fit_error(f, n->at, step, "its struct in the BTF is broken"));
	if (!m->bitfield)
		return fit_type(f, n, step, m->type, out + m->start / 8, to.bits / 8);
	r = shape_of(f, n, step, m->type, &shape);
	if (!r && !btf_is_int(shape.t) && !btf_is_any_enum(shape.t))
		r = error_code(fit_error(f, n->at, step, "its struct in the BTF is broken"));
	return r ?: fit_scalar(f, n, step, &shape, &to);
}

/* The member of @pair, which must not share bytes with one that was given before. */
static int take_member(struct fit *f, const struct node_pair *pair, const struct step *step,
		       const struct shape *shape, struct members *members, struct member **ret)
{
	struct step inner = {.up = step, .name = pair->key};
	struct member *found = NULL;

	array_foreach (m, &members->all)
		found = found ?: text_eq(m->name, pair->key) ? m : NULL;
	if (!found) {
		fit_error(f, pair->at, step, "%s has no member '%.64s'", shape->name, pair->key);
		return error_unknown(f->err, pair->key, "its members are", members->all.v,
				     members->all.n, sizeof(*members->all.v), name_of_member);
	}
	array_foreach (m, &members->all) {
		if (m->given && m->start < found->end && found->start < m->end)
			return error_overlap(f, pair, &inner, m);
	}
	found->given = true;
	*ret = found;
	return 0;
}

static int fit_map(struct fit *f, const struct node *n, const struct step *step,
		   const struct shape *shape, unsigned char *out)
{
	_cleanup_(members_done) struct members members = {};
	int r = members_of(f->btf, shape->t, f->prefix, &members);

	if (r == -ENOMEM)
		return error_oom(f->err);
	if (r)
		return error_code(fit_error(f, n->at, step, "its struct in the BTF is broken"));
	array_foreach (pair, &n->pairs) {
		struct step inner = {.up = step, .name = pair->key};
		struct member *m = NULL;

		r = r ?: take_member(f, pair, step, shape, &members, &m);
		r = r ?: fit_member(f, pair->value, &inner, m, out, shape->size);
	}
	return r;
}

static int fit_prefix(struct fit *f, const struct node *n, const struct step *step,
		      const struct shape *shape, unsigned char *out)
{
	size_t size = shape->size - sizeof(__u32);
	const char *family = size == 4 ? "IPv4" : "IPv6";
	unsigned char address[16];
	unsigned int len;
	__u32 prefixlen;

	switch (text_prefix(n->text, address, size, &len)) {
	case TEXT_FITS:
		break;
	case TEXT_HOST_BITS:
		fit_error(f, n->at, step, "'%.64s' has bits behind its prefix", n->text);
		return error_code(error_hint(f->err, "clear them, or write /%zu", size * 8));
	case TEXT_MALFORMED:
		fit_error(f, n->at, step, "'%.64s' is no prefix", n->text);
		return error_code(error_why(f->err, "%s takes /0 to /%zu", family, size * 8));
	case TEXT_SIZE:
		fit_error(f, n->at, step, "'%.64s' is of the other address family", n->text);
		return error_code(error_why(f->err, "%s takes %s", shape->name, family));
	case TEXT_OTHER:
		return fit_error_kind(f, n, step, shape,
				      size == 4 ? "an IPv4 prefix, as 10.0.0.0/8, or a map"
						: "an IPv6 prefix, as 2001:db8::/32, or a map");
	}
	prefixlen = len;
	memcpy(out, &prefixlen, sizeof(prefixlen));
	memcpy(out + sizeof(prefixlen), address, size);
	return 0;
}

static int fit_struct(struct fit *f, const struct node *n, const struct step *step,
		      const struct shape *shape, unsigned char *out)
{
	if (n->kind == NODE_MAP)
		return fit_map(f, n, step, shape, out);
	if (n->kind == NODE_SCALAR && shape_is_prefix(f->btf, shape))
		return fit_prefix(f, n, step, shape, out);
	if (n->kind == NODE_SCALAR && shape->size == 16 &&
	    text_address(n->text, out, shape->size) == TEXT_FITS)
		return 0;
	return fit_error_kind(f, n, step, shape,
			      shape->size == 16 ? "a map of members or an IPv6 address"
						: "a map of members");
}

/* hex: fits every type of its size. */
static int fit_hex(struct fit *f, const struct node *n, const struct step *step, unsigned char *out,
		   size_t size, bool *ret_done)
{
	size_t bytes;

	switch (n->kind == NODE_SCALAR ? text_hex(n->text, out, size, &bytes) : TEXT_OTHER) {
	case TEXT_FITS:
		*ret_done = true;
		return 0;
	case TEXT_SIZE:
		fit_error(f, n->at, step, "%zu bytes in hex", bytes);
		return error_code(error_why(f->err, "the type has exactly %zu", size));
	case TEXT_MALFORMED:
		fit_error(f, n->at, step, "'%.64s' is not hex", n->text);
		return error_code(error_hint(f->err, "write two hex digits for each byte"));
	default:
		*ret_done = false;
		return 0;
	}
}

static int fit_type(struct fit *f, const struct node *n, const struct step *step, __u32 id,
		    unsigned char *out, size_t size)
{
	struct target to = {.out = out, .size = size};
	struct shape shape;
	bool done;
	int r = fit_hex(f, n, step, out, size, &done);

	if (r || done)
		return r;
	if (id == 0)
		return fit_untyped(f, n, step, out, size);
	r = shape_of(f, n, step, id, &shape);
	if (r)
		return r;
	if (shape.size != size) {
		fit_error(f, n->at, step, "%s has %zu bytes where %zu are wanted", shape.name,
			  shape.size, size);
		return error_code(f->err);
	}
	if (btf_is_int(shape.t) || btf_is_any_enum(shape.t))
		return fit_scalar(f, n, step, &shape, &to);
	if (btf_is_array(shape.t))
		return fit_array(f, n, step, &shape, out);
	if (btf_is_composite(shape.t) || btf_is_datasec(shape.t))
		return fit_struct(f, n, step, &shape, out);
	return error_code(fit_error(f, n->at, step, "no value can be given to %s", shape.name));
}

int fit_globals(const struct node *n, const char *name, const struct btf *btf, __u32 type_id,
		const char *prefix, void *out, size_t size, struct braid_error *err)
{
	struct fit f = {.btf = btf, .prefix = prefix, .err = err};
	struct step root = {.name = name};

	memset(out, 0, size);
	return fit_type(&f, n, &root, type_id, out, size);
}

int fit_value(const struct node *n, const char *name, const struct btf *btf, __u32 type_id,
	      void *out, size_t size, struct braid_error *err)
{
	return fit_globals(n, name, btf, type_id, NULL, out, size, err);
}

int fit_bits(const struct node *n, const char *name, const struct btf *btf,
	     const struct spot_in *at, void *value, size_t size, struct braid_error *err)
{
	struct fit f = {.btf = btf, .err = err};
	struct step root = {.name = name};
	struct target to = {.out = value, .size = size, .bit = at->bit, .bits = at->bits};
	struct shape shape;
	int r;

	if (at->bit + at->bits > size * 8)
		return error_code(fit_error(&f, n->at, &root, "its struct in the BTF is broken"));
	if (!at->bitfield)
		return fit_value(n, name, btf, at->type, to.out + at->bit / 8, at->bits / 8, err);
	r = shape_of(&f, n, &root, at->type, &shape);
	if (!r && !btf_is_int(shape.t) && !btf_is_any_enum(shape.t))
		r = error_code(fit_error(&f, n->at, &root, "its struct in the BTF is broken"));
	bits_clear(to.out, at->bit, at->bits);
	return r ?: fit_scalar(&f, n, &root, &shape, &to);
}
