/* SPDX-License-Identifier: GPL-2.0-only */
/* braid explain: why a pipeline is as it is. */
#include <braid/inspect.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/show.h"

/* The verifier's limit: Linux, BPF_COMPLEXITY_LIMIT_INSNS. */
#define VERIFIER_LIMIT 1000000.0

struct own {
	bool costs;
};

/* Why it is not known what stages cost the verifier, and how to know it. NULL: it is known. */
static char *costs_unknown(const json_t *verifier, const struct own *own)
{
	const char *why = member(verifier, "costs-unknown");
	bool asked = own->costs || !number(verifier, "processed");

	return *why ? text_fmt("not known: %s%s", why, asked ? "" : "; --costs asks for it") : NULL;
}

static void show_program(const json_t *p, const struct own *own)
{
	const json_t *v = json_object_get(p, "verifier");
	_cleanup_free_ char *stages = list_text(json_object_get(p, "stages"));
	_cleanup_free_ char *unknown = costs_unknown(v, own);

	printf("\nprogram %s: %s\n", member(p, "program"), stages);
	printf("  why       %s\n", member(p, "why"));
	printf("  size      %lld instructions as linked, %lld of them braid's own, between "
	       "stages\n",
	       number(p, "instructions"), number(p, "seams"));
	printf("  context   %s\n", member(p, "context"));
	if (!v)
		return;
	if (json_is_true(json_object_get(v, "accepted")))
		printf("  verifier  went through %lld instructions, %.1f %% of what it allows; "
		       "%lld states; rewrote it to %lld instructions\n",
		       number(v, "processed"), number(v, "processed") * 100 / VERIFIER_LIMIT,
		       number(v, "states"), number(v, "instructions"));
	else
		printf("  verifier  refuses it: %s\n", member(v, "reason"));
	if (unknown)
		printf("            of each stage: %s\n", unknown);
}

/* What the verifier says of the stage's program; NULL: it was not asked. */
static const json_t *verifier_of(const json_t *explained, const json_t *stage)
{
	const json_t *p;
	size_t i;

	json_array_foreach (json_object_get(explained, "programs"), i, p)
		if (!strcmp(member(p, "program"), member(stage, "in")))
			return json_object_get(p, "verifier");
	return NULL;
}

/* "12 % of " … what the verifier went through in the stage's program. */
static double share(const json_t *explained, const json_t *stage, long long processed)
{
	long long all = number(verifier_of(explained, stage), "processed");

	return all ? processed * 100.0 / all : 0;
}

static void show_verdicts(const json_t *s)
{
	const json_t *exits = json_object_get(s, "exits");
	_cleanup_free_ char *verdicts = list_text(json_object_get(s, "proceed-on"));

	if (!*member(s, "why-proceed-on")) {
		puts("  result    no verdict: it chooses which way packets go");
		return;
	}
	printf("  goes on   after %s: %s\n", *verdicts ? verdicts : "no verdict",
	       member(s, "why-proceed-on"));
	printf("  exits     %lld; the verdict of %lld is known when it is linked, so those lead "
	       "straight on or out\n",
	       number(exits, "all"), number(exits, "known"));
}

/* @stage: the only one that is shown; NULL: its program said what is not known. */
static void show_cost(const json_t *explained, const json_t *s, const char *stage,
		      const struct own *own)
{
	_cleanup_free_ char *unknown = costs_unknown(verifier_of(explained, s), own);
	const json_t *v = json_object_get(s, "verifier"), *seams = json_object_get(v, "seams");
	const json_t *seam = json_object_get(s, "seam");

	printf("  seam      %lld instructions in front, %lld behind\n", number(seam, "before"),
	       number(seam, "behind"));
	if (unknown && stage)
		printf("  verifier  %s\n", unknown);
	if (!v)
		return;
	printf("  verifier  %lld instructions (%.0f %% of its program), %lld branches; in the "
	       "seams %lld\n",
	       number(v, "processed"), share(explained, s, number(v, "processed")),
	       number(v, "branches"), number(seams, "processed"));
}

static void show_stage(const json_t *explained, const json_t *s, const char *stage,
		       const struct own *own)
{
	const char *at = member(s, "at"), *when = member(s, "when");
	_cleanup_free_ char *maps = list_text(json_object_get(s, "maps"));

	printf("\nstage %s\n", member(s, "name"));
	printf("  here      %s%s%s%s\n", member(s, "why"), *at ? " (" : "", at, *at ? ")" : "");
	if (*when)
		printf("  when      %s: %s\n", member(s, "switch"), when);
	if (!json_object_get(s, "internal"))
		printf("  code      %s of %s: %lld instructions, %lld bytes of stack\n",
		       member(s, "program"), member(s, "object"), number(s, "instructions"),
		       number(s, "stack"));
	printf("  placed    %s in program %s%s%s\n", member(s, "placed"), member(s, "in"),
	       *member(s, "why-called") ? ": " : "", member(s, "why-called"));
	show_verdicts(s);
	if (*maps)
		printf("  maps      %s\n", maps);
	show_cost(explained, s, stage, own);
}

