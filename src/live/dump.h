/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the parts of braid_dump() share. */
#pragma once

#include "compose/lines.h"
#include "kernel/kallsyms.h"
#include "kernel/xlated.h"
#include "live/rebuild.h"

struct dump_map {
	__u32 id;
	char *symbol; /* owned */
};

/* What numbers in the instructions are called. */
struct dump_names {
	const struct xlated *x;       /* borrowed */
	const struct kallsyms *calls; /* borrowed; NULL: hidden */
	ARRAY(struct dump_map) maps;
};

/* dump_names.c: the maps of the revision in @folder. */
int dump_names_init(struct dump_names *n, const json_t *plan, const char *folder,
		    struct braid_error *err);
void dump_names_done(struct dump_names *n);
/* Instruction @at as {"at", "bytes", "text", "target"}. NULL: no memory. */
json_t *dump_insn(struct dump_names *n, __u32 at);

/* The index of stage @name; -1: @name is NULL, all of them. -ENOENT: there is none. */
int inspect_stage(const struct braid_plan *plan, const char *name, int *ret,
		  struct braid_error *err);

/* dump_machine.c: machine code from line @line up to the next as {"address", "bytes"}; NULL. */
json_t *dump_machine(const struct xlated *x, size_t line);
/* What stands in front of the first line of the function at instruction @insn. */
json_t *dump_prologue(const struct xlated *x, __u32 insn);
