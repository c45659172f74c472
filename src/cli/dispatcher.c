/* SPDX-License-Identifier: GPL-2.0-only */
/* braid dispatcher: XDP programs of several tools on one interface. */
#include "cli/dispatcher.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

struct own {
	const char *program, *section, *proceed_on, *mode, *pin_path, *netns;
	uint64_t priority; /* UINT64_MAX: not given */
	bool all;
};

static const struct own_option own_options[] = {
	{"program", 0, OPTION_TEXT, offsetof(struct own, program),
	 "    --program NAME      of the function, if the object has several"},
	{"section", 0, OPTION_TEXT, offsetof(struct own, section),
	 "    --section NAME      the first program in it (default: the first of the object)"},
	{"priority", 0, OPTION_NUMBER, offsetof(struct own, priority),
	 "    --priority N        lower runs earlier (default: the object's, else 50)", NULL,
	 UINT32_TEXT},
	{"proceed-on", 0, OPTION_TEXT, offsetof(struct own, proceed_on),
	 "    --proceed-on LIST   verdicts, with commas, after which the next stage runs"},
	{"mode", 0, OPTION_TEXT, offsetof(struct own, mode),
	 "    --mode WORD         of the first program: native (default), generic, any, hardware"},
	{"pin-path", 0, OPTION_TEXT, offsetof(struct own, pin_path),
	 "    --pin-path FOLDER   in bpffs, for maps that ask to be pinned by name"},
	{"netns", 0, OPTION_TEXT, offsetof(struct own, netns),
	 "    --netns NAME        network namespace of the interface"},
	{"all", 0, OPTION_FLAG, offsetof(struct own, all), "    --all               remove all"},
};

/* What is asked for. */
struct request {
	const struct command *c;
	const struct options *o;
	const struct own *own;
	const char *interface;
	char **args; /* behind the interface */
	int n;
	bool has_priority, has_actions;
	uint32_t priority, actions;
};

/* "pass,tx" */
static bool parse_verdicts(const char *text, uint32_t *ret)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *word;

	*ret = 0;
	while (rest && (word = strsep(&rest, ","))) {
		uint32_t v = 0;

		while (v < 31 && !text_eq(braid_verdict_name("xdp", v), word))
			v++;
		if (v == 31)
			return false;
		*ret |= 1u << v;
	}
	return copy != NULL;
}

/* Return: 0, or the exit status. */
static int read_settings(struct request *q)
{
	const struct own *o = q->own;

	q->has_priority = o->priority != UINT64_MAX;
	q->priority = o->priority;
	q->has_actions = o->proceed_on;
	if (o->proceed_on && !parse_verdicts(o->proceed_on, &q->actions))
		return usage(q->c, "'%s' is no list of verdicts", o->proceed_on);
	if (o->section && o->program)
		return usage(q->c, "one of --section and --program");
	return 0;
}

static int not_found(const struct request *q, const char *word, const char *ids,
		     struct braid_error *err)
{
	err->code = ids ? -ENOTUNIQ : -ENOENT;
	err->where = text_fmt("interface %s", q->interface);
	err->what = text_fmt("%s '%s'", ids ? "several components are called" : "no component",
			     word);
	err->why = ids ? text_fmt("their ids are %s", ids) : NULL;
	err->hint = text_fmt("'braid dispatcher show %s' lists them%s", q->interface,
			     ids ? ": say which by its id" : "");
	return err->code;
}

/* By id, or by a name that only one has. @all: of braid_interfaces(). */
static int find_component(const struct request *q, const json_t *all, const char *word,
			  uint32_t *ret, struct braid_error *err)
{
	const json_t *at = json_array_get(json_object_get(all, "interfaces"), 0);
	struct buf ids = {};
	uint64_t id;
	json_t *c;
	size_t i, n = 0;
	int r = 0;

	if (!amount_parse(NUMBER(NULL, UINT32_TEXT), word, &id)) {
		*ret = id;
		return 0;
	}
	json_array_foreach (json_object_get(at, "components"), i, c)
		if (text_eq(member(c, "name"), word)) {
			*ret = number(c, "id");
			buf_fmt(&ids, "%s%u", n++ ? ", " : "", *ret);
		}
	if (n != 1)
		r = not_found(q, word, ids.v, err);
	buf_done(&ids);
	return r;
}

static int find_components(const struct request *q, int n, uint32_t *ret, struct braid_error *err)
{
	_cleanup_json_ json_t *all = NULL;
	char *text;
	int r = braid_interfaces(q->own->netns, q->interface, &text, err);

	if (r)
		return r;
	all = parse_json(text);
	for (int i = 0; i < n && !r; i++)
		r = find_component(q, all, q->args[i], &ret[i], err);
	return r;
}

static int open_chain(const struct request *q, struct braid_chain **ret, struct braid_error *err)
{
	struct braid_chain_opts opts = {
		.sz = sizeof(opts),
		.netns = q->own->netns,
		.mode = q->own->mode,
		.pin_path = q->own->pin_path,
	};

	return braid_chain_open(q->interface, &opts, ret, err);
}

static int commit(const struct request *q, struct braid_chain *c)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	char *text;

	if (braid_chain_commit(c, &text, &err))
		return fail(q->o, &err);
	return dispatcher_report(q->o, text) ?: pass_chain(q->o, c);
}

