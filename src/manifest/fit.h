/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Values of a manifest as the bytes that a variable or a map element of a BTF type holds. */
#pragma once

#include <bpf/btf.h>
#include <linux/types.h>

#include "manifest/node.h"

/**
 * fit_value() - write what @n means for the type @type_id.
 * @name: what errors call the root: "value" in "value.action: 300 is out of range".
 * @btf:  may be NULL when @type_id is 0.
 * @type_id: 0: unknown; then a whole number for 1, 2, 4 or 8 bytes, or hex:.
 * @out:  @size bytes, which must be the type's size; all written. Undefined after an error.
 *
 * whole numbers  10, -10, 0xff; within the range of the type. __be16, __be32, __be64 are
 *                stored in network byte order.
 * bool           true, false, 1, 0.
 * enums          an enumerator or a number.
 * char arrays    a text; its NUL must fit.
 * arrays         a list; what it does not give is 0.
 * structs        a map by member; members of anonymous structs as if they were direct;
 *                what it does not give is 0. Unions: one member.
 * addresses      192.0.2.1 for __be32 and arrays of 4 bytes, 2001:db8::1 for any array,
 *                struct or union of 16 bytes, 02:00:00:00:00:01 for arrays of 6 bytes;
 *                not for char arrays, where they are text.
 * prefixes       10.0.0.0/8 for a struct of __u32 prefixlen and 4 or 16 bytes (LPM keys).
 * anything       hex:0a0b, exactly as many bytes as the type has; also for char arrays.
 *
 * Whether a value is quoted makes no difference: the type says what it is.
 * Return: 0; -EINVAL it does not fit; -ENOMEM.
 */
int fit_value(const struct node *n, const char *name, const struct btf *btf, __u32 type_id,
	      void *out, size_t size, struct braid_error *err);
/*
 * The same of a DATASEC: a map by variable. @prefix: what their names begin with, and what is
 * left out in @n.
 */
int fit_globals(const struct node *n, const char *name, const struct btf *btf, __u32 type_id,
		const char *prefix, void *out, size_t size, struct braid_error *err);

/* Where a member of a value is. */
struct spot_in {
	__u32 type;
	unsigned int bit, bits; /* from the value's start; multiples of 8 unless @bitfield */
	bool bitfield;
};

/**
 * fit_find() - fit_path.c: the member that @path names: "limit", "limits.rate", "table[3].hits".
 * @prefix: as fit_globals(). @size: of the value.
 * Return: 0; -EINVAL there is none, and which there are.
 */
int fit_find(const struct btf *btf, __u32 type_id, const char *prefix, const char *path,
	     size_t size, struct spot_in *ret, struct braid_error *err);
/* Writes what @n means into that member of @value, of @size bytes; all else stays. */
int fit_bits(const struct node *n, const char *name, const struct btf *btf,
	     const struct spot_in *at, void *value, size_t size, struct braid_error *err);
