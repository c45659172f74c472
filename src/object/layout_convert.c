/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/layout_convert.h"

#include <errno.h>

#include "base/error.h"
#include "object/layout_index.h"

#define BIG_ENDIAN_HOST (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

struct builder {
	const struct layout *from, *to;
	struct layout_index from_index, to_index;
	bool is_key;
	struct conversion out;
	struct braid_error *err;
};

void conversion_done(struct conversion *c)
{
	free(c->fill);
	array_done(&c->moves);
	array_foreach (text, &c->added)
		free(*text);
	array_done(&c->added);
	array_foreach (text, &c->removed)
		free(*text);
	array_done(&c->removed);
	*c = (struct conversion){};
}

static int refused(struct builder *b, const struct leaf *leaf, const char *why)
{
	struct buf text = {};

	leaf_describe(&text, leaf);
	error_set(b->err, -EMEDIUMTYPE, NULL, "'%s' cannot be converted", text.v ?: leaf->path);
	error_why(b->err, "%s", why);
	buf_done(&text);
	return -EMEDIUMTYPE;
}

static int refused_between(struct builder *b, const struct leaf *from, const struct leaf *to,
			   const char *why)
{
	_cleanup_free_ char *text = text_fmt("it becomes %s%s: %s", to->type,
					     to->bitfield ? " of some bits" : "", why);

	return text ? refused(b, from, text) : error_oom(b->err);
}

static bool is_number(enum leaf_kind kind)
{
	return kind == LEAF_UNSIGNED || kind == LEAF_SIGNED || kind == LEAF_CHAR ||
	       kind == LEAF_ENUM || kind == LEAF_SENUM || kind == LEAF_BOOL;
}

static bool is_enum(enum leaf_kind kind)
{
	return kind == LEAF_ENUM || kind == LEAF_SENUM;
}

static bool has_sign(enum leaf_kind kind)
{
	return kind == LEAF_SIGNED || kind == LEAF_SENUM;
}

/* Why a number of the one kind may not fit into the other; NULL: it always does. */
static const char *why_not_number(const struct leaf *from, const struct leaf *to)
{
	/* bytes are bytes, and enumerators are small numbers that both can hold */
	bool alike = from->kind == to->kind || has_sign(from->kind) == has_sign(to->kind) ||
		     (from->bits == 8 && (from->kind == LEAF_CHAR || to->kind == LEAF_CHAR)) ||
		     is_enum(from->kind) || is_enum(to->kind);

	if (to->kind == LEAF_BOOL && from->kind != LEAF_BOOL)
		return "a number may be neither true nor false";
	if (from->bits != to->bits && (from->kind == LEAF_CHAR || to->kind == LEAF_CHAR))
		return "characters are no numbers";
	if (from->bits > to->bits)
		return "it may hold values that do not fit";
	if (from->bits == to->bits)
		return alike ? NULL : "what is negative in the one is not in the other";
	if (from->network_order || to->network_order)
		return "numbers in network byte order cannot be made wider";
	if (has_sign(from->kind) && !has_sign(to->kind))
		return "it may be negative";
	return NULL;
}

/* NULL: its values can go there. */
static const char *why_not(const struct leaf *from, const struct leaf *to)
{
	if (from->n_dims != to->n_dims)
		return "an array is not a single value";
	for (__u32 i = 0; i < from->n_dims; i++)
		if (from->dims[i].n > to->dims[i].n)
			return "the array is shorter, and elements would be lost";
	if (is_number(from->kind) && is_number(to->kind))
		return why_not_number(from, to);
	if (from->kind == LEAF_UNION && to->kind == LEAF_UNION)
		return text_eq(from->inside, to->inside)
			       ? NULL
			       : "which of a union's members is in use is not known";
	if (from->kind != to->kind || from->bits != to->bits)
		return "they are different kinds of value";
	return NULL;
}

