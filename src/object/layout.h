/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What lies where in the bytes of a BTF type: members by their names, whatever structs they
 * are nested in. Two versions of a type are compared by it, and values of the one are made
 * values of the other.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#include "base/array.h"
#include "braid/error.h"

struct btf;
struct unit;

enum leaf_kind {
	LEAF_UNSIGNED,
	LEAF_SIGNED,
	LEAF_BOOL,
	LEAF_CHAR,
	LEAF_ENUM,  /* unsigned values */
	LEAF_SENUM, /* signed ones */
	LEAF_FLOAT,
	LEAF_POINTER, /* a number to BPF programs */
	LEAF_UNION,
	LEAF_LOCK, /* bpf_spin_lock: nothing in it outlives a moment */
	LEAF_HELD, /* timers, kptrs, lists: the kernel has hold of what is in there */
};

/* Arrays of arrays of structs of arrays …: no deeper. */
#define LAYOUT_DIMS 8

/* An array that a leaf is in: it is there @n times, @stride bits apart. */
struct dim {
	__u32 n, stride;
};

struct leaf {
	char *path;   /* "rules[].hits": [] for each array; "" when the type is no struct */
	char *name;   /* "rules.hits" */
	char *type;   /* as the author wrote it: "__u32" */
	char *inside; /* of a union: what its members are; else NULL */
	enum leaf_kind kind;
	bool network_order; /* __be16, __be32, __be64: bytes, no number to be made wider */
	bool bitfield;
	bool counter;    /* tagged braid_counter: what is added at two places may be added up */
	__u32 bit, bits; /* offset from the start of the type; size; in bits, as BTF counts them */
	__u32 type_id;
	__u32 n_dims; /* outermost first */
	struct dim dims[LAYOUT_DIMS];
};

struct layout {
	__u32 size; /* bytes */
	ARRAY(struct leaf) leaves;
};

/* The decl tag of a counter, on a struct member or a variable. */
#define LAYOUT_COUNTER_TAG "braid:counter"

/**
 * layout_read() - the layout of a type; of a DATASEC: its variables are the members.
 * @prefix: what the names of variables begin with, and what is left out; may be NULL.
 * @ret: layout_done(), written on success only.
 * Return: 0; -EINVAL broken BTF, or deeper or larger than anybody writes; -ENOMEM.
 */
int layout_read(const struct btf *btf, __u32 type_id, const char *prefix, struct layout *ret,
		struct braid_error *err);
/* The same of section @section of a unit, which has no DATASECs yet. */
int layout_read_section(const struct unit *u, __u32 section, const char *prefix, struct layout *ret,
			struct braid_error *err);
void layout_done(struct layout *l);

/* "rules.hits"; NULL: none, or several. */
const struct leaf *layout_find(const struct layout *l, const char *name);
/* Does any leaf have this kind? */
bool layout_has(const struct layout *l, enum leaf_kind kind);

/* Is a struct of that name the kernel's own, which programs only hand on to helpers? */
bool layout_is_special(const char *name);

bool layout_equal(const struct layout *a, const struct layout *b);
/*
 * For people, by lines: "- __u32 hits at 8\n+ __u64 hits at 8"; "" when they are equal.
 * Caller frees; NULL: no memory.
 */
char *layout_diff(const struct layout *from, const struct layout *to);
