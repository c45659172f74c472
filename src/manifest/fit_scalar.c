/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Numbers, bools, enums, bitfields. */
#include "manifest/fit_walk.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/check.h"
#include "manifest/fit_text.h"
#include "manifest/number.h"

static void store_bits(const struct target *to, unsigned __int128 v)
{
	bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

	for (unsigned int i = 0; i < to->bits; i++) {
		unsigned int at = big ? to->bit + to->bits - 1 - i : to->bit + i;
		unsigned char mask = big ? 0x80 >> at % 8 : 1 << at % 8;

		if (v >> i & 1)
			to->out[at / 8] |= mask;
	}
}

static void store_number(const struct target *to, struct number number, bool network_order)
{
	bool big = network_order || __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	unsigned __int128 v = number.negative ? -number.magnitude : number.magnitude;

	if (to->bits)
		return store_bits(to, v);
	for (size_t i = 0; i < to->size; i++)
		to->out[big ? to->size - 1 - i : i] = v >> 8 * i;
}

void bits_clear(unsigned char *bytes, unsigned int bit, unsigned int bits)
{
	bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

	for (unsigned int b = bit; b < bit + bits; b++)
		bytes[b / 8] &= ~(big ? 0x80 >> b % 8 : 1 << b % 8);
}

static int error_number(struct fit *f, const struct node *n, const struct step *step,
			const struct shape *shape, enum number_kind kind, const char *expected)
{
	unsigned char address[16];

	if (kind == NUMBER_FLOAT) {
		fit_error(f, n->at, step, "'%.64s' is not a whole number", n->text);
		return error_code(error_why(f->err, "BPF programs have no floating point"));
	}
	if (kind == NUMBER_OCTAL) {
		fit_error(f, n->at, step, "'%.64s' starts with a zero", n->text);
		return error_code(error_why(f->err, "it could mean octal or decimal"));
	}
	if (shape->size == 4 && !shape->network_order &&
	    text_address(n->text, address, 4) == TEXT_FITS) {
		fit_error(f, n->at, step, "an address for %s, whose byte order is not known",
			  shape->name);
		return error_code(error_hint(f->err, "declare it __be32 in the program, or write "
						     "the number as it stands in memory"));
	}
	fit_error_kind(f, n, step, shape, expected);
	if (text_eq(n->text, "true") || text_eq(n->text, "false"))
		error_hint(f->err, "write %d", n->text[0] == 't');
	return error_code(f->err);
}

static int fit_number(struct fit *f, const struct node *n, const struct step *step,
		      const struct shape *shape, const struct target *to, struct number min,
		      struct number max, const char *expected)
{
	char low[NUMBER_TEXT_MAX], high[NUMBER_TEXT_MAX];
	struct number number;
	enum number_kind kind;

	if (n->kind != NODE_SCALAR)
		return fit_error_kind(f, n, step, shape, expected);
	kind = number_parse(n->text, &number);
	if (kind != NUMBER_WHOLE && kind != NUMBER_HUGE)
		return error_number(f, n, step, shape, kind, expected);
	if (kind == NUMBER_HUGE || !number_within(number, min, max)) {
		fit_error(f, n->at, step, "%.64s is out of range", n->text);
		return error_code(error_why(f->err, "%s takes %s to %s", shape->name,
					    number_text(min, low), number_text(max, high)));
	}
	store_number(to, number, shape->network_order);
	return 0;
}

static unsigned int target_bits(const struct target *to)
{
	return to->bits ? to->bits : to->size * 8;
}

static int fit_bool(struct fit *f, const struct node *n, const struct step *step,
		    const struct shape *shape, const struct target *to)
{
	bool word = n->kind == NODE_SCALAR &&
		    (text_eq(n->text, "true") || text_eq(n->text, "false"));

	if (word) {
		store_number(to, (struct number){n->text[0] == 't'}, false);
		return 0;
	}
	return fit_number(f, n, step, shape, to, (struct number){}, (struct number){1},
			  "true or false");
}

static int fit_int(struct fit *f, const struct node *n, const struct step *step,
		   const struct shape *shape, const struct target *to)
{
	unsigned int bits = target_bits(to), encoding = btf_int_encoding(shape->t);
	bool is_signed = encoding & BTF_INT_SIGNED;

	/* Otherwise a bitfield as compilers wrote it before BTF knew of them. */
	if (btf_int_offset(shape->t) || btf_int_bits(shape->t) != shape->size * 8)
		return error_code(
			fit_error(f, n->at, step, "its type in the BTF is not supported"));
	if (encoding & BTF_INT_BOOL)
		return fit_bool(f, n, step, shape, to);
	if (!to->bits && shape->size == 4 && shape->network_order && n->kind == NODE_SCALAR &&
	    text_address(n->text, to->out, 4) == TEXT_FITS)
		return 0;
	return fit_number(f, n, step, shape, to, number_min(is_signed, bits),
			  number_max(is_signed, bits), "a whole number");
}

static const char *name_of_enumerator(const void *element)
{
	return ((const struct enumerator *)element)->name;
}

static int error_enumerator(struct fit *f, const struct node *n, const struct step *step,
			    const struct shape *shape)
{
	unsigned int count = btf_vlen(shape->t);
	_cleanup_free_ struct enumerator *all = calloc(count ?: 1, sizeof(*all));

	if (!all)
		return error_oom(f->err);
	for (unsigned int i = 0; i < count; i++)
		all[i] = enumerator_at(f->btf, shape->t, i, false);
	fit_error(f, n->at, step, "%s has no enumerator '%.64s'", shape->name, n->text);
	return error_unknown(f->err, n->text, "expected a number or one of", all, count,
			     sizeof(*all), name_of_enumerator);
}

static int fit_enum(struct fit *f, const struct node *n, const struct step *step,
		    const struct shape *shape, const struct target *to)
{
	bool is_signed = enum_is_signed(shape->t);
	unsigned int bits = target_bits(to);
	struct number min = number_min(is_signed, bits);
	struct number max = number_max(btf_kflag(shape->t), bits);
	struct number ignored;

	if (n->kind != NODE_SCALAR)
		return fit_error_kind(f, n, step, shape, "an enumerator or a number");
	for (unsigned int i = 0; i < btf_vlen(shape->t); i++) {
		struct enumerator e = enumerator_at(f->btf, shape->t, i, is_signed);

		if (strcmp(e.name, n->text) == 0 && number_within(e.value, min, max)) {
			store_number(to, e.value, false);
			return 0;
		}
	}
	if (number_parse(n->text, &ignored) == NUMBER_NONE)
		return error_enumerator(f, n, step, shape);
	return fit_number(f, n, step, shape, to, min, max, "an enumerator or a number");
}

int fit_scalar(struct fit *f, const struct node *n, const struct step *step,
	       const struct shape *shape, const struct target *to)
{
	if (target_bits(to) == 0 || target_bits(to) > 128)
		return error_code(fit_error(f, n->at, step, "its type in the BTF is broken"));
	return btf_is_int(shape->t) ? fit_int(f, n, step, shape, to)
				    : fit_enum(f, n, step, shape, to);
}

int fit_untyped(struct fit *f, const struct node *n, const struct step *step, unsigned char *out,
		size_t size)
{
	struct shape shape = {.name = "an unknown type (the object has no BTF)", .size = size};
	struct target to = {.out = out, .size = size};

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return fit_error_kind(f, n, step, &shape, "hex: and its bytes");
	/* Signed or not: both ranges. */
	return fit_number(f, n, step, &shape, &to, number_min(true, size * 8),
			  number_max(false, size * 8), "a whole number, or hex: and its bytes");
}
