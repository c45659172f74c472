/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * braid xdp-loader: the command line of xdp-tools' xdp-loader 1.3.1, with its effects and its
 * exit status, for scripts that call that. What differs is in the manual.
 */
#include <braid/dispatcher.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cli/xdp_loader.h"

/* A prefix is enough, and the first one that fits is it. */
static const struct loader_command *const commands[] = {
	&loader_load, &loader_unload, &loader_status, &loader_features, &loader_clean,
};

#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

DEFINE_CLEANUP(struct braid_chain *, braid_chain_close)

/* The kernel's errors are negated into a byte. What xdp-loader has other words for is here. */
static int status_of(const struct loader_options *o, const struct braid_error *err)
{
	switch (err->code) {
	case -ENOEXEC: /* libbpf's own number for it */
		return 95;
	case -ENODATA:
		return (unsigned char)-ENOENT;
	case -ENOSPC:
		return (unsigned char)-E2BIG;
	case -EAGAIN:
		return (unsigned char)-EBUSY;
	case -EEXIST: /* a program in hardware, or a chain of another mode */
		return (unsigned char)(text_eq(o->mode, "hardware") ? -EEXIST : -EBUSY);
	case -EPERM:
		return geteuid() ? LOADER_FAILED : (unsigned char)-EPERM;
	default:
		return (unsigned char)err->code;
	}
}

/* Silence means success, so what is not as asked is told apart. */
static int show_chain(const struct loader_options *o, char *text)
{
	_cleanup_json_ json_t *j = NULL;

	if (o->common.json)
		puts(text);
	j = parse_json(text);
	if (*member(j, "alone"))
		fprintf(stderr,
			"xdp-loader: %s: '%s' is attached alone, not in a dispatcher: nobody can "
			"add another program\n  why: %s\n",
			member(j, "interface"), member(json_object_get(j, "program"), "name"),
			member(j, "alone"));
	if (*member(j, "pins-left"))
		fprintf(stderr, "xdp-loader: %s: pins stay\n  why: %s\n  do:  xdp-loader clean\n",
			member(j, "interface"), member(j, "pins-left"));
	return LOADER_DONE;
}

static int add_files(struct braid_chain *c, const struct loader_options *o, int n, char **files,
		     struct braid_error *err)
{
	int r = 0;

	for (int i = 0; i < n && !r; i++) {
		struct braid_component component = {
			.sz = sizeof(component),
			.object = files[i],
			.section = o->section,
			.program = o->program,
			.has_priority = o->priority != 0,
			.priority = o->priority,
			.has_actions = o->actions != 0,
			.actions = o->actions,
		};

		r = braid_chain_add(c, &component, err);
	}
	return r;
}

static int run_load(const struct loader_options *o, int argc, char **argv)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_chain_closep) struct braid_chain *c = NULL;
	struct braid_chain_opts opts = {
		.sz = sizeof(opts),
		.mode = o->mode,
		.pin_path = o->pin_path,
		.alone = text_eq(getenv("LIBXDP_SKIP_DISPATCHER"), "1")
				 ? BRAID_CHAIN_ALWAYS_ALONE
				 : BRAID_CHAIN_ALONE_IF_REFUSED,
	};
	int status;
	char *text;

	if (argc < 2)
		return loader_usage(&loader_load, argc ? "which file?" : "which interface?");
	if (!loader_has_interface(o, &loader_load, argv[0], &status))
		return status;
	if (o->section && o->program)
		return loader_usage(&loader_load, "one of --section and --prog-name");
	if (argc > 2 && text_eq(o->mode, "hardware"))
		return loader_usage(&loader_load, "hardware runs one program");
	if (braid_chain_open(argv[0], &opts, &c, &err) ||
	    add_files(c, o, argc - 1, argv + 1, &err) || braid_chain_commit(c, &text, &err))
		return loader_fail(o, &err, status_of(o, &err));
	status = show_chain(o, text);
	return pass_chain(&o->common, c) ? LOADER_FAILED : status;
}

static int run_unload(const struct loader_options *o, int argc, char **argv)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_chain_closep) struct braid_chain *c = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *j = NULL;
	int status, r;

	if (!o->all && !o->id)
		return loader_usage(&loader_unload, "which program? --id or --all");
	if (argc != 1)
		return loader_usage(&loader_unload, argc ? "one interface" : "which interface?");
	if (!loader_has_interface(o, &loader_unload, argv[0], &status))
		return status;
	r = braid_chain_open(argv[0], NULL, &c, &err);
	r = r ?: o->all ? braid_chain_remove_all(c, &err) : braid_chain_remove(c, o->id, &err);
	r = r ?: braid_chain_commit(c, &text, &err);
	if (r)
		return loader_fail(o, &err, LOADER_FAILED);
	j = json_loads(text, 0, NULL);
	if (!json_array_size(json_object_get(j, "removed"))) {
		struct braid_error none = {
			.code = -ENOENT, .where = argv[0], .what = "no XDP program is attached"};

		return loader_fail(o, &none, LOADER_FAILED);
	}
	return show_chain(o, TAKE_PTR(text));
}

const struct loader_command loader_load = {
	.name = "load",
	.usage = "[options] INTERFACE FILE…",
	.summary = "Add a program of each file to those that run on an interface",
	.letters = "mpsnPAf",
	.run = run_load,
};

const struct loader_command loader_unload = {
	.name = "unload",
	.usage = "[options] INTERFACE",
	.summary = "Take a program away from an interface, or all",
	.letters = "ia",
	.run = run_unload,
};

static void print_help(FILE *to)
{
	fputs("usage: xdp-loader COMMAND [options]\n"
	      "\n"
	      "XDP programs of several tools on one interface; the command line of xdp-tools'\n"
	      "xdp-loader, and its exit status.\n"
	      "\n",
	      to);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(to, "  %-10s%s\n", commands[i]->name, commands[i]->summary);
	fputs("  help      This\n\n  xdp-loader COMMAND --help   its options\n", to);
}

static int run(const struct command *c, int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	struct loader_options o;
	int status, first;

	if (text_eq(word, "--help") || text_eq(word, "-h")) {
		print_help(stdout);
		putchar('\n');
		loader_print_options("mpsnPAfia");
		return LOADER_DONE;
	}
	for (size_t i = 0; word && i < N_COMMANDS; i++)
		if (text_has_prefix(commands[i]->name, word)) {
			first = loader_parse(c, commands[i], argc - 1, argv + 1, &o, &status);
			return first < 0 ? status
					 : commands[i]->run(&o, argc - 1 - first, argv + 1 + first);
		}
	if (!word || text_has_prefix("help", word)) {
		print_help(stderr);
		return LOADER_HELP;
	}
	fprintf(stderr, "xdp-loader: unknown command '%s'\n  do:  xdp-loader help\n", word);
	return LOADER_FAILED;
}

const struct command cmd_xdp_loader = {
	.name = "xdp-loader",
	.usage = "COMMAND [options] [arguments]",
	.summary = "what xdp-tools' xdp-loader does, for scripts that call it",
	.help = "",
	.run = run,
};
