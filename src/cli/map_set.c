/* SPDX-License-Identifier: GPL-2.0-only */
/* braid map set, delete */
#include <errno.h>
#include <string.h>

#include "cli/map.h"

/* What apply does with what was changed by hand, where the manifest gives entries. */
static void show_hint(const json_t *info)
{
	if (number(info, "manifest-entries"))
		puts("  The manifest gives this map entries. An apply leaves it as it is now, "
		     "unless they\n  change: then the map begins anew, with those.");
}

static int report(struct map_call *call, struct braid_map *m, const char *what, size_t n)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *info = NULL, *j = NULL;
	char *text = NULL;

	if (braid_map_json(m, &text, &err))
		return fail(call->o, &err);
	info = parse_json(text);
	if (call->o->json) {
		j = json_pack("{s:s, s:s, s:I, s:O*}", "pipeline", member(info, "pipeline"), "map",
			      member(info, "map"), what, (json_int_t)n, "manifest-entries",
			      json_object_get(info, "manifest-entries"));
		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
		return EXIT_DONE;
	}
	printf("%s %s: %s %zu %s\n", member(info, "pipeline"), member(info, "map"), what, n,
	       n == 1 ? "entry" : "entries");
	show_hint(info);
	return EXIT_DONE;
}

static struct braid_map_set_opts set_opts(struct map_call *call, bool per_cpu)
{
	return (struct braid_map_set_opts){
		.sz = sizeof(struct braid_map_set_opts),
		.create = call->own->create,
		.update = call->own->update,
		.per_cpu = per_cpu,
	};
}

static int bad_line(struct map_call *call, size_t line, const char *what, const char *hint)
{
	_cleanup_free_ char *where = text_fmt("%s:%zu", call->own->from, line);
	struct braid_error err = {
		.code = -EINVAL, .where = where, .what = (char *)what, .hint = (char *)hint};

	return fail(call->o, &err);
}

/* One line of what dump --json printed. Return: exit status. */
static int set_line(struct map_call *call, struct braid_map *m, const char *text, size_t line)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *j = json_loads(text, 0, NULL);
	const json_t *key = json_object_get(j, "key"), *value = json_object_get(j, "value");
	const json_t *cpus = json_object_get(j, "cpus");
	_cleanup_free_ char *key_text = key ? json_dumps(key, JSON_ENCODE_ANY) : NULL;
	_cleanup_free_ char *value_text = json_dumps(value ?: cpus, JSON_ENCODE_ANY), *what = NULL;
	struct braid_map_set_opts opts = set_opts(call, !value);

	if (!j)
		return bad_line(call, line, "this is no entry as braid map dump --json prints it",
				NULL);
	if (json_object_get(j, "sum"))
		return bad_line(call, line, "a sum of several CPUs cannot be set",
				"dump it with --per-cpu");
	if (!value_text)
		return bad_line(call, line, "there is no value", NULL);
	if (!braid_map_set(m, key_text, value_text, &opts, &err))
		return EXIT_DONE;
	what = err.where;
	err.where = text_fmt("%s:%zu%s%s", call->own->from, line, what ? ": " : "", what ?: "");
	return fail(call->o, &err);
}

static int unreadable(struct map_call *call)
{
	struct braid_error err = {.code = -(errno ?: EIO), .where = (char *)call->own->from};

	return fail(call->o, &err);
}

static int set_from(struct map_call *call)
{
	_cleanup_(braid_map_closep) struct braid_map *m = NULL;
	bool is_stdin = text_eq(call->own->from, "-");
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	size_t room = 0, n = 0, lines = 0;
	int status;

	if (call->n != 2)
		return usage(call->c, "--from goes with PIPELINE MAP");
	f = is_stdin ? fdopen(dup(0), "r") : fopen(call->own->from, "re");
	if (!f)
		return unreadable(call);
	if (map_call_open(call, &m, &status))
		return status;
	while (getline(&line, &room, f) > 0) {
		lines++;
		if (line[strspn(line, " \t\r\n")] == '\0')
			continue;
		status = set_line(call, m, line, lines);
		if (status)
			return status;
		n++;
	}
	if (!feof(f))
		return unreadable(call);
	return report(call, m, "set", n);
}

