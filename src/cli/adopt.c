/* SPDX-License-Identifier: GPL-2.0-only */
/* braid adopt: components of other tools become stages of a pipeline. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/write.h"

struct own {
	const char *out, *name, *strategy, *netns;
	struct texts objects;
};

static void own_done(struct own *own)
{
	array_done(&own->objects.list);
}

static const struct own_option own_options[] = {
	{"output", 'o', OPTION_TEXT, offsetof(struct own, out),
	 "-o, --output FILE       write a manifest of what runs then"},
	{"objects", 0, OPTION_TEXTS, offsetof(struct own, objects),
	 "    --objects PATH      an object, or a folder of them; may be repeated"},
	{"name", 'n', OPTION_TEXT, offsetof(struct own, name),
	 "-n, --name NAME         of a new pipeline (default: the interface's)"},
	{"strategy", 's', OPTION_TEXT, offsetof(struct own, strategy),
	 "-s, --strategy WORD     fused (default), auto, tailcall or dispatcher"},
	{"netns", 0, OPTION_TEXT, offsetof(struct own, netns),
	 "    --netns NAME        network namespace of the interface"},
};

static void show_cost(const char *when, const json_t *cost)
{
	printf("  %-7s %lld program%s, %lld instructions", when, number(cost, "programs"),
	       number(cost, "programs") == 1 ? "" : "s", number(cost, "instructions"));
	if (number(cost, "calls"))
		printf(", %lld calls for each packet", number(cost, "calls"));
	puts("");
}

static void report(const json_t *j)
{
	const json_t *applied = json_object_get(j, "applied");
	json_t *one;
	size_t i;

	printf("%s: revision %lld runs, %s\n", member(j, "pipeline"), number(applied, "revision"),
	       member(applied, "strategy"));
	json_array_foreach (json_object_get(j, "adopted"), i, one)
		printf("  component %lld '%s' is stage %s, of %s\n", number(one, "id"),
		       member(one, "component"), member(one, "stage"), member(one, "object"));
	show_cost("before:", json_object_get(j, "before"));
	show_cost("now:", json_object_get(j, "after"));
}

/* A manifest of it, to be kept and applied. Return: exit status. */
static int write_manifest(const struct options *o, const struct own *own, const json_t *j)
{
	_cleanup_free_ char *json = json_dumps(json_object_get(j, "manifest"), JSON_INDENT(2));
	_cleanup_free_ char *text = json ? text_fmt("%s\n", json) : NULL;

	return text ? write_text(o, own->out, text) : EXIT_FAILED;
}

static int adopt(const struct options *o, const struct own *own, const char *interface)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	struct braid_adopt_opts opts = {
		.sz = sizeof(opts),
		.name = own->name,
		.objects = own->objects.list.v,
		.n_objects = own->objects.list.n,
		.strategy = own->strategy,
	};
	_cleanup_json_ json_t *j = NULL;
	char *text;

	if (open_braid(o, &b, &err) || braid_adopt(b, interface, own->netns, &opts, &text, &err))
		return fail(o, &err);
	j = parse_json(strdup(text));
	if (o->json) {
		print_json(text);
	} else {
		free(text);
		report(j);
	}
	return own->out ? write_manifest(o, own, j) : EXIT_DONE;
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_(own_done) struct own own = {};
	int status,
		first = options_parse_own(c, OPT_STATE | OPT_WAIT, argc, argv, &o, &own, &status);

	if (first < 0)
		return status;
	if (argc - first != 1)
		return usage(c, "it takes one interface");
	return adopt(&o, &own, argv[first]);
}

const struct command cmd_adopt = {
	.name = "adopt",
	.usage = "[options] INTERFACE",
	.summary = "take the components of a libxdp dispatcher into a pipeline",
	.help = "Each becomes a stage, in its order, with its verdicts, constants and maps; the\n"
		"pipeline that is in the dispatcher already becomes that one, else a new one "
		"does.\n"
		"Then it runs fused: one program instead of a dispatcher that calls. It takes the\n"
		"objects that the components were made of, which are known by their tags.\n"
		"\n"
		"  braid adopt eth0\n"
		"  braid adopt eth0 --objects /opt/filter/bpf --output edge.json\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
