/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/show.h"

#include <errno.h>
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

void show_running_state(const json_t *pipeline)
{
	const char *state = member(pipeline, "state"), *verdict = member(pipeline, "verdict");

	if (*verdict)
		printf("%s: packets %s\n", state,
		       strcmp(verdict, "pass") ? "are dropped" : "pass it by");
	else
		printf("%s\n", *state ? state : "in an unknown state");
}

/* Lines of a diff, one below the other. */
static void show_diff(const char *diff)
{
	while (*diff) {
		size_t n = strcspn(diff, "\n");

		printf("      %.*s\n", (int)n, diff);
		diff += n + (diff[n] != '\0');
	}
}

/* How many entries were copied, and how many of them once more. Nothing before it is done. */
static void show_copied(const json_t *map)
{
	const json_t *pass;
	long long again = 0;
	size_t i;

	if (!json_object_get(map, "copied"))
		return;
	json_array_foreach (json_object_get(map, "caught-up"), i, pass)
		again += json_integer_value(pass);
	printf("      %lld entries, %lld changed meanwhile, %lld in the end; %lld conflict%s%s%s\n",
	       number(map, "copied"), again, number(map, "late"), number(map, "conflicts"),
	       number(map, "conflicts") == 1 ? "" : "s", *member(map, "note") ? ": " : "",
	       member(map, "note"));
}

static void show_members(const char *what, const json_t *list)
{
	_cleanup_free_ char *names = json_array_size(list) ? list_text(list) : NULL;

	if (names)
		printf("      %s: %s\n", what, names);
}

void show_carry(const json_t *carry)
{
	size_t i, continue_ = 0;
	json_t *map;

	json_array_foreach (carry, i, map) {
		const char *stage = member(map, "stage"), *how = member(map, "how");

		if (!strcmp(how, "continues")) {
			continue_++;
			continue;
		}
		printf("  map %s%s%s %s: %s\n", stage, *stage ? "." : "", member(map, "name"),
		       !strcmp(how, "anew") ? "starts anew" : how, member(map, "why"));
		if (strcmp(how, "dropped") && strcmp(how, "parked"))
			show_diff(member(map, "diff"));
		show_members("added", json_object_get(map, "added"));
		show_members("removed", json_object_get(map, "removed"));
		show_copied(map);
	}
	if (continue_)
		printf("  %zu map%s carr%s over\n", continue_, continue_ == 1 ? "" : "s",
		       continue_ == 1 ? "ies" : "y");
}

bool is_file(const char *arg)
{
	return strpbrk(arg, "./") != NULL;
}

static int say_which(const struct braid_manifest *m, const char *path, struct braid_error *err)
{
	struct buf b = {};

	for (size_t i = 0; i < braid_manifest_count(m); i++)
		buf_fmt(&b, "%s%s", i ? ", " : "", braid_pipeline_name(braid_manifest_get(m, i)));
	err->code = -EINVAL;
	err->where = strdup(path);
	err->what = text_fmt("the manifest has %zu pipelines, and this takes one",
			     braid_manifest_count(m));
	err->hint = text_fmt("name one of %s behind it", b.v ?: "them");
	buf_done(&b);
	return -EINVAL;
}

int pick_pipeline(const struct braid_manifest *m, const char *path, const char *name,
		  const struct braid_pipeline **ret, struct braid_error *err)
{
	int r;

	if (!name && braid_manifest_count(m) > 1)
		return say_which(m, path, err);
	if (!name) {
		*ret = braid_manifest_get(m, 0);
		return 0;
	}
	r = braid_manifest_find(m, name, ret, err);
	if (r && !err->where)
		err->where = strdup(path);
	return r;
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

		if (pick_pipeline(m, args[0], args[i], &p, &err))
			return fail(o, &err);
		status = fn(o, p);
	}
	return status;
}

const char *action_note(const json_t *iface)
{
	const char *action = member(iface, "action");

	if (text_eq(action, "move"))
		return " (for a moment packets meet the old and the new one)";
	if (json_is_true(json_object_get(iface, "atomic")))
		return " (between two packets)";
	if (text_eq(action, "replace") || text_eq(action, "change-mode") ||
	    text_eq(action, "change-way"))
		return " (for a moment packets meet none)";
	return "";
}
