/* SPDX-License-Identifier: GPL-2.0-only */
/* braid diff: a manifest against what runs, or two revisions. */
#include "cli/cli.h"
#include "cli/show.h"

static int show(const struct options *o, const struct braid_pipeline *from,
		const struct braid_pipeline *to)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *list = NULL;
	char *text;

	if (braid_diff(from, to, &text, &err))
		return fail(o, &err);
	list = parse_json(text);
	if (o->json) {
		_cleanup_json_ json_t *j = json_pack("{s:s, s:O}", "pipeline",
						     braid_pipeline_name(to), "changes", list);

		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
		return EXIT_DONE;
	}
	printf("%s:\n", braid_pipeline_name(to));
	show_changes(list);
	return EXIT_DONE;
}

static int against_running(const struct options *o, const struct braid_pipeline *p)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_(braid_closep) struct braid *b = NULL;

	if (open_braid(o, &b, &err) || braid_revision(b, braid_pipeline_name(p), 0, &m, &err))
		return fail(o, &err);
	return show(o, braid_manifest_get(m, 0), p);
}

static int two_revisions(const struct command *c, const struct options *o, int n, char **args)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_manifest_freep) struct braid_manifest *from = NULL, *to = NULL;
	_cleanup_(braid_closep) struct braid *b = NULL;
	uint64_t revisions[2] = {};

	for (int i = 1; i < n; i++)
		if (!take_amount(c, "REVISION", NUMBER("1", UINT32_TEXT), args[i],
				 &revisions[i - 1]))
			return EXIT_USAGE;
	if (open_braid(o, &b, &err) || braid_revision(b, args[0], revisions[0], &from, &err) ||
	    braid_revision(b, args[0], revisions[1], &to, &err))
		return fail(o, &err);
	return show(o, braid_manifest_get(from, 0), braid_manifest_get(to, 0));
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	int status, first = options_parse(c, OPT_VALUES | OPT_STATE, argc, argv, &o, &status);
	int n = argc - first;
	char **args = argv + first;

	if (first < 0)
		return status;
	if (n >= 1 && is_file(args[0]))
		return each_pipeline(c, &o, n, args, against_running);
	if (n < 2 || n > 3)
		return usage(c, "what against what?");
	return two_revisions(c, &o, n, args);
}

const struct command cmd_diff = {
	.name = "diff",
	.usage = "[options] MANIFEST [PIPELINE…] | PIPELINE REVISION [REVISION]",
	.summary =
		"show what a manifest changes against what runs, or one revision against another",
	.help = "A second REVISION that is left out is the current one. Objects are compared by\n"
		"their bytes.\n",
	.run = run,
};
