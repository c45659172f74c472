/* SPDX-License-Identifier: GPL-2.0-only */
/* braid status: what runs. */
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/show.h"

static void show_interfaces(const json_t *list)
{
	static const char *const headings[] = {"  INTERFACE", "NETNS",    "MODE",
					       "BY",          ">PROGRAM", "STATE"};
	struct table *t;
	json_t *iface;
	size_t i;

	if (!json_array_size(list)) {
		puts("  on no interface");
		return;
	}
	t = table_new(headings, 6);
	json_array_foreach (list, i, iface) {
		_cleanup_free_ char *name = text_fmt("  %s", member(iface, "name"));
		_cleanup_free_ char *id = text_fmt("%lld", number(iface, "program"));
		const char *foreign = member(iface, "foreign"), *now = member(iface, "now");
		_cleanup_free_ char *state = text_fmt("%s%s%s%s", member(iface, "state"),
						      *foreign || *now ? ": " : "", foreign, now);

		table_row(t, name, member(iface, "netns"), member(iface, "mode"),
			  member(iface, "way"), number(iface, "program") ? id : "-", state);
	}
	table_print(t);
}

static void show_stages(const json_t *list)
{
	static const char *const headings[] = {"  STAGE", "PROGRAM", "PROCEEDS ON",
					       "HOW",     "SIGNALS", "OBJECT"};
	struct table *t = table_new(headings, 6);
	json_t *stage;
	size_t i;

	json_array_foreach (list, i, stage) {
		_cleanup_free_ char *name = text_fmt("  %s", member(stage, "name"));
		_cleanup_free_ char *verdicts = list_text(json_object_get(stage, "proceed-on"));
		_cleanup_free_ char *signals = list_text(json_object_get(stage, "signals"));

		table_row(t, name, member(stage, "program"), verdicts, member(stage, "placed"),
			  signals, member(stage, "object"));
	}
	table_print(t);
}

static void show_unread(const char *what, const json_t *error)
{
	printf("%s: cannot be read: %s%s%s\n", what, member(error, "where"),
	       *member(error, "where") ? ": " : "", member(error, "what"));
	if (*member(error, "hint"))
		printf("  do:  %s\n", member(error, "hint"));
}

/* Of all the machine, so that who has no pipeline is seen, too. */
static void add_dispatchers(json_t *all)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *j = NULL;
	char *text;

	if (braid_dispatchers(&text, &err)) {
		json_object_set_new(all, "dispatchers-error", error_json(&err));
		return;
	}
	j = parse_json(text);
	json_object_update(all, j);
}

static bool is_among(const json_t *dispatchers, const json_t *foreigner)
{
	json_t *d;
	size_t i;

	json_array_foreach (dispatchers, i, d)
		if (text_eq(member(foreigner, "hook"), "xdp") &&
		    number(json_object_get(d, "program"), "id") == number(foreigner, "program"))
			return true;
	return false;
}

/* Those are shown by themselves. */
static void without_dispatchers(json_t *others, const json_t *dispatchers)
{
	for (size_t i = json_array_size(others); i-- > 0;) {
		json_t *list = json_object_get(json_array_get(others, i), "foreigners");

		for (size_t k = json_array_size(list); k-- > 0;)
			if (is_among(dispatchers, json_array_get(list, k)))
				json_array_remove(list, k);
		if (!json_array_size(list))
			json_array_remove(others, i);
	}
}

/* What is attached where no pipeline is; and all dispatchers, whoever is in them. */
static void show_rest(const json_t *all)
{
	const json_t *dispatchers = json_object_get(all, "dispatchers");
	const json_t *error = json_object_get(all, "dispatchers-error");
	json_t *others = json_object_get(all, "others"), *d;
	size_t i;

	without_dispatchers(others, dispatchers);
	if (json_array_size(others)) {
		puts("\nWithout a pipeline, but with programs:");
		show_foreigners(others, false, "");
	}
	json_array_foreach (dispatchers, i, d) {
		puts(i ? "" : "\nDispatchers of libxdp:");
		show_dispatcher(d);
	}
	if (error) {
		putchar('\n');
		show_unread("dispatchers of libxdp", error);
	}
}

