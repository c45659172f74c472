/* SPDX-License-Identifier: GPL-2.0-only */
/* Pipelines of the test objects, from a line per stage to an image. */
#pragma once

#include "compose/image.h"

#define PIPE_STAGES 80

struct pipe_stage {
	const char *object;  /* of the test objects, without ".o" */
	const char *program; /* NULL: the object has only one */
	__u32 proceed_on;    /* bits; 0: the default */
	bool call;           /* not spliced, whatever the plan wants */
	bool no_slot;        /* it has no constant "slot" */
	bool never;          /* nothing goes on behind it */
};

struct pipe_opts {
	const char *folder; /* of the test objects */
	const char *strategy;
	const char *final;   /* NULL: last */
	const char *signals; /* NULL: the default */
	const char *stats;   /* NULL: off */
	bool record;
};

/* Stages are named s0, s1, …, and told that their slot is their number. Free with pipe_done(). */
struct pipe {
	struct braid_pipeline *pipeline;
	struct braid_plan *plan;
	struct image *image;
};

/* The pipeline alone, for more to be set. Bails out when it fails. */
void pipe_init(struct pipe *p, const struct pipe_opts *opts, const struct pipe_stage *stages,
	       size_t n);
/* Plan and image. 0, or what one of them returns. */
int pipe_build(struct pipe *p, const struct pipe_opts *opts, const struct pipe_stage *stages,
	       size_t n, struct braid_error *err);
void pipe_done(struct pipe *p);
