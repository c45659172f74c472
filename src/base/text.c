/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void buf_done(struct buf *b)
{
	free(b->v);
	*b = (struct buf){};
}

static int buf_reserve(struct buf *b, size_t extra)
{
	size_t cap = b->cap ? b->cap : 128;
	char *v;

	if (b->failed || extra > (size_t)-1 / 4 - b->n)
		goto fail;
	if (b->n + extra + 1 <= b->cap)
		return 0;
	while (cap < b->n + extra + 1)
		cap *= 2;
	v = realloc(b->v, cap);
	if (!v)
		goto fail;
	b->v = v;
	b->cap = cap;
	return 0;
fail:
	b->failed = true;
	return -ENOMEM;
}

int buf_add(struct buf *b, const void *data, size_t n)
{
	if (buf_reserve(b, n))
		return -ENOMEM;
	if (n)
		memcpy(b->v + b->n, data, n);
	b->n += n;
	b->v[b->n] = '\0';
	return 0;
}

int buf_fill(struct buf *b, int byte, size_t n)
{
	if (buf_reserve(b, n))
		return -ENOMEM;
	memset(b->v + b->n, byte, n);
	b->n += n;
	b->v[b->n] = '\0';
	return 0;
}

int buf_align(struct buf *b, size_t to)
{
	return buf_fill(b, 0, (to - b->n % to) % to);
}

int buf_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_vfmt(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || buf_reserve(b, n))
		return -ENOMEM;
	vsnprintf(b->v + b->n, n + 1, fmt, ap);
	b->n += n;
	return 0;
}

int buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = buf_vfmt(b, fmt, ap);
	va_end(ap);
	return r;
}

char *buf_take(struct buf *b)
{
	char *v;

	if (!b->v)
		buf_add(b, "", 0);
	v = b->failed ? NULL : TAKE_PTR(b->v);
	buf_done(b);
	return v;
}

char *text_fmt(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}

char *text_sibling(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	if (name[0] == '/' || !slash)
		return strdup(name);
	return text_fmt("%.*s/%s", (int)(slash - path), path, name);
}

size_t text_utf8(const char *s, size_t size, unsigned int *ret_character)
{
	static const unsigned int smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = s[0];
	size_t n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	unsigned int c = n == 1 ? first : first & (0xff >> (n + 1));

	if (n == 0 || n > size || first > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_character = c;
	return n;
}

char *text_escape(const char *s)
{
	size_t left = strlen(s), n;
	struct buf b = {};
	unsigned int c;

	for (; left; s += n, left -= n) {
		n = text_utf8(s, left, &c);
		if (n) {
			buf_add(&b, s, n);
		} else {
			buf_fmt(&b, "\\x%02x", (unsigned char)*s);
			n = 1;
		}
	}
	return buf_take(&b);
}

/* Optimal string alignment distance over three rows; words are short. */
static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), rows[3][65];
	size_t *two = rows[0], *one = rows[1], *now = rows[2];

	if (la > 64 || lb > 64)
		return (size_t)-1;
	for (size_t j = 0; j <= lb; j++)
		one[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *spare = two;

		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = one[j - 1] + (a[i - 1] != b[j - 1]);

			if (one[j] + 1 < best)
				best = one[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    two[j - 2] + 1 < best)
				best = two[j - 2] + 1;
			now[j] = best;
		}
		two = one;
		one = now;
		now = spare;
	}
	return one[lb];
}

const char *text_nearest(const char *word, const char *const *words, size_t n)
{
	size_t limit = (strlen(word) + 2) / 3, best = limit + 1;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, words[i]);

		if (d < best) {
			best = d;
			found = words[i];
		}
	}
	return found;
}
