/* SPDX-License-Identifier: GPL-2.0-only */
/* braid update: other code for stages of what runs; and what commands that edit share. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/show.h"

static int edit_once(struct braid *b, const struct options *o, const char *pipeline, edit_fn edit,
		     void *ctx, char **ret_report, struct braid_error *err)
{
	struct braid_apply_opts opts = {.sz = sizeof(opts), .replace = o->replace};
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	int r = braid_revision(b, pipeline, 0, &m, err);

	r = r ?: edit(braid_manifest_edit(m, 0), ctx, err);
	return r ?: braid_apply(b, braid_manifest_get(m, 0), &opts, ret_report, err);
}

/* Others may change the pipeline at the same time: then what they left is what is edited. */
#define TRIES 16

int edit_and_apply(const struct options *o, const char *pipeline, edit_fn edit, void *ctx)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	char *report;
	int r = open_braid(o, &b, &err);

	if (r)
		return fail(o, &err);
	for (int i = 0; i < TRIES; i++) {
		braid_error_clear(&err);
		r = edit_once(b, o, pipeline, edit, ctx, &report, &err);
		if (r != -EAGAIN)
			break;
	}
	return r ? fail(o, &err) : show_applied(o, report) ?: pass_pipeline(o, b, NULL, pipeline);
}

bool parse_assignment(const char *arg, char **ret_name, const char **ret_path)
{
	const char *equals = strchr(arg, '=');

	if (!equals || equals == arg || !equals[1])
		return false;
	*ret_name = strndup(arg, equals - arg);
	*ret_path = equals + 1;
	return *ret_name != NULL;
}

char *object_path(const char *path, struct braid_error *err)
{
	char *real = realpath(path, NULL);

	if (real)
		return real;
	err->code = -errno;
	err->where = strdup(path);
	err->what = strdup("cannot find the object");
	err->why = strdup(strerror(-err->code));
	return NULL;
}

struct update {
	const char *program;
	char **args;
	int n;
};

static int update_one(struct braid_pipeline *p, const struct update *u, const char *arg,
		      struct braid_error *err)
{
	struct braid_stage_opts opts = {.sz = sizeof(opts), .program = u->program};
	_cleanup_free_ char *name = NULL, *real = NULL;
	const char *path;

	if (!parse_assignment(arg, &name, &path))
		return err->code = -ENOMEM;
	real = object_path(path, err);
	if (!real)
		return err->code;
	opts.object = real;
	return braid_pipeline_update_stage(p, name, &opts, err);
}

static int update(struct braid_pipeline *p, void *ctx, struct braid_error *err)
{
	const struct update *u = ctx;
	int r = 0;

	for (int i = 0; i < u->n && !r; i++)
		r = update_one(p, u, u->args[i], err);
	return r;
}

/* NULL: all is well. */
static const char *wrong_argument(int n, char **args)
{
	for (int i = 0; i < n; i++) {
		size_t name = strcspn(args[i], "=");

		if (name == 0 || !args[i][name] || !args[i][name + 1])
			return args[i];
		for (int k = 0; k < i; k++)
			if (strncmp(args[i], args[k], name + 1) == 0)
				return args[i];
	}
	return NULL;
}

struct own {
	const char *program;
};

static const struct own_option own_options[] = {
	{"program", 0, OPTION_TEXT, offsetof(struct own, program),
	 "    --program NAME      of the function, if the object has several"},
};

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	struct own own = {};
	int status, first = options_parse_own(c, OPT_STATE | OPT_WAIT | OPT_REPLACE | OPT_PASS_FDS,
					      argc, argv, &o, &own, &status);
	struct update u = {.program = own.program, .args = argv + first + 1, .n = argc - first - 1};
	const char *wrong;

	if (first < 0)
		return status;
	if (u.n < 1)
		return usage(c, "which pipeline, and which stage?");
	wrong = wrong_argument(u.n, u.args);
	if (wrong)
		return usage(c, "'%s' is not STAGE=OBJECT, or its stage is given twice", wrong);
	if (own.program && u.n > 1)
		return usage(c, "--program is for one stage");
	return edit_and_apply(&o, argv[first], update, &u);
}

const struct command cmd_update = {
	.name = "update",
	.usage = "[options] PIPELINE STAGE=OBJECT…",
	.summary = "exchange the objects of stages of a pipeline that runs, all at once",
	.help = "All else stays as it is, maps too where they fit. One revision; packets meet the\n"
		"old stages or the new ones. A later 'braid apply MANIFEST' makes the manifest\n"
		"what runs again.\n"
		"\n"
		"  braid update edge guard=guard-v2.bpf.o\n"
		"  braid update edge guard=guard-v2.bpf.o acl=acl-v2.bpf.o\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
