/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A program of an object through the verifier, and gone again: what it says, and what it took. */
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/array.h"
#include "base/error.h"

struct trial {
	int code;                  /* 0: accepted; else a negative errno */
	char *log;                 /* "" when there is none */
	char *heard;               /* what libbpf had to say; NULL: nothing */
	__u32 processed;           /* instructions that the verifier went through; 0: unknown */
	__u32 instructions;        /* of the program as it left it; 0: refused */
	__u32 states, peak_states; /* that it kept; 0: unknown */
	__u32 stack;               /* bytes of the deepest chain of calls */
};

/**
 * trial_load() - load program @name of an object with maps of its own, and let it go.
 * Return: 0, also if it is refused: then the log has the way to the instruction; -EPERM no
 * privileges; -ENOENT no such program; -ENOMEM.
 */
int trial_load(const void *object, size_t size, const char *name, struct trial *ret,
	       struct braid_error *err);
/**
 * trial_visits() - the same for the verifier's log with a line for each instruction that it goes
 * through, each time. It takes ten times as long, and 600 bytes an instruction or more.
 * @ret: free() it. It is there for a program that is refused, too.
 * Return: 0; -E2BIG the log has no room; -ENOMEM.
 */
int trial_visits(const void *object, size_t size, const char *name, char **ret,
		 struct braid_error *err);
void trial_done(struct trial *t);

struct trial_name {
	char *name, *section;
};

struct trial_names {
	ARRAY(struct trial_name) list;
};

/* The programs of an object. Return: 0; -EINVAL libbpf takes it for none. */
int trial_names(const void *object, size_t size, struct trial_names *ret, struct braid_error *err);
void trial_names_done(struct trial_names *n);
