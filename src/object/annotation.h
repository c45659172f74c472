/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the author of a program wrote into its object about how to run it. */
#pragma once

#include "object/unit.h"

/* What libxdp takes where nothing is said. */
#define RUN_CONFIG_PRIORITY 50
#define RUN_CONFIG_ACTIONS  (1u << 2) /* XDP_PASS */

/* libxdp's XDP_RUN_CONFIG: DATASEC .xdp_run_config, a struct variable named _<program>. */
struct run_config {
	bool has_priority;
	__u32 priority;
	bool has_actions; /* at least one verdict is named */
	/* bit v set: verdict v chains on. Those not named: XDP_PASS does, others do not. */
	__u32 actions;
};

/* -EINVAL when the annotation is there, but not as libxdp defines it. */
int run_config_read(const struct unit *u, const char *program, struct run_config *ret,
		    struct braid_error *err);

/**
 * run_config_read_btf() - of a loaded program, whose BTF has been fetched from the kernel.
 * @program: its whole name: program_whole_name().
 */
int run_config_read_btf(const struct btf *btf, const char *program, struct run_config *ret,
			struct braid_error *err);

/**
 * program_whole_name() - of a program whose name the kernel has cut at 15 characters.
 * That of the only function that begins so; otherwise @name as it is. Shorter names were not
 * cut.
 * Return: caller frees; NULL: no memory.
 */
char *program_whole_name(const struct btf *btf, const char *name);

/* The variable of that name in a DATASEC, or NULL. */
const struct btf_type *btf_section_var(const struct btf *btf, const char *section,
				       const char *name);
/* A number as __uint() declares it: the length of an array to which @type_id points. */
bool btf_number(const struct btf *btf, __u32 type_id, __u32 *ret);
