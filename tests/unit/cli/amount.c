/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that options take. */
#include "cli/amount.h"

#include <stddef.h>

#include "lib/tap.h"

static void size(const char *text, long long want)
{
	uint64_t n = -1;
	bool held = parse_size(text, &n);

	is_int(held ? (long long)n : -1, want, "size '%s'", text);
}

static void count(const char *text, long long want)
{
	uint64_t n = -1;
	bool held = parse_count(text, &n);

	is_int(held ? (long long)n : -1, want, "count '%s'", text);
}

static void snap(const char *text, long long want)
{
	uint32_t n = -1;
	bool held = parse_snap(text, &n);

	is_int(held ? (long long)n : -1, want, "snap '%s'", text);
}

int main(void)
{
	size("1", 1);
	size("65536", 65536);
	size("64k", 65536);
	size("10M", 10 << 20);
	size("3G", 3ll << 30);
	static const char *const no_sizes[] = {"",
					       "0",
					       "0k",
					       "-1",
					       "1kk",
					       "k",
					       "1T",
					       " 1",
					       "1 k",
					       "18446744073709551616",
					       "17179869184G"};
	for (size_t i = 0; i < sizeof(no_sizes) / sizeof(*no_sizes); i++)
		size(no_sizes[i], -1);
	count("1", 1);
	count("9000000000", 9000000000);
	count("0", -1);
	count("1k", -1);
	count("x", -1);
	snap("0", 0);
	snap("65535", 65535);
	snap("65536", -1);
	snap("-1", -1);
	snap("", -1);
	return done();
}
