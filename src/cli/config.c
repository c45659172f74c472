/* SPDX-License-Identifier: GPL-2.0-only */
/* braid config: fields that change while packets flow. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

static char *value_text(const json_t *value)
{
	if (json_is_string(value))
		return strdup(json_string_value(value));
	return value ? json_dumps(value, JSON_ENCODE_ANY) : strdup("");
}

static void show_field(struct table *t, const json_t *f)
{
	_cleanup_free_ char *name = text_fmt("%s.%s", member(f, "stage"), member(f, "name"));
	_cleanup_free_ char *value = value_text(json_object_get(f, "value"));
	_cleanup_free_ char *normal = value_text(json_object_get(f, "default"));
	_cleanup_free_ char *runs = value_text(json_object_get(f, "running"));
	_cleanup_free_ char *range = json_object_get(f, "min")
					     ? text_fmt("%lld..%lld", number(f, "min"),
							number(f, "max"))
					     : strdup("");
	_cleanup_free_ char *note = json_object_get(f, "running")
					    ? text_fmt("but %s is in use", runs ?: "")
					    : strdup("");

	table_row(t, name, value, normal, member(f, "type"), range, note);
}

static void show_fields(const json_t *j)
{
	static const char *const headings[] = {"FIELD", "VALUE", "DEFAULT", "TYPE", "RANGE", ""};
	struct table *t;
	json_t *one;
	size_t i;

	if (number(j, "version"))
		printf("%s: configuration %lld\n", member(j, "pipeline"), number(j, "version"));
	else
		printf("%s: all defaults\n", member(j, "pipeline"));
	if (number(j, "interrupted"))
		printf("configuration %lld was interrupted; the next change settles it\n",
		       number(j, "interrupted"));
	t = table_new(headings, 6);
	json_array_foreach (json_object_get(j, "fields"), i, one)
		show_field(t, one);
	table_print(t);
	json_array_foreach (json_object_get(j, "dropped"), i, one)
		printf("not in use: %s (%s)\n", member(one, "field"), member(one, "why"));
}

static void show_versions(const json_t *list)
{
	static const char *const headings[] = {">VERSION", "STATE", "TIME",
					       "WHAT",     "CAUSE", "NOTE"};
	struct table *t = table_new(headings, 6);

	for (size_t i = json_array_size(list); i-- > 0;) {
		const json_t *v = json_array_get(list, i);
		_cleanup_free_ char *n = text_fmt("%lld", number(v, "version"));

		table_row(t, n, member(v, "state"), time_text(number(v, "created")),
			  member(v, "what"), member(v, "cause"), member(v, "note"));
	}
	table_print(t);
}

static void report(const json_t *j)
{
	if (*member(j, "recovered"))
		printf("%s\n", member(j, "recovered"));
	if (!json_is_true(json_object_get(j, "changed")))
		printf("%s: nothing changes\n", member(j, "pipeline"));
	else
		printf("%s: configuration %lld: %s\n", member(j, "pipeline"), number(j, "version"),
		       member(j, "what"));
}

/* Prints what the library said, as JSON or by @show. */
static int finish(const struct options *o, int r, char *text, void (*show)(const json_t *j),
		  const struct braid_error *err)
{
	_cleanup_json_ json_t *j = NULL;

	if (r)
		return fail(o, err);
	if (o->json) {
		print_json(text);
		return EXIT_DONE;
	}
	j = parse_json(text);
	show(j);
	return EXIT_DONE;
}

struct own {
	struct texts defaults;
};

static void own_done(struct own *own)
{
	array_done(&own->defaults.list);
}

static const struct own_option own_options[] = {
	{"default", 0, OPTION_TEXTS, offsetof(struct own, defaults),
	 "    --default FIELD     back to its default; may be repeated"},
};

/* What is behind the pipeline on the command line. */
struct call {
	const struct options *o;
	const struct own *own;
	struct braid *b;
	const char *pipeline;
	int n;
	char **args;
};

