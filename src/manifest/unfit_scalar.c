/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Numbers, bools, enums, bit-fields, addresses. */
#include <arpa/inet.h>
#include <stdint.h>

#include "base/text.h"
#include "manifest/unfit_walk.h"

static unsigned __int128 load_bits(const unsigned char *at, unsigned int bit, unsigned int bits)
{
	bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	unsigned __int128 v = 0;

	for (unsigned int i = 0; i < bits; i++) {
		unsigned int b = big ? bit + bits - 1 - i : bit + i;
		unsigned char mask = big ? 0x80 >> b % 8 : 1 << b % 8;

		if (at[b / 8] & mask)
			v |= (unsigned __int128)1 << i;
	}
	return v;
}

static unsigned __int128 load_bytes(const unsigned char *at, size_t size, bool network_order)
{
	bool big = network_order || __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	unsigned __int128 v = 0;

	for (size_t i = 0; i < size; i++)
		v |= (unsigned __int128)at[big ? size - 1 - i : i] << 8 * i;
	return v;
}

static bool is_signed_type(const struct btf_type *t)
{
	return btf_is_int(t) ? btf_int_encoding(t) & BTF_INT_SIGNED : enum_is_signed(t);
}

static struct number number_of(unsigned __int128 v, unsigned int bits, bool is_signed)
{
	unsigned int spare = 128 - bits;
	__int128 s = (__int128)(v << spare) >> spare;

	return is_signed && s < 0 ? (struct number){-(unsigned __int128)s, true}
				  : (struct number){v};
}

struct number unfit_load(const struct shape *shape, const struct source *from, __u32 place,
			 const struct unfit *u)
{
	const unsigned char *at = from->at + place * u->sum.stride;
	unsigned int bits = from->bits ?: from->size * 8;
	unsigned __int128 v = from->bits ? load_bits(at, from->bit, bits)
					 : load_bytes(at, from->size, shape->network_order);

	return number_of(v, bits, is_signed_type(shape->t));
}

static json_t *number_json(struct number n)
{
	char text[NUMBER_TEXT_MAX];

	if (n.magnitude <= INT64_MAX)
		return json_integer(n.negative ? -(__s64)n.magnitude : (__s64)n.magnitude);
	return json_string(number_text(n, text));
}

/* NULL: none has this value. */
static const char *enumerator(const struct unfit *u, const struct shape *shape, struct number v,
			      unsigned int bits)
{
	bool is_signed = enum_is_signed(shape->t);
	struct number min = number_min(is_signed, bits);
	struct number max = number_max(btf_kflag(shape->t), bits);

	for (unsigned int i = 0; i < btf_vlen(shape->t); i++) {
		struct enumerator e = enumerator_at(u->btf, shape->t, i, is_signed);

		if (e.name[0] && e.value.negative == v.negative &&
		    e.value.magnitude == v.magnitude && number_within(e.value, min, max))
			return e.name;
	}
	return NULL;
}

static bool is_same(const struct unfit *u, const struct shape *shape, const struct source *from)
{
	struct number first = unfit_load(shape, from, 0, u);

	for (__u32 i = 1; i < u->sum.n; i++) {
		struct number v = unfit_load(shape, from, i, u);

		if (v.magnitude != first.magnitude || v.negative != first.negative)
			return false;
	}
	return true;
}

static bool is_counter(const struct unfit *u, const struct shape *shape, const struct source *from)
{
	if (!btf_is_int(shape->t) || btf_int_encoding(shape->t) & BTF_INT_BOOL ||
	    shape->network_order || from->size > 8)
		return false;
	return !u->sum.counters || u->sum.counters[from->at - u->base + from->bit / 8];
}

static json_t *total(const struct unfit *u, const struct shape *shape, const struct source *from)
{
	__int128 sum = 0;

	for (__u32 i = 0; i < u->sum.n; i++) {
		struct number v = unfit_load(shape, from, i, u);

		sum += v.negative ? -(__int128)v.magnitude : (__int128)v.magnitude;
	}
	return number_json(sum < 0 ? (struct number){-(unsigned __int128)sum, true}
				   : (struct number){sum});
}

