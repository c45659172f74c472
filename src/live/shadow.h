/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The entries of a map as they were when they were read last, by key. */
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct record {
	__u32 pass; /* in which it was seen last */
	bool gone;  /* it was there once */
	char bytes[]
		__attribute__((aligned(8))); /* the key, and from a multiple of 8 on the value */
};

struct shadow {
	size_t key_size, value_size, record_size;
	char *records;
	size_t n, cap;
	__u32 *slots; /* index of a record + 1; 0: free */
	size_t n_slots;
};

void shadow_init(struct shadow *s, size_t key_size, size_t value_size);
void shadow_done(struct shadow *s);

/* Valid until the next shadow_add(). NULL: none of that key. */
struct record *shadow_find(const struct shadow *s, const void *key);
/* A key that is not there; its value is zero. NULL: no memory. */
struct record *shadow_add(struct shadow *s, const void *key);

static inline struct record *shadow_at(const struct shadow *s, size_t i)
{
	return (struct record *)(s->records + i * s->record_size);
}

static inline size_t shadow_index(const struct shadow *s, const struct record *r)
{
	return ((const char *)r - s->records) / s->record_size;
}

static inline void *record_key(struct record *r)
{
	return r->bytes;
}

static inline void *record_value(const struct shadow *s, struct record *r)
{
	return r->bytes + ((s->key_size + 7) & ~(size_t)7);
}
