/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/number.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_float(const char *s)
{
	char *end;

	if (!isdigit(s[0]) && !(s[0] == '.' && isdigit(s[1])))
		return false;
	strtod(s, &end);
	return *end == '\0';
}

enum number_kind number_parse(const char *text, struct number *ret)
{
	bool negative = text[0] == '-';
	const char *s = text + negative, *digits = s;
	unsigned int base = 10;
	unsigned __int128 sum = 0, top = ~(unsigned __int128)0;

	if (s[0] == '0' && s[1] == 'x') {
		base = 16;
		digits = s + 2;
	}
	if (digits[0] == '\0' ||
	    digits[strspn(digits, base == 16 ? "0123456789abcdefABCDEF" : "0123456789")])
		return is_float(s) ? NUMBER_FLOAT : NUMBER_NONE;
	if (base == 10 && digits[0] == '0' && digits[1])
		return NUMBER_OCTAL;
	for (; *digits; digits++) {
		unsigned int d = isdigit(*digits) ? *digits - '0' : (*digits | 0x20) - 'a' + 10;

		if (sum > (top - d) / base)
			return NUMBER_HUGE;
		sum = sum * base + d;
	}
	*ret = (struct number){sum, negative && sum};
	return NUMBER_WHOLE;
}

const char *number_text(struct number n, char *buf)
{
	char *s = buf + NUMBER_TEXT_MAX - 1;

	*s = '\0';
	do {
		*--s = '0' + (unsigned int)(n.magnitude % 10);
		n.magnitude /= 10;
	} while (n.magnitude);
	if (n.negative)
		*--s = '-';
	return memmove(buf, s, buf + NUMBER_TEXT_MAX - s);
}

struct number number_min(bool is_signed, unsigned int bits)
{
	if (!is_signed)
		return (struct number){};
	return (struct number){(unsigned __int128)1 << (bits - 1), true};
}

struct number number_max(bool is_signed, unsigned int bits)
{
	unsigned __int128 top = ~(unsigned __int128)0 >> (128 - bits);

	return (struct number){is_signed ? top >> 1 : top, false};
}

static bool at_most(struct number a, struct number b)
{
	if (a.negative != b.negative)
		return a.negative;
	return a.negative ? a.magnitude >= b.magnitude : a.magnitude <= b.magnitude;
}

bool number_within(struct number n, struct number min, struct number max)
{
	return at_most(min, n) && at_most(n, max);
}
