/* SPDX-License-Identifier: GPL-2.0-only */
/* braid history, rollback, delete. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/show.h"

/* The rest of a long command line is in --json. */
#define CAUSE_WIDTH 48

static char *shorten(const char *cause)
{
	int n = CAUSE_WIDTH - 3;

	if (strlen(cause) <= CAUSE_WIDTH)
		return strdup(cause);
	while (n && (cause[n] & 0xc0) == 0x80) /* within a character */
		n--;
	return text_fmt("%.*s...", n, cause);
}

/* A revision or an event. */
static void show_entry(struct table *t, const json_t *j)
{
	_cleanup_free_ char *cause = shorten(member(j, "cause"));
	_cleanup_free_ char *n = number(j, "revision") ? text_fmt("%lld", number(j, "revision"))
						       : strdup("");
	const char *note = *member(j, "event") ? member(j, "event") : member(j, "note");

	table_row(t, time_text(number(j, "created")), n, member(j, "state"), cause, note);
}

/* What all of it led to. */
static void show_end(struct braid *b, const char *name)
{
	_cleanup_error_ struct braid_error gone = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *j = NULL;
	char *text;

	if (braid_signals(b, name, &text, &gone)) {
		printf("\n%s: does not run\n", name);
		return;
	}
	j = parse_json(text);
	printf("\n%s: revision %lld, ", name, number(j, "revision"));
	show_running_state(j);
}

/* The newest last: there the eye is. */
static void show_history(struct braid *b, const char *name, const json_t *list)
{
	static const char *const headings[] = {"TIME", ">REVISION", "STATE", "CAUSE", "WHAT"};
	struct table *t = table_new(headings, 5);

	for (size_t i = json_array_size(list); i-- > 0;)
		show_entry(t, json_array_get(list, i));
	table_print(t);
	show_end(b, name);
}

static int run_history(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	_cleanup_json_ json_t *list = NULL;
	int status, first = options_parse(c, OPT_STATE, argc, argv, &o, &status);
	char *text;

	if (first < 0)
		return status;
	if (argc - first != 1)
		return usage(c, "which pipeline?");
	if (open_braid(&o, &b, &err) || braid_history(b, argv[first], &text, &err))
		return fail(&o, &err);
	if (o.json) {
		print_json(text);
		return EXIT_DONE;
	}
	list = parse_json(text);
	show_history(b, argv[first], list);
	return EXIT_DONE;
}

/* The newest revision that ran, and does not run now. */
static int previous(struct braid *b, const char *name, uint64_t *ret, struct braid_error *err)
{
	_cleanup_json_ json_t *list = NULL;
	json_t *rev;
	char *text;
	size_t i;
	int r = braid_history(b, name, &text, err);

	if (r)
		return r;
	list = parse_json(text);
	json_array_foreach (list, i, rev) {
		const char *state = member(rev, "state");

		if (!text_eq(state, "old") && !text_eq(state, "deleted"))
			continue;
		*ret = number(rev, "revision");
		return 0;
	}
	err->code = -ENOENT;
	err->where = strdup(name);
	err->what = strdup("there is no earlier revision to go back to");
	return -ENOENT;
}

static int run_rollback(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_(braid_closep) struct braid *b = NULL;
	int status, first = options_parse(c, OPT_STATE | OPT_WAIT | OPT_REPLACE | OPT_PASS_FDS,
					  argc, argv, &o, &status);
	uint64_t revision;

	if (first < 0)
		return status;
	if (argc - first < 1 || argc - first > 2)
		return usage(c, "which pipeline, and which revision?");
	if (argc - first == 2 &&
	    !take_amount(c, "REVISION", NUMBER("1", UINT32_TEXT), argv[first + 1], &revision))
		return EXIT_USAGE;
	if (open_braid(&o, &b, &err))
		return fail(&o, &err);
	if (argc - first == 1 && previous(b, argv[first], &revision, &err))
		return fail(&o, &err);
	if (braid_revision(b, argv[first], revision, &m, &err))
		return fail(&o, &err);
	return apply_and_report(&o, braid_manifest_get(m, 0));
}

static int run_delete(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	int status, first = options_parse(c, OPT_STATE | OPT_WAIT, argc, argv, &o, &status);

	if (first < 0)
		return status;
	if (argc - first != 1)
		return usage(c, "which pipeline?");
	if (open_braid(&o, &b, &err) || braid_delete(b, argv[first], &err))
		return fail(&o, &err);
	if (o.json)
		printf("{\"deleted\": \"%s\"}\n", argv[first]);
	else
		printf("%s: deleted; its history stays\n", argv[first]);
	return EXIT_DONE;
}

const struct command cmd_history = {
	.name = "history",
	.usage = "[options] PIPELINE",
	.summary = "tell what happened to a pipeline: revisions, signals, configuration",
	.help = "The newest comes last. States of revisions: current (runs), old (ran), failed,\n"
		"deleted, pending (interrupted).\n",
	.run = run_history,
};

const struct command cmd_rollback = {
	.name = "rollback",
	.usage = "[options] PIPELINE [REVISION]",
	.summary = "go back to an earlier revision, with the objects of that time",
	.help = "Without a REVISION: the last one that ran and does not run now. Going back is a "
		"new\n"
		"revision.\n",
	.run = run_rollback,
};

const struct command cmd_delete = {
	.name = "delete",
	.usage = "[options] PIPELINE",
	.summary = "detach a pipeline and remove its programs and maps",
	.help = "The history stays, so that 'braid rollback PIPELINE REVISION' brings it back.\n",
	.run = run_delete,
};
