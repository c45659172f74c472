/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON as the library returns it: what commands read from it. */
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

json_t *parse_json(char *text)
{
	json_t *j = json_loads(text, 0, NULL);

	free(text);
	if (!j) {
		fputs("braid: out of memory\n", stderr);
		exit(EXIT_FAILED);
	}
	return j;
}

void print_json(char *text)
{
	puts(text);
	free(text);
}

const char *member(const json_t *j, const char *name)
{
	return json_string_value(json_object_get(j, name)) ?: "";
}

long long number(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

char *list_text(const json_t *list)
{
	struct buf b = {};
	json_t *element;
	size_t i;

	json_array_foreach (list, i, element)
		buf_fmt(&b, "%s%s", i ? ", " : "", json_string_value(element) ?: "");
	return buf_take(&b);
}
