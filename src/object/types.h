/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Moving BTF types from one object to another, with all that they refer to. */
#pragma once

#include <linux/types.h>

#include "base/array.h"

struct btf;
struct btf_type;

/*
 * Say which types are wanted, then commit: those not there yet are added to @dst.
 * May be repeated; ids stay.
 */
struct types {
	const struct btf *src;
	struct btf *dst;
	__u32 *ids;            /* by id in src: id in dst, 0: not there (yet) */
	unsigned char *wanted; /* by id in src */
	__u32 n;               /* number of types of src, void included */
	ARRAY(__u32) todo;
};

/* 0 or -ENOMEM. */
int types_init(struct types *t, const struct btf *src, struct btf *dst);
void types_done(struct types *t);
/* The type with all that it reaches, and the tags on these. -EINVAL: no such id. */
int types_want(struct types *t, __u32 id);
int types_commit(struct types *t);

static inline __u32 types_id(const struct types *t, __u32 id)
{
	return id < t->n ? t->ids[id] : 0;
}

/* Calls @visit on each type id inside of @type. */
int type_each_ref(struct btf_type *type, int (*visit)(__u32 *id, void *ctx), void *ctx);

/* A type of one's own BTF for changing: libbpf hands out const, and knows no setters. */
struct btf_type *type_edit(struct btf *btf, __u32 id);
/* Renames it. 0 or negative errno. */
int type_rename(struct btf *btf, __u32 id, const char *name);