/* Who looks at its packets, through a variant in its place. */
static void show_observers(const json_t *observed)
{
	json_t *o;
	size_t i;

	if (observed && !json_is_true(json_object_get(observed, "looks")))
		puts("  observed, but nobody looks any more: the next change takes that out");
	json_array_foreach (json_object_get(observed, "observers"), i, o) {
		bool looks = json_is_true(json_object_get(o, "looks"));

		printf("  observed%s by process %lld since %s: %s\n", looks ? "" : " no more",
		       number(o, "pid"), time_text(number(o, "since")), member(o, "command"));
	}
}

static void show_pipeline(const json_t *p)
{
	json_t *program;
	size_t i;

	if (json_object_get(p, "error")) {
		show_unread(member(p, "pipeline"), json_object_get(p, "error"));
		return;
	}
	printf("%s: revision %lld since %s, %s (%s)\n", member(p, "pipeline"),
	       number(p, "revision"), time_text(number(p, "created")), member(p, "strategy"),
	       member(p, "why"));
	if (*member(p, "verdict")) {
		fputs("  ", stdout);
		show_running_state(p);
	}
	if (strcmp(member(p, "home"), "init") != 0)
		printf("  home: network namespace %s\n", member(p, "home"));
	if (number(p, "interrupted"))
		printf("  revision %lld was interrupted; the next change settles it\n",
		       number(p, "interrupted"));
	show_observers(json_object_get(p, "observed"));
	show_interfaces(json_object_get(p, "interfaces"));
	show_foreigners(json_object_get(p, "interfaces"), true, "  ");
	putchar('\n');
	show_stages(json_object_get(p, "stages"));
	show_counters(json_object_get(p, "counters"));
	putchar('\n');
	json_array_foreach (json_object_get(p, "programs"), i, program)
		printf("  program %s: id %lld, %lld instructions, %lld bytes of machine code\n",
		       member(program, "program"), number(program, "id"),
		       number(program, "instructions"), number(program, "jited-bytes"));
	printf("  %zu maps (--json lists them with their pins)\n",
	       json_array_size(json_object_get(p, "maps")));
}

/* Of a first apply that was killed nothing is there yet. */
static int pass_each(const struct options *o, struct braid *b, const json_t *list)
{
	int status = EXIT_DONE;
	json_t *p;
	size_t i;

	json_array_foreach (list, i, p)
		if (!status && number(p, "interrupted") != number(p, "revision"))
			status = pass_pipeline(o, b, member(p, "home"), member(p, "pipeline"));
	return status;
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	_cleanup_json_ json_t *j = NULL;
	int status, first = options_parse(c, OPT_STATE | OPT_PASS_FDS, argc, argv, &o, &status);
	json_t *list, *p;
	char *text;
	size_t i;

	if (first < 0)
		return status;
	if (argc - first > 1)
		return usage(c, "one pipeline at most");
	if (open_braid(&o, &b, &err) || braid_status(b, argv[first], &text, &err))
		return fail(&o, &err);
	j = parse_json(text);
	if (!argv[first])
		add_dispatchers(j);
	list = json_object_get(j, "pipelines");
	if (o.json) {
		print_json(json_dumps(j, JSON_INDENT(2)));
		return pass_each(&o, b, list);
	}
	if (!json_array_size(list))
		puts("No pipeline runs.");
	json_array_foreach (list, i, p) {
		if (i)
			putchar('\n');
		show_pipeline(p);
	}
	show_rest(j);
	return pass_each(&o, b, list);
}

const struct command cmd_status = {
	.name = "status",
	.usage = "[options] [PIPELINE]",
	.summary = "show what runs, as the kernel has it",
	.help = "States of an interface: attached; detached (nothing is there); foreign (another\n"
		"program is); missing (no such interface); renamed (it runs there, by another "
		"name).\n"
		"What else is attached there is listed, with its owner, and what it means for the\n"
		"pipeline. Without PIPELINE, also what is attached to other interfaces, and all\n"
		"dispatchers of libxdp on the machine, with their components.\n"
		"Of each stage: what has come to it, and what share of that left there, by "
		"verdict.\n",
	.run = run,
};