static int add_object(const struct request *q, struct braid_chain *c, const char *object,
		      uint32_t replaces, struct braid_error *err)
{
	struct braid_component component = {
		.sz = sizeof(component),
		.object = object,
		.section = q->own->section,
		.program = q->own->program,
		.has_priority = q->has_priority,
		.priority = q->priority,
		.has_actions = q->has_actions,
		.actions = q->actions,
		.replaces = replaces,
	};

	return braid_chain_add(c, &component, err);
}

static int run_add(const struct request *q)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_chain_closep) struct braid_chain *c = NULL;
	int r;

	if (q->n < 1)
		return usage(q->c, "which object?");
	r = open_chain(q, &c, &err);
	for (int i = 0; i < q->n && !r; i++)
		r = add_object(q, c, q->args[i], 0, &err);
	return r ? fail(q->o, &err) : commit(q, c);
}

static int run_replace(const struct request *q)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_chain_closep) struct braid_chain *c = NULL;
	uint32_t id;

	if (q->n != 2)
		return usage(q->c, "which component, and which object instead?");
	if (find_components(q, 1, &id, &err) || open_chain(q, &c, &err) ||
	    add_object(q, c, q->args[1], id, &err))
		return fail(q->o, &err);
	return commit(q, c);
}

static int run_remove(const struct request *q)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_chain_closep) struct braid_chain *c = NULL;
	_cleanup_free_ uint32_t *ids = calloc(q->n + 1, sizeof(*ids));
	int r;

	if (q->own->all == (q->n > 0))
		return usage(q->c, "which components? Or --all of them");
	r = ids ? 0 : (err.code = -ENOMEM);
	r = r ?: q->n ? find_components(q, q->n, ids, &err) : 0;
	r = r ?: open_chain(q, &c, &err);
	if (!r && q->own->all)
		r = braid_chain_remove_all(c, &err);
	for (int i = 0; i < q->n && !r; i++)
		r = braid_chain_remove(c, ids[i], &err);
	return r ? fail(q->o, &err) : commit(q, c);
}

static int run_set(const struct request *q)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_chain_closep) struct braid_chain *c = NULL;
	uint32_t id;

	if (q->n != 1 || (!q->has_priority && !q->has_actions))
		return usage(q->c, "which component, and what? --priority, --proceed-on");
	if (find_components(q, 1, &id, &err) || open_chain(q, &c, &err) ||
	    braid_chain_set(c, id, q->has_priority ? &q->priority : NULL,
			    q->has_actions ? &q->actions : NULL, &err))
		return fail(q->o, &err);
	return commit(q, c);
}

static int run_list(const struct request *q)
{
	return q->interface ? usage(q->c, "list takes no argument") : dispatcher_list(q->o);
}

static int run_show(const struct request *q)
{
	return q->n ? usage(q->c, "one interface at most")
		    : dispatcher_show(q->o, q->own->netns, q->interface);
}

static int run_clean(const struct request *q)
{
	return q->n ? usage(q->c, "one interface at most")
		    : dispatcher_clean(q->o, q->own->netns, q->interface);
}

static const struct {
	const char *name;
	int (*run)(const struct request *q);
	bool changes;
} commands[] = {
	{"list", run_list},           {"show", run_show},     {"add", run_add, true},
	{"remove", run_remove, true}, {"set", run_set, true}, {"replace", run_replace, true},
	{"clean", run_clean},
};

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	struct own own = {.priority = UINT64_MAX};
	int status, first = options_parse_own(c, OPT_PASS_FDS, argc, argv, &o, &own, &status);
	int n = argc - first, at;
	struct request q;

	if (first < 0)
		return status;
	if (n < 1)
		return usage(c, "list, show, add, remove, set, replace or clean?");
	at = find_word(c, "dispatcher command", argv[first], commands);
	if (at < 0)
		return EXIT_USAGE;
	q = (struct request){c, &o, &own, argv[first + 1], argv + first + 2, n > 2 ? n - 2 : 0};
	if (commands[at].changes && !q.interface)
		return usage(c, "which interface?");
	status = commands[at].changes ? read_settings(&q) : EXIT_DONE;
	return status ?: commands[at].run(&q);
}

const struct command cmd_dispatcher = {
	.name = "dispatcher",
	.usage = "COMMAND [options] [INTERFACE] [arguments]",
	.summary = "XDP programs of several tools on one interface, as libxdp runs them",
	.help = "  list                           all dispatchers of this machine\n"
		"  show [INTERFACE]               what XDP programs are there\n"
		"  add INTERFACE OBJECT…          one program of each, all at once\n"
		"  remove INTERFACE COMPONENT…    by id or name; --all: whatever is attached\n"
		"  set INTERFACE COMPONENT        its --priority, --proceed-on\n"
		"  replace INTERFACE COMPONENT OBJECT\n"
		"                                 another program, with the old one's settings\n"
		"  clean [INTERFACE]              remove pins that nobody needs any more\n"
		"\n"
		"Each change is one transaction: packets meet the old programs or the new ones.\n"
		"Those of braid's pipelines are shown, and changed by 'braid apply' only.\n"
		"\n"
		"  braid dispatcher add eth0 filter.bpf.o --priority 10\n"
		"  braid dispatcher set eth0 xdp_filter --proceed-on pass,tx\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
