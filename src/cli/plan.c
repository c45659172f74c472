/* SPDX-License-Identifier: GPL-2.0-only */
/* braid plan: how pipelines would run, and what would change. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/show.h"

/*
 * With what runs, when that can be looked at; otherwise the plan alone, which needs no
 * privilege, and @ret_alone says why.
 */
static int make_plan(const struct options *o, const struct braid_pipeline *p, char **ret,
		     char **ret_alone, struct braid_error *err)
{
	_cleanup_error_ struct braid_error first = BRAID_ERROR_INIT;
	struct braid_apply_opts opts = {.sz = sizeof(opts), .replace = o->replace};
	_cleanup_(braid_plan_freep) struct braid_plan *plan = NULL;
	_cleanup_(braid_closep) struct braid *b = NULL;
	int r = open_braid(o, &b, &first) ?: braid_preview(b, p, &opts, ret, &first);

	if (!r)
		return 0;
	r = braid_plan_new(p, &plan, err) ?: braid_plan_json(plan, ret, err);
	if (!r)
		*ret_alone = text_fmt("%s%s%s", first.where ?: "", first.where ? ": " : "",
				      first.what ?: "");
	return r;
}

static bool has_switch(const json_t *plan)
{
	json_t *stage;
	size_t i;

	json_array_foreach (json_object_get(plan, "stages"), i, stage)
		if (*member(stage, "switch"))
			return true;
	return false;
}

static void show_stages(const json_t *plan)
{
	static const char *const headings[] = {">#",     "STAGE",  "PROGRAM", "PROCEEDS ON",
					       ">INSNS", ">STACK", "HOW",     "WHEN"};
	struct table *t = table_new(headings, has_switch(plan) ? 8 : 7);
	json_t *stage;
	size_t i;

	json_array_foreach (json_object_get(plan, "stages"), i, stage) {
		_cleanup_free_ char *verdicts = list_text(json_object_get(stage, "proceed-on"));
		_cleanup_free_ char *proceed = text_fmt("%s (%s)", verdicts,
							member(stage, "proceed-on-from"));
		_cleanup_free_ char *n = text_fmt("%zu", i + 1);
		_cleanup_free_ char *insns = text_fmt("%lld", number(stage, "instructions"));
		_cleanup_free_ char *stack = text_fmt("%lld", number(stage, "stack"));
		const char *why = member(stage, "why-called");
		const char *choice = member(stage, "switch");
		_cleanup_free_ char *when =
			*choice ? text_fmt("%s: %s", choice, member(stage, "when")) : NULL;
		_cleanup_free_ char *how = text_fmt("%s%s%s", member(stage, "placed"),
						    *why ? ": " : "", why);

		table_row(t, n, member(stage, "name"), member(stage, "program"), proceed, insns,
			  stack, how, when);
	}
	table_print(t);
}

/* What stands above the list of programs; NULL: there is one, which needs no list. */
static const char *programs_title(const json_t *plan)
{
	if (json_object_get(plan, "components"))
		return "\ncomponents of the dispatcher:";
	if (json_array_size(json_object_get(plan, "segments")) < 2)
		return NULL;
	return has_switch(plan) ? "\nprograms, tail-calling each other:"
				: "\nprograms, each tail-calling the next:";
}

static void show_segments(const json_t *plan)
{
	const char *title = programs_title(plan);
	json_t *segment;
	size_t i;

	if (!title)
		return;
	puts(title);
	json_array_foreach (json_object_get(plan, "segments"), i, segment) {
		_cleanup_free_ char *stages = list_text(json_object_get(segment, "stages"));
		const json_t *c = json_array_get(json_object_get(plan, "components"), i);

		printf("  %-16s ", member(segment, "program"));
		if (c)
			printf("priority %lld, ", number(c, "priority"));
		printf("%lld instructions: %s\n", number(segment, "instructions"), stages);
		if (json_is_true(json_object_get(c, "changes-packets")))
			puts("    changes packets: tools with libxdp before 1.5.5 can add none "
			     "beside it");
	}
}

