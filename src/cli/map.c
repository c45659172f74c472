/* SPDX-License-Identifier: GPL-2.0-only */
/* braid map: the maps of what runs. */
#include <errno.h>
#include <stddef.h>

#include "cli/map.h"

int map_call_open(struct map_call *call, struct braid_map **ret, int *ret_status)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	int r = call->b ? 0 : open_braid(call->o, &call->b, &err);

	r = r ?: braid_map_open(call->b, call->args[0], call->args[1], call->own->home, ret, &err);
	if (r == -ENOENT && call->b) { /* of a revision that had just ended? */
		braid_error_clear(&err);
		r = braid_map_open(call->b, call->args[0], call->args[1], call->own->home, ret,
				   &err);
	}
	if (r)
		*ret_status = fail(call->o, &err);
	return r;
}

static int get(struct map_call *call)
{
	_cleanup_(braid_map_closep) struct braid_map *m = NULL;
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *entry = NULL;
	_cleanup_(buf_done) struct buf b = {};
	char *text = NULL;
	int status;

	if (call->n < 2 || call->n > 3)
		return usage(call->c, "get what? PIPELINE MAP [KEY]");
	if (map_call_open(call, &m, &status))
		return status;
	if (braid_map_get(m, call->args[2], call->own->per_cpu, &text, &err))
		return fail(call->o, &err);
	if (call->o->json) {
		print_json(text);
		return EXIT_DONE;
	}
	entry = parse_json(text);
	inline_text(entry_value(entry), &b);
	puts(b.v ?: "");
	return EXIT_DONE;
}

enum { ALL = 1, COUNT = 2, PER_CPU = 4, CREATE = 8, YES = 16, ONCE = 32, LIMIT = 64, FROM = 128 };

static const struct verb {
	const char *name;
	int (*run)(struct map_call *call);
	unsigned int takes;
} verbs[] = {
	{"list", map_list, ALL | COUNT},           {"get", get, PER_CPU},
	{"set", map_set, PER_CPU | CREATE | FROM}, {"delete", map_delete, ALL | YES},
	{"dump", map_dump, PER_CPU | LIMIT},       {"watch", map_watch, PER_CPU | LIMIT | ONCE},
};

/* An option that would do nothing. NULL: there is none. */
static const char *misplaced(const struct verb *v, const struct map_options *o)
{
	const struct {
		bool given;
		unsigned int kind;
		const char *name;
	} all[] = {
		{o->all, ALL, "--all"},
		{o->count, COUNT, "--count"},
		{o->per_cpu, PER_CPU, "--per-cpu"},
		{o->create, CREATE, "--create"},
		{o->update, CREATE, "--update"},
		{o->yes, YES, "--yes"},
		{o->once, ONCE, "--once"},
		{o->interval, ONCE, "--interval"},
		{o->limit, LIMIT, "--limit"},
		{o->from, FROM, "--from"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i].given && !(v->takes & all[i].kind))
			return all[i].name;
	return NULL;
}

/* Is @arg an option, and what is behind it its value? */
static bool takes_value(const struct command *c, const char *arg)
{
	const char *name = text_has_prefix(arg, "--") ? arg + 2 : NULL;
	char letter = arg[0] == '-' && arg[1] && !arg[2] ? arg[1] : '\0';

	for (size_t i = 0; i < c->n_own; i++) {
		const struct own_option *own = &c->own[i];

		if (own->kind != OPTION_FLAG &&
		    ((letter && letter == own->letter) || text_eq(name, own->name)))
			return true;
	}
	return false;
}

/* -5 is a value, no option; a blank in front makes no difference to it. */
static char *as_value(char *arg)
{
	char *value;

	if (arg[0] != '-' || arg[1] < '0' || arg[1] > '9')
		return arg;
	value = text_fmt(" %s", arg);
	return value ?: arg;
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	struct map_options own = {};
	const struct verb *verb;
	int status, first, at;
	struct map_call call;

	for (int i = 1; i < argc; i++)
		if (!takes_value(c, argv[i - 1]))
			argv[i] = as_value(argv[i]);
	first = options_parse_own(c, OPT_STATE, argc, argv, &o, &own, &status);
	if (first < 0)
		return status;
	if (argc - first < 1)
		return usage(c, "list, get, set, delete, dump or watch?");
	at = find_word(c, "map command", argv[first], verbs);
	if (at < 0)
		return EXIT_USAGE;
	verb = &verbs[at];
	if (misplaced(verb, &own))
		return usage(c, "%s does not go with %s", misplaced(verb, &own), verb->name);
	call = (struct map_call){c, &o, &own, NULL, argc - first - 1, argv + first + 1};
	status = verb->run(&call);
	braid_close(call.b);
	return status;
}

#define OWN(name, letter, kind, field, ...)                                                        \
	{                                                                                          \
		name, letter, kind, offsetof(struct map_options, field), __VA_ARGS__               \
	}

static const struct own_option own_options[] = {
	OWN("all", 'a', OPTION_FLAG, all,
	    "-a, --all               list: braid's own maps, too; delete: all entries"),
	OWN("count", 'c', OPTION_FLAG, count,
	    "-c, --count             list: count entries, which reads them all"),
	OWN("per-cpu", 'p', OPTION_FLAG, per_cpu,
	    "-p, --per-cpu           a list with the value of each CPU, not their sum"),
	OWN("create", 0, OPTION_FLAG, create,
	    "    --create            set: only if it is not there yet"),
	OWN("update", 0, OPTION_FLAG, update, "    --update            set: only if it is there"),
	OWN("from", 'f', OPTION_TEXT, from,
	    "-f, --from FILE         set: what dump --json has printed; - is standard input"),
	OWN("limit", 'l', OPTION_NUMBER, limit,
	    "-l, --limit N           dump, watch: so many lines at most", "1"),
	OWN("interval", 'i', OPTION_TIME, interval,
	    "-i, --interval TIME     watch: between two looks: 200ms, 1s (default), 5s", "10ms",
	    "24h"),
	OWN("once", 0, OPTION_FLAG, once, "    --once              watch: one interval, and end"),
	OWN("yes", 'y', OPTION_FLAG, yes, "-y, --yes               delete --all: do not ask"),
	OWN("home", 0, OPTION_TEXT, home,
	    "    --home NETNS        home of the pipeline (default: where the caller is)"),
};

const struct command cmd_map = {
	.name = "map",
	.usage = "list|get|set|delete|dump|watch [options] [PIPELINE] [MAP] [KEY] [VALUE]",
	.summary = "read and change the maps of what runs, by their types",
	.help = "A MAP is called guard.flows, or flows if only one stage has it; globals are\n"
		"guard.data. Keys and values are written as in manifests, and printed so.\n"
		"\n"
		"  braid map list edge\n"
		"  braid map dump edge guard.flows\n"
		"  braid map get edge rules4 10.0.0.0/8\n"
		"  braid map set edge rules4 10.0.0.0/8 '{action: drop}'\n"
		"  braid map set edge guard.flows 192.0.2.1 .limit=500   one member, in place\n"
		"  braid map delete edge rules4 10.0.0.0/8\n"
		"  braid map watch edge guard.stats                      what changes, and how "
		"fast\n"
		"  braid map dump --json edge rules4 | braid map set --from - other rules4\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