static int add_move(struct builder *b, const struct leaf *from, const struct leaf *to)
{
	struct move *m = array_push(&b->out.moves);

	if (!m)
		return error_oom(b->err);
	*m = (struct move){
		.from = from->bit,
		.to = to->bit,
		.from_bits = from->bits,
		.to_bits = to->bits,
		.is_signed = has_sign(from->kind),
		.bytes = from->bits == to->bits && !from->bitfield && !to->bitfield,
		.counter = to->counter,
		.n_dims = from->n_dims,
	};
	for (__u32 i = 0; i < from->n_dims; i++) {
		m->dims[i].n = from->dims[i].n;
		m->dims[i].from = from->dims[i].stride;
		m->dims[i].to = to->dims[i].stride;
	}
	/* the innermost array at once, when nothing lies between its elements */
	while (m->bytes && m->n_dims && !m->counter &&
	       m->dims[m->n_dims - 1].from == m->from_bits &&
	       m->dims[m->n_dims - 1].to == m->to_bits) {
		m->from_bits *= m->dims[--m->n_dims].n;
		m->to_bits = m->from_bits;
	}
	return 0;
}

static int note(struct builder *b, const struct leaf *leaf, bool removed)
{
	struct buf text = {};
	char *copy;

	leaf_describe(&text, leaf);
	copy = buf_take(&text);
	if (copy && (removed ? array_add(&b->out.removed, copy) : array_add(&b->out.added, copy)))
		return 0;
	free(copy);
	return error_oom(b->err);
}

static bool is_twice(const struct layout_index *index, long at)
{
	return at + 1 < index->n && text_eq(index->v[at]->name, index->v[at + 1]->name);
}

static int take_leaf(struct builder *b, const struct leaf *from)
{
	long at = layout_index_find(&b->to_index, from->name);
	long own = layout_index_find(&b->from_index, from->name);
	const char *why;

	if (from->kind == LEAF_LOCK)
		return 0;
	if (from->kind == LEAF_HELD)
		return refused(b, from, "what the kernel has hold of there cannot be copied");
	if (at < 0 && b->is_key)
		return refused(b, from, "it is no longer in the key: two keys could become one");
	if (at < 0)
		return note(b, from, true);
	if (is_twice(&b->from_index, own) || is_twice(&b->to_index, at))
		return refused(b, from, "there are several of that name");
	why = why_not(from, b->to_index.v[at]);
	return why ? refused_between(b, from, b->to_index.v[at], why)
		   : add_move(b, from, b->to_index.v[at]);
}

static int build(struct builder *b, const void *fill)
{
	int r = 0;

	b->out.from_size = b->from->size;
	b->out.to_size = b->to->size;
	b->out.identical = layout_equal(b->from, b->to);
	b->out.fill = calloc(1, b->to->size ?: 1);
	if (!b->out.fill || layout_index(b->from, &b->from_index) ||
	    layout_index(b->to, &b->to_index))
		return error_oom(b->err);
	if (fill)
		memcpy(b->out.fill, fill, b->to->size);
	array_foreach (leaf, &b->from->leaves)
		r = r ?: take_leaf(b, leaf);
	array_foreach (leaf, &b->to->leaves)
		if (!r && leaf->kind != LEAF_LOCK &&
		    layout_index_find(&b->from_index, leaf->name) < 0)
			r = note(b, leaf, false);
	return r;
}

int conversion_new(const struct layout *from, const struct layout *to, bool is_key,
		   const void *fill, struct conversion *ret, struct braid_error *err)
{
	struct builder b = {.from = from, .to = to, .is_key = is_key, .err = err};
	int r = build(&b, fill);

	layout_index_done(&b.from_index);
	layout_index_done(&b.to_index);
	if (r)
		conversion_done(&b.out);
	else
		*ret = b.out;
	return r;
}

int conversion_new_raw(__u32 size, struct conversion *ret, struct braid_error *err)
{
	struct conversion c = {.from_size = size, .to_size = size, .identical = true};

	c.fill = calloc(1, size ?: 1);
	if (!c.fill)
		return error_oom(err);
	*ret = c;
	return 0;
}

