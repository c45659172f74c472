/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside of unfit: what its files share while they walk bytes along their type. */
#pragma once

#include "manifest/fit_walk.h"
#include "manifest/unfit.h"

struct unfit {
	const struct btf *btf;
	const char *prefix; /* as in struct fit */
	const unsigned char *base;
	struct unfit_sum sum; /* .n is 1 unless values are added up */
	unsigned int depth;
	bool odd; /* a bit-field that no value says: its struct is hex */
};

/* Where a scalar is: as struct target. */
struct source {
	const unsigned char *at;
	size_t size;
	unsigned int bit, bits; /* @bits 0: all of @size bytes */
};

/* What shape_of() says, without a manifest to complain about; false also for another size. */
bool unfit_look(const struct btf *btf, __u32 id, size_t size, struct shape *ret);
/* A BTF_KIND_INT, ENUM or ENUM64. */
json_t *unfit_scalar(struct unfit *u, const struct shape *shape, const struct source *from);
/* Addresses and prefixes; NULL with @ret_is false: it is none. */
json_t *unfit_address(const struct unfit *u, const struct shape *shape, const unsigned char *bytes,
		      bool *ret_is);
/* The number at @from of the place @place. */
struct number unfit_load(const struct shape *shape, const struct source *from, __u32 place,
			 const struct unfit *u);