/* What no value says: its bytes, or, of a bit-field, its whole struct's. */
static json_t *odd(struct unfit *u, const struct source *from)
{
	if (!from->bits)
		return unfit_hex(from->at, from->size);
	u->odd = true;
	return json_null();
}

json_t *unfit_scalar(struct unfit *u, const struct shape *shape, const struct source *from)
{
	unsigned int bits = from->bits ?: from->size * 8;
	const struct btf_type *t = shape->t;
	const char *name;
	struct number v;

	if (!bits || bits > 128 ||
	    (btf_is_int(t) && (btf_int_offset(t) || btf_int_bits(t) != shape->size * 8)))
		return odd(u, from);
	if (u->sum.n > 1 && is_counter(u, shape, from))
		return total(u, shape, from);
	if (!is_same(u, shape, from))
		return json_null();
	v = unfit_load(shape, from, 0, u);
	if (btf_is_int(t) && btf_int_encoding(t) & BTF_INT_BOOL)
		return v.magnitude <= 1 && !v.negative ? json_boolean(v.magnitude) : odd(u, from);
	name = btf_is_int(t) ? NULL : enumerator(u, shape, v, bits);
	return name ? json_string(name) : number_json(v);
}

static json_t *address_text(int family, const unsigned char *bytes)
{
	char text[INET6_ADDRSTRLEN];

	return json_string(inet_ntop(family, bytes, text, sizeof(text)) ?: "");
}

static json_t *mac_text(const unsigned char *b)
{
	return json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

/* Bytes, or numbers in network byte order: not what counts something. */
static bool is_address_array(const struct unfit *u, const struct shape *shape)
{
	__u32 element = btf_array(shape->t)->type;
	struct shape of;
	const struct btf_type *t = type_bare(u->btf, element);

	if (!t || !btf_is_int(t) || btf_int_encoding(t) & BTF_INT_BOOL ||
	    type_is_char(u->btf, element))
		return false;
	if (t->size == 1)
		return shape->size == 4 || shape->size == 6 || shape->size == 16;
	return shape->size == 16 && unfit_look(u->btf, element, t->size, &of) && of.network_order;
}

static bool has_host_bits(const unsigned char *address, size_t size, __u32 len)
{
	for (__u32 bit = len; bit < size * 8; bit++)
		if (address[bit / 8] & 0x80 >> bit % 8)
			return true;
	return false;
}

/* Only with nothing behind the address that a prefix would not say. */
static json_t *prefix_text(const struct shape *shape, const unsigned char *bytes)
{
	size_t size = shape->size - sizeof(__u32);
	char text[INET6_ADDRSTRLEN];
	__u32 len;

	memcpy(&len, bytes, sizeof(len));
	if (len > size * 8 || has_host_bits(bytes + sizeof(len), size, len))
		return NULL;
	inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes + sizeof(len), text, sizeof(text));
	return json_sprintf("%s/%u", text, len);
}

json_t *unfit_address(const struct unfit *u, const struct shape *shape, const unsigned char *bytes,
		      bool *ret_is)
{
	json_t *j = NULL;

	*ret_is = true;
	if (btf_is_int(shape->t) && shape->network_order && shape->size == 4)
		return address_text(AF_INET, bytes);
	if (btf_is_array(shape->t) && is_address_array(u, shape))
		return shape->size == 6
			       ? mac_text(bytes)
			       : address_text(shape->size == 4 ? AF_INET : AF_INET6, bytes);
	if (btf_is_struct(shape->t) && shape->size == 16 &&
	    text_eq(btf__name_by_offset(u->btf, shape->t->name_off), "in6_addr"))
		return address_text(AF_INET6, bytes);
	if (btf_vlen(shape->t) == 2 && shape_is_prefix(u->btf, shape))
		j = prefix_text(shape, bytes);
	*ret_is = j;
	return j;
}
