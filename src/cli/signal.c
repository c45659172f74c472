/* SPDX-License-Identifier: GPL-2.0-only */
/* braid signal: pause, resume, drain, shutdown, reload. */
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/show.h"

static void show_state(const json_t *j)
{
	static const char *const headings[] = {"  STAGE", "SIGNALS"};
	struct table *t = table_new(headings, 2);
	json_t *stage;
	size_t i;

	show_running_state(j);
	json_array_foreach (json_object_get(j, "stages"), i, stage) {
		_cleanup_free_ char *name = text_fmt("  %s", member(stage, "name"));
		_cleanup_free_ char *list = list_text(json_object_get(stage, "signals"));

		table_row(t, name, list && *list ? list : "-");
	}
	table_print(t);
}

static int show(const struct options *o, const char *pipeline)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	_cleanup_json_ json_t *j = NULL;
	char *text;

	if (open_braid(o, &b, &err) || braid_signals(b, pipeline, &text, &err))
		return fail(o, &err);
	if (o->json) {
		print_json(text);
		return EXIT_DONE;
	}
	j = parse_json(text);
	printf("%s: ", pipeline);
	show_state(j);
	return EXIT_DONE;
}

static void report(const json_t *j, const char *signal, const char *stage)
{
	const char *what = stage ?: "all";

	if (*member(j, "recovered"))
		printf("%s\n", member(j, "recovered"));
	if (text_eq(member(j, "state"), "deleted"))
		printf("%s: deleted; its history stays\n", member(j, "pipeline"));
	else if (text_eq(signal, "reload") && json_is_true(json_object_get(j, "changed")))
		printf("%s: revision %lld runs, with the objects as they are now\n",
		       member(j, "pipeline"), number(j, "revision"));
	else if (text_eq(signal, "reload"))
		printf("%s: no object changed\n", member(j, "pipeline"));
	else if (!json_is_true(json_object_get(j, "changed")))
		printf("%s: nothing to do\n", member(j, "pipeline"));
	else if (stage)
		printf("%s: stage %s: %s\n", member(j, "pipeline"), what, signal);
	else
		printf("%s: ", member(j, "pipeline"));
	if (!stage && *member(j, "state") && !text_eq(member(j, "state"), "deleted") &&
	    json_is_true(json_object_get(j, "changed")) && !text_eq(signal, "reload"))
		show_running_state(j);
}

struct own {
	const char *stage, *verdict;
};

static const struct own_option own_options[] = {
	{"stage", 0, OPTION_TEXT, offsetof(struct own, stage),
	 "    --stage NAME        signal one stage, not the whole pipeline"},
	{"verdict", 0, OPTION_TEXT, offsetof(struct own, verdict),
	 "    --verdict WORD      of packets that meet a paused pipeline: pass (default), drop"},
};

static int send_signal(const struct options *o, const struct own *own, const char *pipeline,
		       const char *signal, unsigned int bit)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_signal_opts opts = {
		.sz = sizeof(opts), .stage = own->stage, .verdict = own->verdict, .bit = bit};
	_cleanup_(braid_closep) struct braid *b = NULL;
	_cleanup_json_ json_t *j = NULL;
	char *text;

	if (open_braid(o, &b, &err) || braid_signal(b, pipeline, signal, &opts, &text, &err))
		return fail(o, &err);
	if (o->json) {
		print_json(text);
		return EXIT_DONE;
	}
	j = parse_json(text);
	report(j, signal, own->stage);
	return EXIT_DONE;
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	struct own own = {};
	int status,
		first = options_parse_own(c, OPT_STATE | OPT_WAIT, argc, argv, &o, &own, &status);
	int n = argc - first;
	uint64_t bit = 0;
	bool takes_bit;

	if (first < 0)
		return status;
	if (n < 1)
		return usage(c, "which pipeline?");
	if (n == 1 && !own.stage && !own.verdict)
		return show(&o, argv[first]);
	if (n == 1)
		return usage(c, "which signal?");
	takes_bit = text_eq(argv[first + 1], "set") || text_eq(argv[first + 1], "clear");
	if (n != 2 + takes_bit)
		return usage(c, takes_bit ? "which bit, 0 to 15?" : "one signal at a time");
	if (takes_bit && !take_amount(c, "BIT", NUMBER(NULL, UINT32_TEXT), argv[first + 2], &bit))
		return EXIT_USAGE;
	return send_signal(&o, &own, argv[first], argv[first + 1], bit);
}

const struct command cmd_signal = {
	.name = "signal",
	.usage = "[options] PIPELINE [SIGNAL [BIT]]",
	.summary = "pause, resume, drain, shut down or reload what runs",
	.help = "Without a signal: the state. Effective for the next packet; kept through updates\n"
		"and reboots.\n"
		"\n"
		"  pause     packets go past the stage; a pipeline lets them pass or drops them\n"
		"  resume    the end of pause and drain\n"
		"  drain     the stage sees that it shall begin nothing new; a pipeline is "
		"closed,\n"
		"            and empty when the command returns\n"
		"  shutdown  the stage is passed by, emptied and disabled; a pipeline is drained\n"
		"            and deleted\n"
		"  reload    read the objects from their files again\n"
		"  set N, clear N   a bit, 0 to 15, for programs to look at\n"
		"\n"
		"  braid signal edge pause --stage guard\n"
		"  braid signal edge pause --verdict drop\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