static void show_interfaces(const json_t *plan)
{
	json_t *iface;
	size_t i;

	json_array_foreach (json_object_get(plan, "interfaces"), i, iface)
		printf("%s %s in %s: %s%s\n", i ? "         " : "interface", member(iface, "name"),
		       member(iface, "netns"), member(iface, "action"), action_note(iface));
}

static void show_unoptimized(const json_t *optimize)
{
	const char *name, *between = "optimize  off: ";
	json_t *value;

	json_object_foreach ((json_t *)optimize, name, value) {
		printf("%s%s", between, name);
		between = ", ";
	}
	if (*between == ',')
		putchar('\n');
}

static void show_plan(const json_t *plan)
{
	const char *mode = member(plan, "mode"); /* only of XDP */

	printf("pipeline  %s (hook %s%s%s%s)\n", member(plan, "pipeline"), member(plan, "hook"),
	       *mode ? ", " : "", mode, *mode ? " mode" : "");
	printf("strategy  %s: %s\n", member(plan, "strategy"), member(plan, "why"));
	printf("object    %lld bytes, licence %s, final verdict: %s\n", number(plan, "size"),
	       member(plan, "license"), member(plan, "final"));
	show_unoptimized(json_object_get(plan, "optimize"));
	show_interfaces(plan);
	if (json_array_size(json_object_get(plan, "foreigners"))) {
		putchar('\n');
		show_foreigners(json_object_get(plan, "foreigners"), true, "");
	}
	putchar('\n');
	show_stages(plan);
	show_segments(plan);
}

static void show_against(const json_t *plan)
{
	const json_t *runs = json_object_get(plan, "runs");

	if (!json_is_integer(runs)) {
		puts("\nNothing of that name runs.");
		return;
	}
	printf("\nagainst revision %lld, which runs:\n", json_integer_value(runs));
	show_changes(json_object_get(plan, "changes"));
	show_carry(json_object_get(plan, "carry"));
}

/* Why apply would fail on the interfaces as they are. Return: exit status. */
static int show_blocked(const json_t *blocked)
{
	if (!blocked)
		return EXIT_DONE;
	printf("\napply would fail: %s%s%s\n", member(blocked, "where"),
	       *member(blocked, "where") ? ": " : "", member(blocked, "what"));
	if (*member(blocked, "hint"))
		printf("  do:  %s\n", member(blocked, "hint"));
	return EXIT_CONFLICT;
}

static int plan_one(const struct options *o, const struct braid_pipeline *p)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ char *alone = NULL;
	_cleanup_json_ json_t *plan = NULL;
	char *text;
	int r = make_plan(o, p, &text, &alone, &err);

	if (r)
		return fail(o, &err);
	plan = parse_json(text);
	if (o->json) {
		json_dumpf(plan, stdout, JSON_INDENT(2));
		putchar('\n');
		return json_object_get(plan, "blocked") ? EXIT_CONFLICT : EXIT_DONE;
	}
	show_plan(plan);
	if (alone)
		printf("\nWithout a look at what runs: %s\n", alone);
	else
		show_against(plan);
	return show_blocked(json_object_get(plan, "blocked"));
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	int status, first = options_parse(c, OPT_VALUES | OPT_STATE | OPT_REPLACE, argc, argv, &o,
					  &status);

	return first < 0 ? status : each_pipeline(c, &o, argc - first, argv + first, plan_one);
}

const struct command cmd_plan = {
	.name = "plan",
	.usage = "[options] MANIFEST [PIPELINE…]",
	.summary = "show how pipelines would run, and what would change",
	.help = "Reads the manifest and the objects, and changes nothing. Needs no privilege; "
		"with\n"
		"it, compares with what runs. Exit status 3: apply would fail as things are.\n",
	.run = run,
};
