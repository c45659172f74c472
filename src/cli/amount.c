/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/amount.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define DIGITS "0123456789"
#define S      1000000000ull /* ns */

static const struct {
	const char *wrong;
	struct unit {
		const char *name;
		uint64_t value;
	} units[8];
} kinds[] = {
	[AMOUNT_NUMBER] = {"is not a number", {{"", 1}}},
	[AMOUNT_SIZE] = {"is not a size: 500k, 10M, 2G",
			 {{"", 1}, {"k", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}}},
	[AMOUNT_TIME] = {"is not a time: 500ms, 10s, 5m",
			 {{"", S},
			  {"s", S},
			  {"ns", 1},
			  {"us", 1000},
			  {"ms", 1000000},
			  {"m", 60 * S},
			  {"h", 3600 * S}}},
};

static uint64_t value_of(const struct unit *units, const char *name)
{
	for (size_t i = 0; i < 8; i++)
		if (text_eq(units[i].name, name))
			return units[i].value;
	return 0;
}

/* Return: 0; -EINVAL: none of its kind; -ERANGE: it does not fit. */
static int read_amount(enum amount_kind kind, const char *text, uint64_t *ret)
{
	size_t whole = strspn(text, DIGITS), parts = 0;
	const char *point = text + whole, *unit_name = point;
	uint64_t n = 0, unit;

	if (kind == AMOUNT_TIME && *point == '.') {
		parts = strspn(point + 1, DIGITS);
		unit_name = parts ? point + 1 + parts : point;
	}
	unit = value_of(kinds[kind].units, unit_name);
	if (!whole || !unit)
		return -EINVAL;
	for (size_t i = 0; i < whole; i++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, text[i] - '0', &n))
			return -ERANGE;
	if (__builtin_mul_overflow(n, unit, &n))
		return -ERANGE;
	for (size_t i = 1; i <= parts; i++) {
		unit /= 10;
		if (__builtin_add_overflow(n, (point[i] - '0') * unit, &n))
			return -ERANGE;
	}
	*ret = n;
	return 0;
}

const char *amount_parse(const struct amount *a, const char *text, uint64_t *ret)
{
	static char wrong[64];
	uint64_t n, least = 0, most = UINT64_MAX;
	int r = read_amount(a->kind, text, &n);

	if (a->least)
		read_amount(a->kind, a->least, &least);
	if (a->most)
		read_amount(a->kind, a->most, &most);
	if (r == -EINVAL)
		return kinds[a->kind].wrong;
	if (!r && n >= least && n <= most) {
		*ret = n;
		return NULL;
	}
	if (!r && n < least)
		snprintf(wrong, sizeof(wrong), "is less than %s", a->least);
	else
		snprintf(wrong, sizeof(wrong), "is greater than %s",
			 a->most ?: "what 64 bits hold");
	return wrong;
}
