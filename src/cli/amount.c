/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/amount.h"

#include <errno.h>
#include <stdlib.h>

static bool parse(const char *text, uint64_t *ret, const char **ret_end)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	*ret_end = end;
	return !errno;
}

bool parse_count(const char *text, uint64_t *ret)
{
	const char *end;

	return parse(text, ret, &end) && !*end && *ret;
}

bool parse_size(const char *text, uint64_t *ret)
{
	static const char units[] = "kMG";
	const char *end;
	int shift = 0;

	if (!parse(text, ret, &end))
		return false;
	for (int i = 0; *end && units[i]; i++)
		if (*end == units[i]) {
			shift = 10 * (i + 1);
			end++;
			break;
		}
	if (*end || !*ret || *ret > UINT64_MAX >> shift)
		return false;
	*ret <<= shift;
	return true;
}

bool parse_snap(const char *text, uint32_t *ret)
{
	const char *end;
	uint64_t n;

	if (!parse(text, &n, &end) || *end || n > 65535)
		return false;
	*ret = n;
	return true;
}
