/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Why an image is as it is. */
#pragma once

#include <jansson.h>

#include "compose/image.h"

/* Of a stage, or what of a program belongs to none. */
struct explain_cost {
	__u64 processed; /* instructions that the verifier went through */
	__u64 branches;  /* ways that it came back to later, and that begin there */
};

struct explain_costs {
	ARRAY(struct explain_cost) stages; /* by stage of the plan: with its functions */
	ARRAY(struct explain_cost) seams;  /* … and what braid put in front of it and behind */
};

/* "programs" and "stages" of braid_explain(). @stage: index of the only one; -1: all. */
int explain_programs(const struct image *image, json_t **ret, struct braid_error *err);
int explain_stages(const struct image *image, int stage, json_t **ret, struct braid_error *err);
/* What the verifier's log says of the program of @segment: each line is a visit. @costs: added. */
int explain_log(const struct image *image, __u32 segment, const char *log,
		struct explain_costs *costs);
/* Room for all stages. 0 or -ENOMEM. */
int explain_costs_init(struct explain_costs *c, const struct image *image);
void explain_costs_done(struct explain_costs *c);
