/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways of replacing what runs on an interface that bench-replace compares. */
#pragma once

#include <stdint.h>

/* How many frames the stages have counted: all stages the same number, if all is well. */
struct counts {
	uint64_t fewest, most;
};

/*
 * Two versions of what runs on the interface, 0 and 1, of which one is attached. Both
 * count frames of the generator into maps that outlive the replacement. Calls come
 * from one thread, which is in the interface's network namespace.
 */
struct variant {
	const char *name;
	/* Going to version 1, and back to 0, are two different things: a line for each. */
	const char *to[2];
	/* Attaches version 0, native. Return: owned, for close(). */
	void *(*open)(const struct variant *variant, int ifindex);
	/* The time that this takes is measured. */
	void (*replace)(void *self, unsigned int version);
	/* Frames that the last stage of @version has counted so far. */
	uint64_t (*count)(void *self, unsigned int version);
	/* Frames of both versions, by all stages; of one stage, if there is one only. */
	void (*count_stages)(void *self, struct counts *ret);
	void (*close)(void *self);
};

extern const struct variant variant_bare, variant_fused, variant_tailcall, variant_observed_fused,
	variant_observed_tailcall;
