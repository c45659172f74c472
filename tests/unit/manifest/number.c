/* SPDX-License-Identifier: GPL-2.0-only */
#include "manifest/number.h"

#include "tap.h"

static const struct {
	const char *text;
	enum number_kind kind;
	const char *back; /* NULL: as @text */
} numbers[] = {
	{"0", NUMBER_WHOLE},
	{"-0", NUMBER_WHOLE, "0"},
	{"10", NUMBER_WHOLE},
	{"-10", NUMBER_WHOLE},
	{"0xfF", NUMBER_WHOLE, "255"},
	{"-0x10", NUMBER_WHOLE, "-16"},
	{"0x0010", NUMBER_WHOLE, "16"},
	{"340282366920938463463374607431768211455", NUMBER_WHOLE},
	{"-340282366920938463463374607431768211455", NUMBER_WHOLE},
	{"0xffffffffffffffffffffffffffffffff", NUMBER_WHOLE,
	 "340282366920938463463374607431768211455"},
	{"340282366920938463463374607431768211456", NUMBER_HUGE},
	{"0x100000000000000000000000000000000", NUMBER_HUGE},
	{"", NUMBER_NONE},
	{"-", NUMBER_NONE},
	{"0x", NUMBER_NONE},
	{"0X10", NUMBER_FLOAT}, /* a hexadecimal float to strtod() */
	{"+1", NUMBER_NONE},
	{" 1", NUMBER_NONE},
	{"1 ", NUMBER_NONE},
	{"1a", NUMBER_NONE},
	{"--1", NUMBER_NONE},
	{"nan", NUMBER_NONE},
	{"010", NUMBER_OCTAL},
	{"-00", NUMBER_OCTAL},
	{"1.5", NUMBER_FLOAT},
	{"-.5", NUMBER_FLOAT},
	{"1e3", NUMBER_FLOAT},
};

static bool within(const char *text, bool is_signed, unsigned int bits)
{
	struct number n = {};

	number_parse(text, &n);
	return number_within(n, number_min(is_signed, bits), number_max(is_signed, bits));
}

int main(void)
{
	char buf[NUMBER_TEXT_MAX];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct number n;

		is_int(number_parse(numbers[i].text, &n), numbers[i].kind, "kind of '%s'",
		       numbers[i].text);
		if (numbers[i].kind == NUMBER_WHOLE)
			is_str(number_text(n, buf),
			       numbers[i].back ? numbers[i].back : numbers[i].text, "and value");
	}
	ok(within("127", true, 8) && !within("128", true, 8), "largest signed");
	ok(within("-128", true, 8) && !within("-129", true, 8), "smallest signed");
	ok(within("255", false, 8) && !within("256", false, 8), "largest unsigned");
	ok(within("0", false, 8) && !within("-1", false, 8), "smallest unsigned");
	ok(within("-1", true, 1) && within("0", true, 1) && !within("1", true, 1), "a signed bit");
	is_str(number_text(number_min(true, 128), buf), "-170141183460469231731687303715884105728",
	       "smallest of 16 bytes");
	is_str(number_text(number_max(true, 128), buf), "170141183460469231731687303715884105727",
	       "largest of 16 bytes");
	return done();
}
