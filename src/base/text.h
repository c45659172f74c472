/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Strings: a growable buffer, and the few functions that everybody wants. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Text or bytes that grow. Start with {}; @v is NUL-terminated whenever not NULL. */
struct buf {
	char *v;
	size_t n, cap;
	bool failed; /* an append ran out of memory; later appends do nothing */
};

void buf_done(struct buf *b);
int buf_add(struct buf *b, const void *data, size_t n);
int buf_fill(struct buf *b, int byte, size_t n);
int buf_align(struct buf *b, size_t to);
int buf_str(struct buf *b, const char *s);
int buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vfmt(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Hands over the string (never NULL unless memory ran out) and empties @b. */
char *buf_take(struct buf *b);

/* asprintf() that returns the string; NULL: no memory. */
char *text_fmt(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The directory part of @path with @name behind it; an absolute @name stays itself. */
char *text_sibling(const char *path, const char *name);

static inline bool text_has_prefix(const char *s, const char *prefix)
{
	return __builtin_strncmp(s, prefix, __builtin_strlen(prefix)) == 0;
}

static inline bool text_eq(const char *a, const char *b)
{
	return a && b && __builtin_strcmp(a, b) == 0;
}

/* The UTF-8 sequence at @s, of @size bytes at most. Return: its length; 0: it is none. */
size_t text_utf8(const char *s, size_t size, unsigned int *ret_character);
/* @s with each byte that is no UTF-8 as "\xff", for those who take nothing else. Caller frees. */
char *text_escape(const char *s);

/**
 * text_nearest() - which of @words was meant by @word?
 * Edit distance with transpositions, at most a third of the word's length.
 * Return: an element of @words, or NULL when none is near.
 */
const char *text_nearest(const char *word, const char *const *words, size_t n);
