/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers, sizes and times as people type them. */
#include "cli/amount.h"

#include <stddef.h>

#include "lib/tap.h"

#define NEVER 12345 /* what was there before */

static const struct {
	struct amount a;
	const char *text;
	uint64_t value;
	const char *wrong; /* NULL: it has that value */
} cases[] = {
	{{AMOUNT_NUMBER}, "0", 0},
	{{AMOUNT_NUMBER}, "9000000000", 9000000000},
	{{AMOUNT_NUMBER}, "007", 7},
	{{AMOUNT_NUMBER}, "18446744073709551615", UINT64_MAX},
	{{AMOUNT_NUMBER}, "18446744073709551616", 0, "is greater than what 64 bits hold"},
	{{AMOUNT_NUMBER}, "99999999999999999999", 0, "is greater than what 64 bits hold"},
	{{AMOUNT_NUMBER, "1"}, "0", 0, "is less than 1"},
	{{AMOUNT_NUMBER, "1"}, "1", 1},
	{{AMOUNT_NUMBER, NULL, "65535"}, "65535", 65535},
	{{AMOUNT_NUMBER, NULL, "65535"}, "65536", 0, "is greater than 65535"},
	{{AMOUNT_NUMBER, NULL, "65535"}, "18446744073709551616", 0, "is greater than 65535"},
	{{AMOUNT_NUMBER, "1"}, "", 0, "is not a number"},
	{{AMOUNT_NUMBER}, "x", 0, "is not a number"},
	{{AMOUNT_NUMBER}, "1k", 0, "is not a number"},
	{{AMOUNT_NUMBER}, "1.5", 0, "is not a number"},
	{{AMOUNT_NUMBER}, "0x10", 0, "is not a number"},
	{{AMOUNT_NUMBER}, "1e3", 0, "is not a number"},
	{{AMOUNT_NUMBER}, " 1", 0, "is not a number"},
	{{AMOUNT_NUMBER}, "1 ", 0, "is not a number"},
	{{AMOUNT_NUMBER}, "-1", 0, "is not a number"},
	{{AMOUNT_NUMBER}, "+1", 0, "is not a number"},
	{{AMOUNT_SIZE}, "65536", 65536},
	{{AMOUNT_SIZE}, "64k", 65536},
	{{AMOUNT_SIZE}, "10M", 10 << 20},
	{{AMOUNT_SIZE}, "3G", 3ull << 30},
	{{AMOUNT_SIZE}, "17179869183G", UINT64_MAX - (1 << 30) + 1},
	{{AMOUNT_SIZE}, "17179869184G", 0, "is greater than what 64 bits hold"},
	{{AMOUNT_SIZE, "1", "1G"}, "1024M", 1 << 30},
	{{AMOUNT_SIZE, "1", "1G"}, "1025M", 0, "is greater than 1G"},
	{{AMOUNT_SIZE, "1", "1G"}, "0k", 0, "is less than 1"},
	{{AMOUNT_SIZE}, "1T", 0, "is not a size: 500k, 10M, 2G"},
	{{AMOUNT_SIZE}, "1kk", 0, "is not a size: 500k, 10M, 2G"},
	{{AMOUNT_SIZE}, "k", 0, "is not a size: 500k, 10M, 2G"},
	{{AMOUNT_SIZE}, "1 k", 0, "is not a size: 500k, 10M, 2G"},
	{{AMOUNT_SIZE}, "1.5M", 0, "is not a size: 500k, 10M, 2G"},
	{{AMOUNT_TIME}, "0", 0},
	{{AMOUNT_TIME}, "10", 10000000000},
	{{AMOUNT_TIME}, "10s", 10000000000},
	{{AMOUNT_TIME}, "7ns", 7},
	{{AMOUNT_TIME}, "7us", 7000},
	{{AMOUNT_TIME}, "500ms", 500000000},
	{{AMOUNT_TIME}, "0.5", 500000000},
	{{AMOUNT_TIME}, "0.5s", 500000000},
	{{AMOUNT_TIME}, "5m", 300000000000},
	{{AMOUNT_TIME}, "1.5h", 5400000000000},
	{{AMOUNT_TIME}, "1.123456789", 1123456789},
	{{AMOUNT_TIME}, "0.99999999999", 999999999},
	{{AMOUNT_TIME}, "0.9ns", 0},
	{{AMOUNT_TIME}, "18446744073.709551615", UINT64_MAX},
	{{AMOUNT_TIME}, "18446744073.709551616", 0, "is greater than what 64 bits hold"},
	{{AMOUNT_TIME}, "18446744074", 0, "is greater than what 64 bits hold"},
	{{AMOUNT_TIME, "100ms", "1h"}, "0.1", 100000000},
	{{AMOUNT_TIME, "100ms", "1h"}, "60m", 3600000000000},
	{{AMOUNT_TIME, "100ms", "1h"}, "99ms", 0, "is less than 100ms"},
	{{AMOUNT_TIME, "100ms", "1h"}, "3600.1", 0, "is greater than 1h"},
	{{AMOUNT_TIME}, "", 0, "is not a time: 500ms, 10s, 5m"},
	{{AMOUNT_TIME}, "s", 0, "is not a time: 500ms, 10s, 5m"},
	{{AMOUNT_TIME}, "1.", 0, "is not a time: 500ms, 10s, 5m"},
	{{AMOUNT_TIME}, ".5", 0, "is not a time: 500ms, 10s, 5m"},
	{{AMOUNT_TIME}, "1.2.3", 0, "is not a time: 500ms, 10s, 5m"},
	{{AMOUNT_TIME}, "1.-5s", 0, "is not a time: 500ms, 10s, 5m"},
	{{AMOUNT_TIME}, "1d", 0, "is not a time: 500ms, 10s, 5m"},
	{{AMOUNT_TIME}, "1 s", 0, "is not a time: 500ms, 10s, 5m"},
	{{AMOUNT_TIME}, " 1s", 0, "is not a time: 500ms, 10s, 5m"},
	{{AMOUNT_TIME}, "-1s", 0, "is not a time: 500ms, 10s, 5m"},
	{{AMOUNT_TIME}, "inf", 0, "is not a time: 500ms, 10s, 5m"},
	{{AMOUNT_TIME}, "nan", 0, "is not a time: 500ms, 10s, 5m"},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t n = NEVER;
		const char *wrong = amount_parse(&cases[i].a, cases[i].text, &n);

		is_str(wrong, cases[i].wrong, "'%s': what is wrong with it", cases[i].text);
		ok(n == (cases[i].wrong ? NEVER : cases[i].value), "'%s': its value",
		   cases[i].text);
	}
	return done();
}
