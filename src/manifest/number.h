/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Whole numbers as manifests write them: 10, -10, 0xff. No octal, no signs in front, no floats. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum number_kind {
	NUMBER_NONE,  /* not a number at all */
	NUMBER_WHOLE, /* the only kind for which a value is written */
	NUMBER_HUGE,  /* more than 128 bits */
	NUMBER_FLOAT, /* 1.5, 1e3 */
	NUMBER_OCTAL, /* 010: ten to some, eight to others */
};

struct number {
	unsigned __int128 magnitude;
	bool negative; /* never with magnitude 0 */
};

enum number_kind number_parse(const char *text, struct number *ret);

#define NUMBER_TEXT_MAX 48
/* Decimal, into @buf of NUMBER_TEXT_MAX. Return: @buf. */
const char *number_text(struct number n, char *buf);

/* The smallest and the largest value of an integer of @bits (1 to 128). */
struct number number_min(bool is_signed, unsigned int bits);
struct number number_max(bool is_signed, unsigned int bits);
/* Whether @n lies between @min and @max. */
bool number_within(struct number n, struct number min, struct number max);
