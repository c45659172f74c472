/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside of fit: what its files share while they walk a value along its type. */
#pragma once

#include "base/array.h"
#include "manifest/fit.h"
#include "manifest/number.h"

/* Types nest less deep than this; BTF that goes on is taken for broken. */
#define TYPE_DEPTH_MAX 32

/* The way from the root to a value, for "value.rules[3].action"; lives on the stack. */
struct step {
	const struct step *up;
	const char *name; /* NULL: element @index */
	size_t index;
};

struct fit {
	const struct btf *btf;
	const char *prefix; /* of the names of variables; may be NULL */
	struct braid_error *err;
};

/* A type without its modifiers, and what of them matters. */
struct shape {
	const struct btf_type *t;
	const char *name; /* the outermost one, as the author wrote it */
	bool network_order;
	size_t size;
};

/* Where a number goes: @size bytes at @out, or, when @bits is not 0, so many from bit @bit. */
struct target {
	unsigned char *out;
	size_t size;
	unsigned int bit, bits;
};

/* -EINVAL at @at with the path in front. */
struct braid_error *fit_error(struct fit *f, struct place at, const struct step *step,
			      const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* "expected @expected, found …". Return: the code. */
int fit_error_kind(struct fit *f, const struct node *n, const struct step *step,
		   const struct shape *shape, const char *expected);

/* Never "" and never NULL. */
const char *type_name(const struct btf *btf, const struct btf_type *t);
/* @t without its modifiers; NULL: broken. */
const struct btf_type *type_bare(const struct btf *btf, __u32 id);
int shape_of(struct fit *f, const struct node *n, const struct step *step, __u32 id,
	     struct shape *ret);

/* Text is text only for char; other bytes are numbers, and addresses of them. */
bool type_is_char(const struct btf *btf, __u32 id);
/* struct { __u32 prefixlen; and 4 or 16 bytes }: the key of an LPM trie. */
bool shape_is_prefix(const struct btf *btf, const struct shape *shape);

/* fit_members.c: a member, also of an anonymous struct or union within; or a variable. */
struct member {
	const char *name;
	__u32 type;
	unsigned int start, end; /* in bits, from the start of the outer struct */
	bool bitfield;
	bool given; /* for whoever walks them */
};

struct members {
	ARRAY(struct member) all;
	unsigned int seen; /* also anonymous ones */
};

/*
 * Of a struct, a union or a DATASEC. @prefix: what the names of variables begin with, and what
 * is left out; may be NULL. Return: 0; -ENOMEM; -EINVAL the BTF is broken.
 */
int members_of(const struct btf *btf, const struct btf_type *t, const char *prefix,
	       struct members *ret);
void members_done(struct members *m);

void bits_clear(unsigned char *bytes, unsigned int bit, unsigned int bits);

struct enumerator {
	const char *name;
	struct number value;
};

/* Enumerator @i; the sign is the type's (@is_signed). */
struct enumerator enumerator_at(const struct btf *btf, const struct btf_type *t, unsigned int i,
				bool is_signed);
/*
 * Compilers before LLVM 15 do not say whether an enum is signed. Without the flag, one with
 * a top bit set may be either: it takes numbers of both ranges.
 */
bool enum_is_signed(const struct btf_type *t);

/* A BTF_KIND_INT, ENUM or ENUM64. The target's bytes are zero before. */
int fit_scalar(struct fit *f, const struct node *n, const struct step *step,
	       const struct shape *shape, const struct target *to);
/* @size 1, 2, 4 or 8 bytes of unknown type. */
int fit_untyped(struct fit *f, const struct node *n, const struct step *step, unsigned char *out,
		size_t size);