static bool is_member(const char *arg)
{
	return arg[0] == '.' && strchr(arg, '=');
}

/* .limit=5 .burst=7 */
static int set_members(struct map_call *call, struct braid_map *m, const char *key, char **args,
		       int n, struct braid_error *err)
{
	_cleanup_free_ const char **members = calloc(n, sizeof(*members));

	if (!members)
		return err->code = -ENOMEM;
	for (int i = 0; i < n; i++)
		members[i] = args[i] + 1;
	return braid_map_set_members(m, key, members, n, err);
}

int map_set(struct map_call *call)
{
	_cleanup_(braid_map_closep) struct braid_map *m = NULL;
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_map_set_opts opts = set_opts(call, call->own->per_cpu);
	bool has_key = call->n > 3 && !is_member(call->args[2]);
	const char *key = has_key ? call->args[2] : NULL;
	char **rest = call->args + 2 + has_key;
	int n = call->n - 2 - has_key, r, status;

	if (call->own->create && call->own->update)
		return usage(call->c, "--create or --update, not both");
	if (call->own->from)
		return set_from(call);
	if (call->n < 3)
		return usage(call->c, "set what? PIPELINE MAP [KEY] VALUE");
	if (n > 1 && !is_member(rest[0]))
		return usage(call->c, "one value: quote it");
	for (int i = 1; i < n; i++)
		if (!is_member(rest[i]))
			return usage(call->c, "'%s' is no .MEMBER=VALUE", rest[i]);
	if (is_member(rest[0]) && (call->own->create || call->own->per_cpu))
		return usage(call->c, "members are set of entries that are there, on all CPUs");
	if (map_call_open(call, &m, &status))
		return status;
	r = is_member(rest[0]) ? set_members(call, m, key, rest, n, &err)
			       : braid_map_set(m, key, rest[0], &opts, &err);
	return r ? fail(call->o, &err) : report(call, m, "set", 1);
}

/* false: whoever is there does not want it. */
static bool confirm(const char *map)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	fprintf(stderr, "All entries of %s go. Its name, to confirm: ", map);
	if (getline(&line, &room, stdin) < 0)
		return false;
	line[strcspn(line, "\n")] = '\0';
	return text_eq(line, map);
}

static int delete_all(struct map_call *call)
{
	_cleanup_(braid_map_closep) struct braid_map *m = NULL;
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	int status;
	size_t n;

	if (call->n != 2)
		return usage(call->c, "--all goes without a KEY");
	if (map_call_open(call, &m, &status))
		return status;
	if (!call->own->yes && !confirm(call->args[1])) {
		fputs("\nbraid: nothing was deleted\n  do:  type the name of the map, or give "
		      "--yes\n",
		      stderr);
		return EXIT_FAILED;
	}
	if (braid_map_clear(m, &n, &err))
		return fail(call->o, &err);
	return report(call, m, "deleted", n);
}

int map_delete(struct map_call *call)
{
	_cleanup_(braid_map_closep) struct braid_map *m = NULL;
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *entry = NULL;
	char *taken = NULL;
	int status;

	if (call->own->all)
		return delete_all(call);
	if (call->n < 2 || call->n > 3)
		return usage(call->c, "delete what? PIPELINE MAP KEY, or --all");
	if (map_call_open(call, &m, &status))
		return status;
	if (braid_map_delete(m, call->args[2], &taken, &err))
		return fail(call->o, &err);
	if (!taken)
		return report(call, m, "deleted", 1);
	if (call->o->json) {
		print_json(taken);
		return EXIT_DONE;
	}
	entry = parse_json(taken);
	print_entry("", entry);
	return EXIT_DONE;
}
