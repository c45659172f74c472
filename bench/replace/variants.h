/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways of replacing what runs on an interface that bench-replace compares. */
#pragma once

#include <stdint.h>

/*
 * Two versions of a program, 0 and 1, of which one is attached. Both count
 * frames of the generator into one map that outlives the replacement. Calls come
 * from one thread, which is in the interface's network namespace.
 */
struct variant {
	const char *name;
	/* Loads what it needs and attaches version 0, native. Return: owned, for close(). */
	void *(*open)(int ifindex);
	/* The time that this takes is measured. */
	void (*replace)(void *self, unsigned int version);
	/* Frames that @version has counted so far. */
	uint64_t (*count)(void *self, unsigned int version);
	void (*close)(void *self);
};

extern const struct variant variant_bare;
