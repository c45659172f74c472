/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of output that several commands have, and which pipelines of a manifest are meant. */
#pragma once

#include "cli/cli.h"

/* A list of {"path", "old", "new"}. */
void show_changes(const json_t *changes);
/* Ends the line: whether packets enter a pipeline, and what else becomes of them. */
void show_running_state(const json_t *pipeline);
/* counters.c: what stages have counted; NULL: nothing. */
void show_counters(const json_t *counters);
/* Which maps go on and which start anew. */
void show_carry(const json_t *carry);

/*
 * foreigners.c: what else is attached to these interfaces, if there is something. @mean: with
 * what it means for the pipeline. @indent: blanks in front of each line.
 */
void show_foreigners(const json_t *interfaces, bool mean, const char *indent);

/* dispatcher_show.c: one of braid_dispatchers() or braid_interfaces(). */
void show_dispatcher(const json_t *dispatcher);

/* Of a manifest rather than a name: names of pipelines have no dot and no slash. */
bool is_file(const char *arg);
/* That of @name; NULL: the only one. @path: of the manifest. */
int pick_pipeline(const struct braid_manifest *m, const char *path, const char *name,
		  const struct braid_pipeline **ret, struct braid_error *err);
/*
 * Calls @fn for each pipeline of the manifest args[0], or for those that the other
 * arguments name; stops at the first that fails. Return: exit status.
 */
int each_pipeline(const struct command *c, const struct options *o, int n, char **args,
		  int (*fn)(const struct options *o, const struct braid_pipeline *p));

/* What braid_apply() reported, which is freed. Return: exit status. */
int show_applied(const struct options *o, char *report);
/* Applies and reports; used by apply and rollback. Return: exit status. */
int apply_and_report(const struct options *o, const struct braid_pipeline *p);
/* What packets meet while an interface is switched by that action: " (…)", or "". */
const char *action_note(const json_t *iface);
