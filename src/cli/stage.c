/* SPDX-License-Identifier: GPL-2.0-only */
/* braid stage: stages of what runs come, go and move. */
#include <string.h>

#include "cli/cli.h"

enum { WITH_OBJECT = 1, WITH_PLACE = 2, NEEDS_PLACE = 4 };

struct verb {
	const char *name;
	unsigned int flags;
	edit_fn edit;
};

struct own {
	const char *program, *proceed_on, *before, *after;
	bool first, last;
};

static const struct own_option own_options[] = {
	{"program", 0, OPTION_TEXT, offsetof(struct own, program),
	 "    --program NAME      of the function, if the object has several"},
	{"proceed-on", 0, OPTION_TEXT, offsetof(struct own, proceed_on),
	 "    --proceed-on LIST   verdicts, with commas, after which the next stage runs"},
	{"before", 0, OPTION_TEXT, offsetof(struct own, before),
	 "    --before STAGE      or a choice: where a stage goes"},
	{"after", 0, OPTION_TEXT, offsetof(struct own, after),
	 "    --after STAGE       or a choice"},
	{"first", 0, OPTION_FLAG, offsetof(struct own, first),
	 "    --first             in front of all others"},
	{"last", 0, OPTION_FLAG, offsetof(struct own, last),
	 "    --last              behind all others"},
};

/* One call of the command. */
struct call {
	const struct own *own;
	const char *name;   /* of the stage */
	const char *object; /* of one that is added */
	enum braid_where where;
	const char *other;
	json_t *left; /* shared maps that the stage leaves: true, if they go with it */
};

static int add(struct braid_pipeline *p, void *ctx, struct braid_error *err)
{
	const struct call *call = ctx;
	_cleanup_free_ char *real = object_path(call->object, err);
	_cleanup_free_ char *list = call->own->proceed_on ? strdup(call->own->proceed_on) : NULL;
	struct braid_stage_opts opts = {.sz = sizeof(opts), .program = call->own->program};
	const char *verdicts[16];
	char *save;

	if (!real)
		return err->code;
	opts.object = real;
	opts.proceed_on = verdicts;
	for (char *v = list ? strtok_r(list, ",", &save) : NULL; v && opts.n_proceed_on < 16;
	     v = strtok_r(NULL, ",", &save))
		verdicts[opts.n_proceed_on++] = v;
	return braid_pipeline_insert_stage(p, call->name, &opts, call->where, call->other, err);
}

/* What shares its maps, by their names; the caller decrefs. */
static json_t *shared_maps(const struct braid_pipeline *p, struct braid_error *err)
{
	_cleanup_json_ json_t *j = NULL;
	char *text;

	if (braid_pipeline_json(p, &text, err))
		return NULL;
	j = parse_json(text);
	return json_incref(
		json_object_get(json_array_get(json_object_get(j, "pipelines"), 0), "shared-maps"));
}

static int remove_stage(struct braid_pipeline *p, void *ctx, struct braid_error *err)
{
	struct call *call = ctx;
	_cleanup_json_ json_t *before = shared_maps(p, err), *after = NULL;
	const char *name;
	json_t *members;
	int r = braid_pipeline_remove_stage(p, call->name, err);

	if (r)
		return r;
	after = shared_maps(p, err);
	json_object_foreach (before, name, members) {
		json_t *now = json_object_get(after, name);

		if (!json_equal(members, now))
			json_object_set_new(call->left, name, json_boolean(!now));
	}
	return 0;
}

static int move(struct braid_pipeline *p, void *ctx, struct braid_error *err)
{
	const struct call *call = ctx;

	return braid_pipeline_move_stage(p, call->name, call->where, call->other, err);
}

static int enable(struct braid_pipeline *p, void *ctx, struct braid_error *err)
{
	return braid_pipeline_enable_stage(p, ((struct call *)ctx)->name, 1, err);
}

