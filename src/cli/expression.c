/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/expression.h"

#include "base/text.h"

int take_expression(const struct command *c, int n, char **words, struct look_options *from,
		    char **ret)
{
	struct buf b = {};

	if (!n)
		return EXIT_DONE;
	if (from->filter)
		return usage(c, "a filter by --filter, and another one: '%s'", words[0]);
	for (int i = 0; i < n; i++)
		buf_fmt(&b, "%s%s", i ? " " : "", words[i]);
	*ret = buf_take(&b);
	if (!*ret) {
		fputs("braid: out of memory\n", stderr);
		return EXIT_FAILED;
	}
	from->filter = *ret;
	return EXIT_DONE;
}
