/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands share. */
#pragma once

#include <braid/braid.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "cli/amount.h"

enum exit_status { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_CONFLICT, EXIT_DENIED, EXIT_DIFFERS };

/* An option that only one command has: a field of a struct of the command's own. */
enum option_kind {
	OPTION_FLAG,  /* bool */
	OPTION_TEXT,  /* const char *: the last one counts */
	OPTION_TEXTS, /* struct texts: it may be repeated */
	/* uint64_t: as enum amount_kind has them, in its order */
	OPTION_NUMBER,
	OPTION_SIZE,
	OPTION_TIME,
};

struct texts {
	ARRAY(const char *) list; /* array_done(&texts.list) */
};

struct own_option {
	const char *name;
	char letter; /* 0: none */
	enum option_kind kind;
	size_t at;        /* of the field */
	const char *help; /* its line: "-n, --count N          …", or "    --count N          …" */
	const char *least, *most; /* of an amount: struct amount */
};

struct command {
	const char *name;
	const char *usage; /* behind "braid <name>" */
	const char *summary;
	const char *help; /* its own options and examples */
	int (*run)(const struct command *c, int argc, char **argv);
	const struct own_option *own; /* in --help in front of those of all commands */
	size_t n_own;
};

extern const struct command cmd_adopt, cmd_apply, cmd_asm, cmd_capture, cmd_config, cmd_delete,
	cmd_diff, cmd_dispatcher, cmd_dump, cmd_explain, cmd_graph, cmd_history, cmd_latency,
	cmd_link, cmd_map, cmd_metrics, cmd_plan, cmd_preflight, cmd_restore, cmd_rollback,
	cmd_rollout, cmd_run, cmd_signal, cmd_stage, cmd_status, cmd_top, cmd_trace, cmd_update,
	cmd_xdp_loader;

/* Options that several commands take. */
struct options {
	bool json, verbose, replace;
	const char *state;
	uint64_t wait_ns;
	ARRAY(const char *) values;
};

enum option_set {
	OPT_VALUES = 1,
	OPT_STATE = 2,
	OPT_WAIT = 4,
	OPT_REPLACE = 8,
	OPT_PASS_FDS = 16,
};

/*
 * Parses options of @sets besides --json, --verbose and --help, and moves on past them.
 * Return: index of the first argument, or -1: *ret_status is how to exit.
 */
int options_parse(const struct command *c, unsigned int sets, int argc, char **argv,
		  struct options *ret, int *ret_status);
/* The same for a command with options of its own. @ret_own: their struct, which is set already. */
int options_parse_own(const struct command *c, unsigned int sets, int argc, char **argv,
		      struct options *ret, void *ret_own, int *ret_status);
void options_done(struct options *o);
/* What @place ("--count", "REVISION") has. false: what is wrong with it has been said. */
bool take_amount(const struct command *c, const char *place, const struct amount *a,
		 const char *text, uint64_t *ret);
/*
 * The index of @word in the array @table, whose elements begin with a name. -1: it is not there,
 * which has been said: "unknown format 'pgn': did you mean 'png'?". @what: "format".
 */
#define find_word(c, what, word, table)                                                            \
	find_word_in(c, what, word, table, sizeof(*(table)), sizeof(table) / sizeof(*(table)))
int find_word_in(const struct command *c, const char *what, const char *word, const void *table,
		 size_t size, size_t n);

/* Prints what went wrong, for people or as JSON. Return: the exit status for it. */
int fail(const struct options *o, const struct braid_error *err);
json_t *error_json(const struct braid_error *err); /* without "error" around it */
enum exit_status exit_status_of(const struct braid_error *err);
/* Wrong usage of @c. Return: EXIT_USAGE. */
int usage(const struct command *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int open_braid(const struct options *o, struct braid **ret, struct braid_error *err);
/* "braid apply edge.yaml": what the user typed. */
void remember_command_line(int argc, char **argv);
int load_manifest(const struct options *o, const char *path, struct braid_manifest **ret,
		  struct braid_error *err);

/* Parses what the library returned, and frees it. Exits when that is no JSON. */
json_t *parse_json(char *text);
/* Prints @text, with a newline at its end, and frees it. */
void print_json(char *text);
const char *member(const json_t *j, const char *name); /* a string; "" when there is none */
long long number(const json_t *j, const char *name);   /* 0 when there is none */
/* "a, b, c" of a list of strings; free it. */
char *list_text(const json_t *list);
/* As DOT and Prometheus have texts: in quotes. */
struct buf;
void quoted_text(struct buf *b, const char *text);
/* "2026-11-20 18:30:05" of seconds since the epoch, local time, in a static buffer. */
const char *time_text(long long seconds);

#define _cleanup_json_    _cleanup_(json_decrefp)
#define _cleanup_options_ _cleanup_(options_done)
#define _cleanup_error_   _cleanup_(braid_error_clear)
DEFINE_CLEANUP(struct braid *, braid_close)
DEFINE_CLEANUP(struct braid_manifest *, braid_manifest_free)
DEFINE_CLEANUP(struct braid_pipeline *, braid_pipeline_free)
DEFINE_CLEANUP(struct braid_plan *, braid_plan_free)
DEFINE_CLEANUP(struct braid_run *, braid_run_close)
DEFINE_CLEANUP(struct braid_restore *, braid_restore_close)

/* update.c: changing what runs. @ctx is that of edit_and_apply(). */
typedef int (*edit_fn)(struct braid_pipeline *p, void *ctx, struct braid_error *err);
/* Reads @pipeline as it runs, changes it, applies it and reports. Return: exit status. */
int edit_and_apply(const struct options *o, const char *pipeline, edit_fn edit, void *ctx);
/* "guard=guard.o": a copy of the name, and where the path starts. */
bool parse_assignment(const char *arg, char **ret_name, const char **ret_path);
/* From the root, as what is wanted outlives the folder. NULL: no such file. Caller frees. */
char *object_path(const char *path, struct braid_error *err);

/* passfds.c: false: @arg is no socket, and that has been said. */
bool pass_fds_open(const struct command *c, const char *arg);
/* What runs as that pipeline, if anybody wants it. @home: NULL: the caller's. Return: exit status.
 */
int pass_pipeline(const struct options *o, struct braid *b, const char *home, const char *name);
/* What a change to a dispatcher has added. */
struct braid_chain;
int pass_chain(const struct options *o, const struct braid_chain *c);
/* The end mark: with what went wrong; or, if @status is that of success. Return: exit status. */
void pass_fds_failure(const struct braid_error *err);
int pass_fds_end(int status);

/* table.c: columns by libsmartcols. A heading that starts with '>' is aligned to the right. */
struct table;
struct table *table_new(const char *const *headings, size_t n);
void table_row(struct table *t, ...); /* n strings; NULL is "" */
void table_print(struct table *t);    /* and frees it */
