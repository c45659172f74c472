/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/stdio.h"

static const struct command *const commands[] = {
	&cmd_plan,     &cmd_preflight, &cmd_apply,      &cmd_update,     &cmd_stage, &cmd_signal,
	&cmd_config,   &cmd_graph,     &cmd_metrics,    &cmd_status,     &cmd_diff,  &cmd_history,
	&cmd_rollback, &cmd_rollout,   &cmd_restore,    &cmd_delete,     &cmd_run,   &cmd_top,
	&cmd_latency,  &cmd_trace,     &cmd_capture,    &cmd_link,       &cmd_map,   &cmd_dump,
	&cmd_explain,  &cmd_asm,       &cmd_dispatcher, &cmd_xdp_loader, &cmd_adopt,
};

#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

static void help(FILE *to)
{
	fputs("usage: braid <command> [options] [arguments]\n"
	      "\n"
	      "Many BPF programs as one system: stages of several teams become one pipeline\n"
	      "on an interface, and are changed while packets flow.\n"
	      "\n"
	      "commands:\n",
	      to);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(to, "  %-12s%s\n", commands[i]->name, commands[i]->summary);
	fputs("\n"
	      "  braid <command> --help   its options and examples\n"
	      "  braid --version\n",
	      to);
}

static int unknown_command(const char *word)
{
	const char *names[N_COMMANDS], *near;

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i]->name;
	near = text_nearest(word, names, N_COMMANDS);
	fprintf(stderr, "braid: unknown command '%s'\n", word);
	if (near)
		fprintf(stderr, "  do:  did you mean '%s'?\n", near);
	else
		fputs("  do:  braid --help lists the commands\n", stderr);
	return EXIT_USAGE;
}

static int command(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	const char *slash = strrchr(argv[0], '/');

	if (text_eq(slash ? slash + 1 : argv[0], cmd_xdp_loader.name)) /* through a link */
		return cmd_xdp_loader.run(&cmd_xdp_loader, argc, argv);
	if (!word) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (text_eq(word, "--help") || text_eq(word, "-h") || text_eq(word, "help")) {
		help(stdout);
		return EXIT_DONE;
	}
	if (text_eq(word, "--version") || text_eq(word, "version")) {
		printf("braid %s\n", braid_version());
		return EXIT_DONE;
	}
	remember_command_line(argc, argv);
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (text_eq(commands[i]->name, word))
			return commands[i]->run(commands[i], argc - 1, argv + 1);
	return unknown_command(word);
}

int main(int argc, char **argv)
{
	return stdio_open() ? stdio_close(pass_fds_end(command(argc, argv))) : EXIT_FAILED;
}