static int disable(struct braid_pipeline *p, void *ctx, struct braid_error *err)
{
	return braid_pipeline_enable_stage(p, ((struct call *)ctx)->name, 0, err);
}

static const struct verb verbs[] = {
	{"add", WITH_OBJECT | WITH_PLACE, add},
	{"remove", 0, remove_stage},
	{"move", WITH_PLACE | NEEDS_PLACE, move},
	{"enable", 0, enable},
	{"disable", 0, disable},
};

/* Fills the place; the last one, if there is none. Return: how many are given. */
static unsigned int take_place(const struct own *o, struct call *ret)
{
	ret->where = o->before  ? BRAID_BEFORE
		     : o->after ? BRAID_AFTER
		     : o->first ? BRAID_FIRST
				: BRAID_LAST;
	ret->other = o->before ?: o->after;
	return !!o->before + !!o->after + o->first + o->last;
}

/* 0, or what usage() returned. */
static int check_usage(const struct command *c, const struct verb *verb, const struct own *o,
		       unsigned int places)
{
	if (places > 1)
		return usage(c, "a stage has one place");
	if (places && !(verb->flags & WITH_PLACE))
		return usage(c, "'stage %s' takes no place", verb->name);
	if (!places && verb->flags & NEEDS_PLACE)
		return usage(c, "where to?");
	if ((o->program || o->proceed_on) && !(verb->flags & WITH_OBJECT))
		return usage(c, "'stage %s' takes no --program and no --proceed-on", verb->name);
	return 0;
}

static void report_left(const struct call *call)
{
	const char *name;
	json_t *gone;

	json_object_foreach (call->left, name, gone) {
		if (json_is_true(gone))
			printf("  nothing is shared as '%s' any more\n", name);
		else
			printf("  %s is no longer in the shared map '%s'\n", call->name, name);
	}
}

static int run(const struct command *c, int argc, char **argv)
{
	unsigned int sets = OPT_STATE | OPT_WAIT | OPT_REPLACE;
	_cleanup_options_ struct options o = {};
	struct own own = {};
	int status, first = options_parse_own(c, sets, argc, argv, &o, &own, &status);
	_cleanup_json_ json_t *left = json_object();
	struct call call = {.own = &own, .left = left};
	_cleanup_free_ char *name = NULL;
	const struct verb *verb;
	int at;

	if (first < 0)
		return status;
	if (argc - first != 3)
		return usage(c, "what, which pipeline, and which stage?");
	at = find_word(c, "stage command", argv[first], verbs);
	if (at < 0)
		return EXIT_USAGE;
	verb = &verbs[at];
	status = check_usage(c, verb, &own, take_place(&own, &call));
	if (status)
		return status;
	call.name = argv[first + 2];
	if (verb->flags & WITH_OBJECT) {
		if (!parse_assignment(argv[first + 2], &name, &call.object))
			return usage(c, "'%s' is not NAME=OBJECT", argv[first + 2]);
		call.name = name;
	}
	status = edit_and_apply(&o, argv[first + 1], verb->edit, &call);
	if (!status && !o.json)
		report_left(&call);
	return status;
}

const struct command cmd_stage = {
	.name = "stage",
	.usage = "[options] add|remove|move|enable|disable PIPELINE STAGE",
	.summary = "add stages to a pipeline that runs, remove, move, enable or disable them",
	.help = "  add PIPELINE NAME=OBJECT    a new one; the last one, unless a place is given\n"
		"  remove PIPELINE STAGE       with its maps\n"
		"  move PIPELINE STAGE         to the place that is given\n"
		"  disable PIPELINE STAGE      it keeps its place and its setup, but does not run\n"
		"  enable PIPELINE STAGE       it runs again\n"
		"\n"
		"Beside a stage that stands in a branch of a choice is in that branch. A later\n"
		"'braid apply MANIFEST' makes the manifest what runs again.\n"
		"\n"
		"  braid stage add edge trace=trace.bpf.o --after guard\n"
		"  braid stage disable edge trace\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