static void show(const json_t *j, const char *stage, const struct own *own)
{
	const json_t *one;
	size_t i;

	printf("%s (hook %s)", member(j, "pipeline"), member(j, "hook"));
	if (number(j, "revision"))
		printf(", revision %lld, runs", number(j, "revision"));
	printf("\nstrategy %s: %s\n", member(j, "strategy"), member(j, "why"));
	if (*member(j, "differs"))
		printf("%s\n", member(j, "differs"));
	if (*member(j, "verifier-unknown"))
		printf("the verifier was not asked: %s\n", member(j, "verifier-unknown"));
	json_array_foreach (json_object_get(j, "programs"), i, one)
		if (!stage)
			show_program(one, own);
	json_array_foreach (json_object_get(j, "stages"), i, one)
		show_stage(j, one, stage, own);
}

static int finish(const struct options *o, const struct own *own, char *text, const char *stage)
{
	_cleanup_json_ json_t *j = NULL;

	if (o->json) {
		print_json(text);
		return EXIT_DONE;
	}
	j = parse_json(text);
	show(j, stage, own);
	return EXIT_DONE;
}

static int of_running(const struct options *o, const struct own *own, const char *name,
		      const char *stage)
{
	struct braid_inspect_opts opts = {.sz = sizeof(opts), .stage = stage, .costs = own->costs};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	char *text;

	if (open_braid(o, &b, &err) || braid_explain(b, name, &opts, &text, &err))
		return fail(o, &err);
	return finish(o, own, text, stage);
}

/* MANIFEST [PIPELINE [STAGE]]; of all pipelines as a list of JSON objects, one behind the other. */
static int of_manifest(const struct options *o, const struct own *own, const char *path, int n,
		       char **args)
{
	struct braid_inspect_opts opts = {
		.sz = sizeof(opts), .stage = n > 1 ? args[1] : NULL, .costs = own->costs};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	const struct braid_pipeline *only = NULL;
	int status = EXIT_DONE;
	char *text;

	if (load_manifest(o, path, &m, &err) || (n && pick_pipeline(m, path, args[0], &only, &err)))
		return fail(o, &err);
	for (size_t i = 0; i < braid_manifest_count(m) && status == EXIT_DONE; i++) {
		const struct braid_pipeline *p = braid_manifest_get(m, i);

		if (only && p != only)
			continue;
		if (braid_explain_pipeline(p, &opts, &text, &err))
			return fail(o, &err);
		if (i && !only && !o->json)
			putchar('\n');
		status = finish(o, own, text, opts.stage);
	}
	return status;
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	struct own own = {};
	int status, n,
		first = options_parse_own(c, OPT_STATE | OPT_VALUES, argc, argv, &o, &own, &status);

	if (first < 0)
		return status;
	n = argc - first;
	if (n < 1)
		return usage(c, "which pipeline, or which manifest?");
	if (is_file(argv[first]))
		return n > 3 ? usage(c, "one stage at a time, or none for all")
			     : of_manifest(&o, &own, argv[first], n - 1, argv + first + 1);
	if (n > 2)
		return usage(c, "one stage at a time, or none for all");
	return of_running(&o, &own, argv[first], argv[first + 1]);
}

static const struct own_option own_options[] = {
	{"costs", 0, OPTION_FLAG, offsetof(struct own, costs),
	 "    --costs             what each stage costs the verifier, if it takes a minute"},
};

const struct command cmd_explain = {
	.name = "explain",
	.usage = "[options] PIPELINE [STAGE] | MANIFEST [PIPELINE [STAGE]]",
	.summary = "say why each stage is where it is, how it was put in, and what it costs",
	.help = "Of a pipeline that runs, or of a manifest: a file, with a dot or a slash in its\n"
		"name. Why a stage is there, in which program and why, spliced or called, where\n"
		"the context is kept, which verdicts are known when it is linked, what its seam\n"
		"takes, and how many instructions and branches the verifier went through in it.\n"
		"For that the programs are loaded once more, attached to nothing. Of a program "
		"for\n"
		"which the verifier goes through more than 100000 instructions only the whole is\n"
		"shown, unless --costs is given: its log has a line for each of them.\n"
		"\n"
		"  braid explain edge\n"
		"  braid explain edge guard\n"
		"  braid explain edge.yaml\n"
		"  braid explain --costs edge\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
