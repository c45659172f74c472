/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of `braid xdp-loader` share. */
#pragma once

#include "cli/cli.h"

/* Exit status where xdp-loader has others than braid. */
enum { LOADER_DONE = 0, LOADER_FAILED = 1, LOADER_HELP = 255 };

struct loader_options {
	struct options common; /* json, verbose */
	const char *mode;      /* as braid_chain_opts has it; NULL: native */
	const char *pin_path, *section, *program;
	uint32_t priority; /* 0: not given; so below */
	uint32_t actions, id;
	bool all;
};

struct loader_command {
	const char *name, *usage, *summary;
	const char *letters; /* of its own options */
	int (*run)(const struct loader_options *o, int argc, char **argv);
};

extern const struct loader_command loader_load, loader_unload, loader_status, loader_features,
	loader_clean;

/* Return: index of the first argument; -1: *ret_status is how to exit. */
int loader_parse(const struct command *c, const struct loader_command *l, int argc, char **argv,
		 struct loader_options *ret, int *ret_status);
/* The options of all commands, each once, for people. */
void loader_print_options(const char *letters);
/* Wrong usage. Return: the exit status. */
int loader_usage(const struct loader_command *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Prints what went wrong. Return: the exit status, which is what the caller has for it. */
int loader_fail(const struct loader_options *o, const struct braid_error *err, int status);
/* Is there such an interface? Otherwise it says so, and *ret_status is how to exit. */
bool loader_has_interface(const struct loader_options *o, const struct loader_command *l,
			  const char *name, int *ret_status);
