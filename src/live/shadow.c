/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "live/shadow.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 1024 /* a power of two; so are all that follow */

void shadow_init(struct shadow *s, size_t key_size, size_t value_size)
{
	size_t size = offsetof(struct record, bytes) + ((key_size + 7) & ~(size_t)7) + value_size;

	*s = (struct shadow){
		.key_size = key_size,
		.value_size = value_size,
		.record_size = (size + 7) & ~(size_t)7,
	};
}

void shadow_done(struct shadow *s)
{
	free(s->records);
	free(s->slots);
	*s = (struct shadow){};
}

/* FNV-1a, and mixed once more: the low bits choose the slot. */
static size_t hash(const struct shadow *s, const void *key)
{
	const unsigned char *bytes = key;
	__u64 h = 0xcbf29ce484222325;

	for (size_t i = 0; i < s->key_size; i++)
		h = (h ^ bytes[i]) * 0x100000001b3;
	return h ^ h >> 29;
}

/* The slot of that key, or the free one where it belongs. */
static size_t slot_of(const struct shadow *s, const void *key)
{
	size_t i = hash(s, key) & (s->n_slots - 1);

	while (s->slots[i] && memcmp(record_key(shadow_at(s, s->slots[i] - 1)), key, s->key_size))
		i = (i + 1) & (s->n_slots - 1);
	return i;
}

struct record *shadow_find(const struct shadow *s, const void *key)
{
	__u32 at = s->n_slots ? s->slots[slot_of(s, key)] : 0;

	return at ? shadow_at(s, at - 1) : NULL;
}

static bool grow_slots(struct shadow *s)
{
	size_t n = s->n_slots ? s->n_slots * 2 : FIRST_SLOTS;
	__u32 *old = s->slots;

	s->slots = calloc(n, sizeof(*s->slots));
	if (!s->slots) {
		s->slots = old;
		return false;
	}
	free(old);
	s->n_slots = n;
	for (size_t i = 0; i < s->n; i++)
		s->slots[slot_of(s, record_key(shadow_at(s, i)))] = i + 1;
	return true;
}

static bool grow_records(struct shadow *s)
{
	size_t cap = s->cap ? s->cap * 2 : FIRST_SLOTS / 2;
	char *records = reallocarray(s->records, cap, s->record_size);

	if (!records)
		return false;
	s->records = records;
	s->cap = cap;
	return true;
}

struct record *shadow_add(struct shadow *s, const void *key)
{
	struct record *r;

	if (s->n == s->cap && !grow_records(s))
		return NULL;
	if (2 * (s->n + 1) > s->n_slots && !grow_slots(s))
		return NULL;
	r = shadow_at(s, s->n);
	memset(r, 0, s->record_size);
	memcpy(record_key(r), key, s->key_size);
	s->slots[slot_of(s, key)] = ++s->n;
	return r;
}
