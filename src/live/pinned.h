/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Whose a program is: those of pipelines are pinned, and where says whose. Needs no store. */
#pragma once

#include <linux/types.h>

#include "base/array.h"
#include "base/error.h"

struct pinned_program {
	__u32 id;
	char *home, *pipeline; /* owned */
};

struct pinned_programs {
	ARRAY(struct pinned_program) list;
};

/*
 * The programs of all pipelines, of all homes. @root: of bpffs. No folder of ours is fine.
 */
int pinned_programs_read(const char *root, struct pinned_programs *ret, struct braid_error *err);
void pinned_programs_done(struct pinned_programs *p);
/* NULL: it is nobody's. */
const struct pinned_program *pinned_program_find(const struct pinned_programs *p, __u32 id);
