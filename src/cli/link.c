/* SPDX-License-Identifier: GPL-2.0-only */
/* braid link: objects to one object, for those who want only a linker. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/write.h"

#define VERDICTS 16 /* in one list */

struct stage_arg {
	char *name, *path, *program;
};

static void stage_arg_done(struct stage_arg *a)
{
	free(a->name);
	free(a->path);
	free(a->program);
}

/* "guard" of "teams/guard.bpf.o", fit for a stage or a program. */
static char *stem(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = strdup(slash ? slash + 1 : path);

	if (!name)
		return NULL;
	name[strcspn(name, ".")] = '\0';
	for (char *c = name; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c |= 0x20;
		else if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", *c))
			*c = '_';
	return name;
}

/* [NAME=]OBJECT[:PROGRAM] */
static bool parse_stage(const char *arg, struct stage_arg *ret)
{
	const char *equals = strchr(arg, '='), *path = equals ? equals + 1 : arg;
	const char *colon = strrchr(path, ':');

	ret->path = colon ? strndup(path, colon - path) : strdup(path);
	ret->program = colon ? strdup(colon + 1) : NULL;
	ret->name = equals ? strndup(arg, equals - arg) : ret->path ? stem(ret->path) : NULL;
	return ret->path && ret->name && (ret->program || !colon);
}

struct own {
	const char *out, *name, *hook, *strategy, *proceed_on, *final;
};

static const struct own_option own_options[] = {
	{"output", 'o', OPTION_TEXT, offsetof(struct own, out),
	 "-o, --output FILE       the object to write"},
	{"name", 'n', OPTION_TEXT, offsetof(struct own, name),
	 "-n, --name NAME         of the program (default: the output file's)"},
	{"hook", 0, OPTION_TEXT, offsetof(struct own, hook),
	 "    --hook WORD         that the programs are for (default: xdp)"},
	{"strategy", 's', OPTION_TEXT, offsetof(struct own, strategy),
	 "-s, --strategy WORD     auto, fused or tailcall"},
	{"proceed-on", 0, OPTION_TEXT, offsetof(struct own, proceed_on),
	 "    --proceed-on LIST   verdicts, with commas, after which the next stage runs"},
	{"final", 0, OPTION_TEXT, offsetof(struct own, final),
	 "    --final VERDICT     of packets that pass all stages (default: the last stage's)"},
};

static size_t split_verdicts(char *list, const char **ret, size_t room)
{
	size_t n = 0;
	char *save;

	for (char *v = strtok_r(list, ",", &save); v && n < room; v = strtok_r(NULL, ",", &save))
		ret[n++] = v;
	return n;
}

static int add_stage(const struct own *o, struct braid_pipeline *p, const char *arg,
		     struct braid_error *err)
{
	_cleanup_(stage_arg_done) struct stage_arg a = {};
	_cleanup_free_ char *list = o->proceed_on ? strdup(o->proceed_on) : NULL;
	struct braid_stage_opts opts = {.sz = sizeof(opts)};
	const char *verdicts[VERDICTS];

	if (!parse_stage(arg, &a))
		return err->code = -ENOMEM;
	opts.object = a.path;
	opts.program = a.program;
	if (list) {
		opts.proceed_on = verdicts;
		opts.n_proceed_on = split_verdicts(list, verdicts, VERDICTS);
	}
	return braid_pipeline_add_stage(p, a.name, &opts, err);
}

static int build(const struct own *o, int n, char **args, struct braid_pipeline **ret,
		 struct braid_error *err)
{
	_cleanup_free_ char *name = o->name ? strdup(o->name) : stem(o->out);
	_cleanup_(braid_pipeline_freep) struct braid_pipeline *p = NULL;
	int r = name ? braid_pipeline_new(name, &p, err) : (err->code = -ENOMEM);

	if (!r && o->hook)
		r = braid_pipeline_set_hook(p, o->hook, err);
	/* other loaders know nothing of them */
	r = r ?: braid_pipeline_set_signals(p, "none", err);
	if (!r && o->strategy)
		r = braid_pipeline_set_strategy(p, o->strategy, err);
	if (!r && o->final)
		r = braid_pipeline_set_final(p, o->final, err);
	for (int i = 0; i < n && !r; i++)
		r = add_stage(o, p, args[i], err);
	if (r)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

static void report(const struct own *o, const char *text, size_t size)
{
	_cleanup_json_ json_t *plan = json_loads(text, 0, NULL);
	json_t *segment;
	size_t i;

	json_array_foreach (json_object_get(plan, "segments"), i, segment) {
		_cleanup_free_ char *stages = list_text(json_object_get(segment, "stages"));

		printf("%s: program %s, %lld instructions: %s\n", o->out,
		       member(segment, "program"), number(segment, "instructions"), stages);
	}
	printf("%s: %zu bytes, %s, licence %s\n", o->out, size, member(plan, "strategy"),
	       member(plan, "license"));
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_pipeline_freep) struct braid_pipeline *p = NULL;
	_cleanup_(braid_plan_freep) struct braid_plan *plan = NULL;
	_cleanup_free_ void *bytes = NULL;
	_cleanup_free_ char *text = NULL;
	struct own own = {};
	int status, first = options_parse_own(c, 0, argc, argv, &o, &own, &status);
	size_t size;

	if (first < 0)
		return status;
	if (argc - first < 1)
		return usage(c, "which objects?");
	if (!own.out)
		return usage(c, "where to? -o FILE");
	if (build(&own, argc - first, argv + first, &p, &err) || braid_plan_new(p, &plan, &err) ||
	    braid_plan_link(plan, &bytes, &size, &err) || braid_plan_json(plan, &text, &err) ||
	    write_whole(own.out, bytes, size, &err))
		return fail(&o, &err);
	if (o.json)
		puts(text);
	else
		report(&own, text, size);
	return EXIT_DONE;
}

const struct command cmd_link = {
	.name = "link",
	.usage = "[options] [NAME=]OBJECT[:PROGRAM]… -o FILE",
	.summary = "link programs of several objects into one object",
	.help = "The result is what bpftool, ip and libbpf load. Each object's symbols get a name\n"
		"space of their own, NAME (default: the file's name).\n"
		"\n"
		"  braid link guard.bpf.o acl.bpf.o -o edge.bpf.o\n"
		"  braid link a=x.o:filter b=x.o:count -o both.o --proceed-on pass,tx\n"
		"  ip link set dev eth0 xdp obj edge.bpf.o\n"
		"  braid link --hook tc-egress shape.bpf.o mark.bpf.o -o out.bpf.o\n"
		"  tc filter add dev eth0 egress bpf da obj out.bpf.o sec tc\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