/* BTF counts the bits of a byte from the lowest, on big-endian hosts from the highest. */
static bool bit_of(const unsigned char *bytes, __u32 bit)
{
	return bytes[bit / 8] & (BIG_ENDIAN_HOST ? 0x80 >> bit % 8 : 1 << bit % 8);
}

__s64 bits_read(const void *bytes, __u32 bit, __u32 bits, bool is_signed)
{
	__u64 v = 0;

	for (__u32 i = 0; i < bits && i < 64; i++)
		v |= (__u64)bit_of(bytes, BIG_ENDIAN_HOST ? bit + bits - 1 - i : bit + i) << i;
	if (is_signed && bits && bits < 64 && v >> (bits - 1) & 1)
		v |= ~0ULL << bits;
	return v;
}

void bits_write(void *bytes, __u32 bit, __u32 bits, __u64 value)
{
	for (__u32 i = 0; i < bits; i++) {
		__u32 at = BIG_ENDIAN_HOST ? bit + bits - 1 - i : bit + i;
		unsigned char *byte = (unsigned char *)bytes + at / 8;
		unsigned char mask = BIG_ENDIAN_HOST ? 0x80 >> at % 8 : 1 << at % 8;
		bool set = i < 64 && value >> i & 1;

		*byte = set ? *byte | mask : *byte & ~mask;
	}
}

/* The number, and above 64 bits its sign. */
static void move_number(const struct move *m, const void *from, __u32 from_bit, void *to,
			__u32 to_bit)
{
	__s64 v = bits_read(from, from_bit, m->from_bits, m->is_signed);
	__u32 low = m->to_bits > 64 ? 64 : m->to_bits, rest = m->to_bits - low;

	bits_write(to, BIG_ENDIAN_HOST ? to_bit + rest : to_bit, low, v);
	if (rest)
		bits_write(to, BIG_ENDIAN_HOST ? to_bit : to_bit + low, rest,
			   m->is_signed && v < 0 ? ~0ULL : 0);
}

static void move_one(const struct move *m, const void *from, __u32 from_bit, void *to, __u32 to_bit)
{
	if (m->bytes)
		memcpy((char *)to + to_bit / 8, (const char *)from + from_bit / 8,
		       m->from_bits / 8);
	else
		move_number(m, from, from_bit, to, to_bit);
}

/* Calls move_one() for each element of the arrays from dimension @dim on. */
static void move_all(const struct move *m, __u32 dim, const void *from, __u32 from_bit, void *to,
		     __u32 to_bit)
{
	if (dim == m->n_dims) {
		move_one(m, from, from_bit, to, to_bit);
		return;
	}
	for (__u32 i = 0; i < m->dims[dim].n; i++)
		move_all(m, dim + 1, from, from_bit + i * m->dims[dim].from, to,
			 to_bit + i * m->dims[dim].to);
}

void conversion_run(const struct conversion *c, const void *from, void *to)
{
	if (c->identical) {
		memcpy(to, from, c->to_size);
		return;
	}
	memcpy(to, c->fill, c->to_size);
	array_foreach (m, &c->moves)
		move_all(m, 0, from, m->from, to, m->to);
}

static int each_scalar(const struct move *m, __u32 dim, struct scalar s,
		       int (*visit)(void *ctx, const struct scalar *s), void *ctx)
{
	int r = 0;

	if (dim == m->n_dims)
		return visit(ctx, &s);
	for (__u32 i = 0; i < m->dims[dim].n && !r; i++) {
		r = each_scalar(m, dim + 1, s, visit, ctx);
		s.from += m->dims[dim].from;
		s.to += m->dims[dim].to;
	}
	return r;
}

int conversion_each_counter(const struct conversion *c,
			    int (*visit)(void *ctx, const struct scalar *s), void *ctx)
{
	int r = 0;

	array_foreach (m, &c->moves) {
		struct scalar s = {m->from,    m->to,        m->from_bits,
				   m->to_bits, m->is_signed, m->counter};

		if (m->counter && !r)
			r = each_scalar(m, 0, s, visit, ctx);
	}
	return r;
}
