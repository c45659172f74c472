/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Growable arrays by value: ARRAY(struct foo) foos; pointers into one are valid
 * until the next array_push() on it.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#define ARRAY(type)                                                                                \
	struct {                                                                                   \
		type *v;                                                                           \
		size_t n, cap;                                                                     \
	}

/* Room for @want elements of @size bytes; the new part is zero. NULL: no memory. */
static inline void *array_grow(void *v, size_t *cap, size_t want, size_t size)
{
	size_t room = *cap ? *cap : 8;
	char *grown;

	if (want <= *cap)
		return v;
	while (room < want)
		room *= 2;
	grown = reallocarray(v, room, size);
	if (!grown)
		return NULL;
	memset(grown + *cap * size, 0, (room - *cap) * size);
	*cap = room;
	return grown;
}

/* array_reserve(): make room for @extra more; false: no memory, nothing changed. */
#define array_reserve(a, extra)                                                                    \
	({                                                                                         \
		size_t want_ = (a)->n + (extra);                                                   \
		void *grown_ = array_grow((a)->v, &(a)->cap, want_ ?: 1, sizeof(*(a)->v));         \
		if (grown_)                                                                        \
			(a)->v = grown_;                                                           \
		grown_ != NULL;                                                                    \
	})

/* array_push(): a pointer to a new, zeroed last element; NULL: no memory. */
#define array_push(a) (array_reserve(a, 1) ? memset(&(a)->v[(a)->n++], 0, sizeof(*(a)->v)) : NULL)

/* array_add(): append @val; false: no memory. */
#define array_add(a, val)                                                                          \
	({                                                                                         \
		__typeof__((a)->v) slot_ = array_push(a);                                          \
		if (slot_)                                                                         \
			*slot_ = (val);                                                            \
		slot_ != NULL;                                                                     \
	})

#define array_foreach(it, a)                                                                       \
	for (__typeof__(*(a)->v) *it = (a)->v; it && it < (a)->v + (a)->n; it++)

/* array_done(): free the storage; what elements own must be gone already. */
#define array_done(a)                                                                              \
	do {                                                                                       \
		free((a)->v);                                                                      \
		(a)->v = NULL;                                                                     \
		(a)->n = (a)->cap = 0;                                                             \
	} while (0)
