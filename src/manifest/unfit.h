/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The way back of fit.h: bytes of a BTF type as a value of a manifest. */
#pragma once

#include <bpf/btf.h>
#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>

/**
 * unfit_value() - a value that fit_value() makes @bytes of.
 * @bytes: @size bytes, the type's size.
 * Numbers, true and false, names of enumerators, texts, addresses, prefixes, lists, maps by
 * member. Of a union the largest member. A number that JSON cannot say exactly is a text.
 * hex: for all else: pointers, what the kernel keeps in a value, text that is none, and a
 * struct of which some byte that is not 0 belongs to no member. Return: NULL: no memory.
 */
json_t *unfit_value(const struct btf *btf, __u32 type_id, const void *bytes, size_t size);
/* The same for fit_globals(). */
json_t *unfit_globals(const struct btf *btf, __u32 type_id, const char *prefix, const void *bytes,
		      size_t size);

/* What is added up, when several places have a value each. */
struct unfit_sum {
	__u32 n; /* how many there are, @stride bytes apart */
	size_t stride;
	/*
	 * By the offset of a number in bytes: whether it is added up. NULL: all whole numbers
	 * are, but those in network byte order.
	 */
	const bool *counters;
};

/**
 * unfit_sum() - one value for all places: what counts is added up, all else is what all of
 * them say, and null where they differ. Bytes that belong to no member do not matter.
 */
json_t *unfit_sum(const struct btf *btf, __u32 type_id, const struct unfit_sum *sum,
		  const void *bytes, size_t size);
/* "hex:0a0b", for what has no type. */
json_t *unfit_hex(const void *bytes, size_t size);

/*
 * What number the @size bytes are; false: its type is none that holds one of at most 64 bits.
 * For an unsigned one of 64 bits whose highest bit is set, S64_MAX.
 */
bool unfit_number(const struct btf *btf, __u32 type_id, const void *bytes, size_t size, __s64 *ret);
/* "__u32", "enum mode", "char[16]". Return: NULL: no memory; caller frees. */
char *type_text(const struct btf *btf, __u32 type_id);