static int get(const struct command *c, const struct call *call)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	char *text = NULL;
	int r;

	if (call->n)
		return usage(c, "one pipeline at a time");
	r = braid_config_get(call->b, call->pipeline, &text, &err);
	return finish(call->o, r, text, show_fields, &err);
}

/* "FIELD=" for each --default FIELD. */
static bool add_defaults(const struct own *own, char **changes, size_t *n)
{
	for (size_t i = 0; i < own->defaults.list.n; i++) {
		changes[*n] = text_fmt("%s=", own->defaults.list.v[i]);
		if (!changes[(*n)++])
			return false;
	}
	return true;
}

static int set(const struct command *c, const struct call *call)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	size_t n = 0, most = call->n + call->own->defaults.list.n;
	char **changes = calloc(most ?: 1, sizeof(*changes)), *text = NULL;
	int r = changes && add_defaults(call->own, changes, &n) ? 0 : -ENOMEM;

	if (!r && !most) {
		free(changes);
		return usage(c, "which field? FIELD=VALUE");
	}
	for (int i = 0; i < call->n && !r; i++) {
		changes[n] = strdup(call->args[i]);
		r = changes[n++] ? 0 : -ENOMEM;
	}
	err.code = r;
	if (!r)
		r = braid_config_set(call->b, call->pipeline, (const char *const *)changes, n,
				     &text, &err);
	for (size_t i = 0; i < n; i++)
		free(changes[i]);
	free(changes);
	return finish(call->o, r, text, report, &err);
}

static int history(const struct command *c, const struct call *call)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	char *text = NULL;
	int r;

	if (call->n)
		return usage(c, "one pipeline at a time");
	r = braid_config_history(call->b, call->pipeline, &text, &err);
	return finish(call->o, r, text, show_versions, &err);
}

static int roll_back(const struct command *c, const struct call *call)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	uint64_t version;
	char *text = NULL;
	int r;

	if (call->n > 1)
		return usage(c, "to which version?");
	if (call->n &&
	    !take_amount(c, "VERSION", NUMBER(NULL, UINT32_TEXT), call->args[0], &version))
		return EXIT_USAGE;
	r = braid_config_rollback(call->b, call->pipeline, call->n ? (int64_t)version : -1, &text,
				  &err);
	return finish(call->o, r, text, report, &err);
}

static const struct {
	const char *name;
	int (*run)(const struct command *c, const struct call *call);
} verbs[] = {
	{"get", get},
	{"set", set},
	{"history", history},
	{"rollback", roll_back},
};

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	_cleanup_(own_done) struct own own = {};
	int status,
		first = options_parse_own(c, OPT_STATE | OPT_WAIT, argc, argv, &o, &own, &status);
	struct call call;
	int verb;

	if (first < 0)
		return status;
	if (argc - first < 1)
		return usage(c, "get, set, history or rollback?");
	verb = find_word(c, "config command", argv[first], verbs);
	if (verb < 0)
		return EXIT_USAGE;
	if (argc - first < 2)
		return usage(c, "which pipeline?");
	if (own.defaults.list.n && verbs[verb].run != set)
		return usage(c, "--default goes with set");
	if (open_braid(&o, &b, &err))
		return fail(&o, &err);
	call = (struct call){&o, &own, b, argv[first + 1], argc - first - 2, argv + first + 2};
	return verbs[verb].run(c, &call);
}

const struct command cmd_config = {
	.name = "config",
	.usage = "get|set|history|rollback [options] PIPELINE [FIELD=VALUE… | VERSION]",
	.summary = "change fields of programs while packets flow, all at once",
	.help = "Fields are those that the authors of stages declare with BRAID_CONFIG(). A "
		"packet\n"
		"meets all of the old values or all of the new ones, in all stages.\n"
		"\n"
		"  braid config get edge\n"
		"  braid config set edge limit=500 guard.burst=50\n"
		"  braid config set edge --default limit\n"
		"  braid config rollback edge      the values of before; 0: all defaults\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
