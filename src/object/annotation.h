/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the author of a program wrote into its object about how to run it. */
#pragma once

#include "object/unit.h"

/* libxdp's XDP_RUN_CONFIG: DATASEC .xdp_run_config, a struct variable named _<program>. */
struct run_config {
	bool has_priority;
	__u32 priority;
	bool has_actions;
	__u32 actions; /* bit v set: verdict v chains on; verdicts it does not name do not */
};

/* -EINVAL when the annotation is there, but not as libxdp defines it. */
int run_config_read(const struct unit *u, const char *program, struct run_config *ret,
		    struct braid_error *err);
