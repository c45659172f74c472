/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Values of one layout made values of another, member by member:
 *
 *	the same kind      copied; wherever it went, and into whatever struct
 *	a wider integer    extended by its sign; enums and bools like integers
 *	a longer array     element by element; the rest is @fill's
 *	added              what @fill has there
 *	removed            dropped, and named; not from a key, as two keys could become one
 *	locks              left free
 *	all else           refused, by the member's name: narrower ones, shorter arrays, other
 *	                   kinds, unions that changed, timers, kptrs and lists
 */
#pragma once

#include <stddef.h>

#include "object/layout.h"

/* One scalar, or as many as its arrays have, from one place to another. In bits. */
struct move {
	__u32 from, to;
	__u32 from_bits, to_bits;
	bool is_signed;
	bool bytes; /* whole bytes that stay as they are */
	bool counter;
	__u32 n_dims;
	struct {
		__u32 n, from, to; /* how often; strides */
	} dims[LAYOUT_DIMS];
};

struct conversion {
	__u32 from_size, to_size; /* bytes */
	bool identical;           /* the bytes stay as they are */
	void *fill;               /* owned; @to_size bytes: what members have that are not moved */
	ARRAY(struct move) moves;
	ARRAY(char *) added, removed; /* "__u32 ttl" */
};

/**
 * conversion_new() - how values of @from become values of @to.
 * @is_key: of a map's key: no two different ones may become one.
 * @fill: @to->size bytes, copied; NULL: zeroes.
 * @ret: conversion_done(), written on success only.
 * Return: 0; -EMEDIUMTYPE a member cannot be converted: @err names it and says why; -ENOMEM.
 */
int conversion_new(const struct layout *from, const struct layout *to, bool is_key,
		   const void *fill, struct conversion *ret, struct braid_error *err);
/* Of bytes that nothing is known of: as they are. Return: 0; -ENOMEM. */
int conversion_new_raw(__u32 size, struct conversion *ret, struct braid_error *err);
void conversion_done(struct conversion *c);

/* @from: from_size bytes; @to: to_size bytes, all written; they must not overlap. */
void conversion_run(const struct conversion *c, const void *from, void *to);

/* One scalar of a move, after all arrays. */
struct scalar {
	__u32 from, to, from_bits, to_bits;
	bool is_signed, counter;
};

/* Calls @visit for each counter, until it returns not 0. Return: what it returned last. */
int conversion_each_counter(const struct conversion *c,
			    int (*visit)(void *ctx, const struct scalar *s), void *ctx);

/* The number in @bits bits from bit @bit on, extended by its sign. At most 64 bits. */
__s64 bits_read(const void *bytes, __u32 bit, __u32 bits, bool is_signed);
void bits_write(void *bytes, __u32 bit, __u32 bits, __u64 value);
