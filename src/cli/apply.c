/* SPDX-License-Identifier: GPL-2.0-only */
/* braid apply: make a manifest what runs. */
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/show.h"

static void report_interface(const json_t *j)
{
	printf("  %s in %s: %s%s\n", member(j, "name"), member(j, "netns"), member(j, "action"),
	       action_note(j));
	if (*member(j, "pins-left"))
		printf("    pins of its dispatcher stay: %s\n    do:  braid dispatcher clean\n",
		       member(j, "pins-left"));
}

static void report(const json_t *j)
{
	size_t i, stages = json_array_size(json_object_get(j, "stages"));
	json_t *iface;

	if (*member(j, "recovered"))
		printf("%s\n", member(j, "recovered"));
	if (!json_is_true(json_object_get(j, "changed"))) {
		printf("%s: revision %lld runs already, nothing to do\n", member(j, "pipeline"),
		       number(j, "revision"));
		return;
	}
	printf("%s: revision %lld runs, %zu stage%s, %s (%s)\n", member(j, "pipeline"),
	       number(j, "revision"), stages, stages == 1 ? "" : "s", member(j, "strategy"),
	       member(j, "why"));
	if (json_object_get(j, "only")) {
		_cleanup_free_ char *only = list_text(json_object_get(j, "only"));

		printf("  only %s was loaded, and put into its slot\n", only);
	}
	json_array_foreach (json_object_get(j, "interfaces"), i, iface)
		report_interface(iface);
	if (number(j, "replaced"))
		show_carry(json_object_get(j, "carry"));
}

int show_applied(const struct options *o, char *text)
{
	_cleanup_json_ json_t *j = NULL;

	if (o->json) {
		print_json(text);
		return EXIT_DONE;
	}
	j = parse_json(text);
	report(j);
	return EXIT_DONE;
}

int apply_and_report(const struct options *o, const struct braid_pipeline *p)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_apply_opts opts = {.sz = sizeof(opts), .replace = o->replace};
	_cleanup_(braid_closep) struct braid *b = NULL;
	char *text;

	if (open_braid(o, &b, &err) || braid_apply(b, p, &opts, &text, &err))
		return fail(o, &err);
	return show_applied(o, text) ?: pass_pipeline(o, b, NULL, braid_pipeline_name(p));
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	int status, first = options_parse(
			    c, OPT_VALUES | OPT_STATE | OPT_WAIT | OPT_REPLACE | OPT_PASS_FDS, argc,
			    argv, &o, &status);

	return first < 0 ? status
			 : each_pipeline(c, &o, argc - first, argv + first, apply_and_report);
}

const struct command cmd_apply = {
	.name = "apply",
	.usage = "[options] MANIFEST [PIPELINE…]",
	.summary = "make pipelines run as a manifest says, without losing a packet",
	.help = "Each pipeline changes on all of its interfaces, or on none. What runs outlives\n"
		"this command. Doing it again changes nothing.\n"
		"\n"
		"  braid apply edge.yaml\n"
		"  braid apply edge.yaml --values sites/fra1.yaml --values hosts/fra1-7.yaml\n",
	.run = run,
};
