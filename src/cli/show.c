/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/show.h"

#include <string.h>

#include "base/text.h"

#define VALUE_WIDTH 40

/* A value on one line, cut when it is long. */
static char *value_text(const json_t *value)
{
	_cleanup_free_ char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT)
					  : strdup("-");

	if (!text || strlen(text) <= VALUE_WIDTH)
		return TAKE_PTR(text);
	return text_fmt("%.*s…", VALUE_WIDTH - 1, text);
}

void show_changes(const json_t *changes)
{
	json_t *change;
	size_t i;

	if (!json_array_size(changes))
		puts("  no change");
	json_array_foreach (changes, i, change) {
		const json_t *old = json_object_get(change, "old");
		const json_t *new = json_object_get(change, "new");
		_cleanup_free_ char *from = value_text(old), *to = value_text(new);

		if (old && new)
			printf("  ~ %s: %s -> %s\n", member(change, "path"), from, to);
		else
			printf("  %c %s: %s\n", new ? '+' : '-', member(change, "path"),
			       new ? to : from);
	}
}

void show_carry(const json_t *carry)
{
	json_t *map;
	size_t i, carried = 0;

	json_array_foreach (carry, i, map) {
		const char *stage = member(map, "stage");

		carried += json_is_true(json_object_get(map, "carried"));
		if (!json_is_true(json_object_get(map, "carried")))
			printf("  map %s%s%s starts anew: %s\n", stage, *stage ? "." : "",
			       member(map, "name"), member(map, "why"));
	}
	if (carried)
		printf("  %zu map%s carr%s over\n", carried, carried == 1 ? "" : "s",
		       carried == 1 ? "ies" : "y");
}

int each_pipeline(const struct command *c, const struct options *o, int n, char **args,
		  int (*fn)(const struct options *o, const struct braid_pipeline *p))
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	int status = EXIT_DONE;

	if (n < 1)
		return usage(c, "which manifest?");
	if (load_manifest(o, args[0], &m, &err))
		return fail(o, &err);
	for (size_t i = 0; n == 1 && i < braid_manifest_count(m) && !status; i++)
		status = fn(o, braid_manifest_get(m, i));
	for (int i = 1; i < n && !status; i++) {
		const struct braid_pipeline *p;

		if (braid_manifest_find(m, args[i], &p, &err))
			return fail(o, &err);
		status = fn(o, p);
	}
	return status;
}
