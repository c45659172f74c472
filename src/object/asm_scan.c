/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/asm_scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

bool word_is(struct word w, const char *text)
{
	return w.v && strlen(text) == w.n && !memcmp(w.v, text, w.n);
}

char *word_text(struct word w)
{
	return strndup(w.v ?: "", w.n);
}

static void skip(struct scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\r'))
		s->at++;
}

/* Text may hold any byte, and need not end with NUL. */
static char peek(const struct scan *s, size_t i)
{
	return (size_t)(s->end - s->at) > i ? s->at[i] : '\0';
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_.$@", c));
}

bool scan_is_end(struct scan *s)
{
	skip(s);
	return s->at == s->end || *s->at == ';' || (peek(s, 0) == '/' && peek(s, 1) == '/');
}

bool scan_sign(struct scan *s, const char *sign)
{
	size_t n = strlen(sign);

	skip(s);
	if ((size_t)(s->end - s->at) < n || memcmp(s->at, sign, n))
		return false;
	s->at += n;
	return true;
}

bool scan_word(struct scan *s, struct word *ret)
{
	size_t n = 0;

	skip(s);
	while (is_word(peek(s, n)))
		n++;
	if (!n || isdigit((unsigned char)*s->at))
		return false;
	*ret = (struct word){s->at, n};
	s->at += n;
	return true;
}

bool scan_keyword(struct scan *s, const char *keyword)
{
	const char *was = s->at;
	struct word w;

	if (scan_word(s, &w) && word_is(w, keyword))
		return true;
	s->at = was;
	return false;
}

bool scan_register(struct scan *s, __u8 *ret, bool *ret_wide)
{
	const char *was = s->at;
	struct word w;

	if (scan_word(s, &w) && (w.v[0] == 'r' || w.v[0] == 'w')) {
		*ret_wide = w.v[0] == 'r';
		if (w.n == 2 && isdigit((unsigned char)w.v[1])) {
			*ret = w.v[1] - '0';
			return true;
		}
		if (w.n == 3 && w.v[1] == '1' && w.v[2] == '0') {
			*ret = 10;
			return true;
		}
	}
	s->at = was;
	return false;
}

bool scan_is_number(struct scan *s)
{
	skip(s);
	return isdigit((unsigned char)peek(s, 0)) ||
	       ((peek(s, 0) == '-' || peek(s, 0) == '+') && isdigit((unsigned char)peek(s, 1)));
}

bool scan_is_string(struct scan *s)
{
	skip(s);
	return peek(s, 0) == '"';
}

int scan_wrong(struct scan *s, const char *fmt, ...)
{
	_cleanup_free_ char *what = NULL, *where = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		what = NULL;
	va_end(ap);
	where = text_fmt("%s:%u:%zu", s->name, s->number, (size_t)(s->at - s->line) + 1);
	if (!what || !where)
		return error_oom(s->err);
	error_set(s->err, -EINVAL, where, "%s", what);
	return -EINVAL;
}

/* What stands here, for a message: up to a blank. */
static int here(struct scan *s)
{
	int n = 0;

	while (n < 24 && peek(s, n) && !strchr(" \t\r,;", peek(s, n)))
		n++;
	return n ?: !!peek(s, 0);
}

int scan_expected(struct scan *s, const char *what)
{
	_cleanup_free_ char *seen = NULL;

	if (scan_is_end(s))
		return scan_wrong(s, "the line ends where %s is expected", what);
	seen = strndup(s->at, here(s));
	return scan_wrong(s, "'%s' where %s is expected", seen ?: "", what);
}

int scan_expect(struct scan *s, const char *sign)
{
	char what[16];

	if (scan_sign(s, sign))
		return 0;
	snprintf(what, sizeof(what), "'%s'", sign);
	return scan_expected(s, what);
}

int scan_name(struct scan *s, const char *what, struct word *ret)
{
	const char *from;

	if (scan_word(s, ret))
		return 0;
	if (!scan_sign(s, "\""))
		return scan_expected(s, what);
	for (from = s->at; s->at < s->end && *s->at != '"'; s->at++)
		;
	if (s->at == s->end || s->at == from)
		return scan_expected(s, what);
	*ret = (struct word){from, s->at++ - from};
	return 0;
}

/* The digits; the sign was before. */
static bool digits(struct scan *s, __u64 *ret)
{
	bool hex = peek(s, 0) == '0' && (peek(s, 1) | 0x20) == 'x';
	const char *was = s->at;
	unsigned int base = hex ? 16 : 10;
	__u64 n = 0;
	size_t count = 0;

	for (s->at += 2 * hex; isalnum((unsigned char)peek(s, 0)); s->at++, count++) {
		char c = tolower((unsigned char)*s->at);
		unsigned int digit = isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10;

		if (digit >= base || n > (UINT64_MAX - digit) / base)
			break;
		n = n * base + digit;
	}
	if (!count || is_word(peek(s, 0))) {
		s->at = was;
		return false;
	}
	*ret = n;
	return true;
}

int scan_u64(struct scan *s, const char *what, __u64 *ret)
{
	const char *was;
	bool minus;

	skip(s);
	was = s->at;
	minus = scan_sign(s, "-");
	if (!minus)
		scan_sign(s, "+");
	skip(s);
	if (!digits(s, ret)) {
		s->at = was;
		return scan_expected(s, what);
	}
	if (minus)
		*ret = -*ret;
	return 0;
}

int scan_number(struct scan *s, const char *what, __s64 low, __s64 high, __s64 *ret)
{
	const char *was;
	bool minus;
	__u64 n;
	int r;

	skip(s);
	was = s->at;
	minus = peek(s, 0) == '-';
	r = scan_u64(s, what, &n);
	if (r)
		return r;
	/* n is modulo 2^64: the sign must be the one that was written */
	if ((__s64)n < low || (__s64)n > high || (n && ((__s64)n < 0) != minus)) {
		s->at = was;
		return scan_wrong(s, "%.*s is no %s: %lld to %lld", here(s), was, what,
				  (long long)low, (long long)high);
	}
	*ret = n;
	return 0;
}

static int hex_digit(char c)
{
	c = tolower((unsigned char)c);
	return isdigit((unsigned char)c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind a backslash. */
static int escape(struct scan *s, struct buf *b)
{
	static const char letters[] = "ntr0\"\\", values[] = "\n\t\r\0\"\\";
	const char *at = peek(s, 0) ? strchr(letters, peek(s, 0)) : NULL;
	int high, low;
	char c;

	if (at) {
		s->at++;
		return buf_add(b, &values[at - letters], 1);
	}
	high = hex_digit(peek(s, 1));
	low = high < 0 ? -1 : hex_digit(peek(s, 2));
	if (peek(s, 0) != 'x' || low < 0)
		return scan_expected(s, "n, t, r, 0, \", \\ or xNN");
	c = high << 4 | low;
	s->at += 3;
	return buf_add(b, &c, 1);
}

int scan_string(struct scan *s, char **ret, size_t *ret_n)
{
	struct buf b = {};
	int r = scan_expect(s, "\"");

	while (!r && s->at < s->end && *s->at != '"') {
		if (*s->at == '\\') {
			s->at++;
			r = escape(s, &b);
		} else {
			r = buf_add(&b, s->at++, 1);
		}
	}
	r = r ?: scan_expect(s, "\"");
	*ret_n = b.n;
	*ret = r ? NULL : buf_take(&b);
	buf_done(&b);
	return r == -ENOMEM || (!r && !*ret) ? error_oom(s->err) : r;
}

int scan_end(struct scan *s)
{
	return scan_is_end(s) ? 0 : scan_expected(s, "the end of the line");
}
