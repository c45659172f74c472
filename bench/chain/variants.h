/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways of chaining that bench-chain compares. */
#pragma once

#include <stddef.h>

#include "common/harness.h"

struct chain {
	const char *kind; /* "bounds" or "counter" */
	unsigned int length;
};

/* A BPF object in memory, and the program in it where a packet enters the chain. */
struct image {
	struct bytes object;
	char program[32];
	void *owned; /* what @object points into, if that is to be freed; else NULL */
};

/*
 * The image is made once per case; the bench loads it anew in each round. It
 * loads @program and every other program of the object but those in sections
 * that start with '?'.
 */
struct variant {
	const char *name;
	void (*make)(const struct variant *variant, const struct chain *chain, struct image *ret);
};

extern const struct variant variants[];
extern const unsigned int variants_n;

/* Indices in variants[] of what the others are compared with. */
enum { VARIANT_EMPTY, VARIANT_FLOOR, VARIANT_BARRIER };
