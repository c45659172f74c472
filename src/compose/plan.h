/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* How a pipeline will run: decided here, carried out by image.h. */
#pragma once

#include "braid/plan.h"
#include "manifest/model.h"
#include "object/analyse.h"
#include "object/annotation.h"
#include "object/unit.h"

/* Where a setting came from. */
enum origin { FROM_DEFAULT, FROM_ANNOTATION, FROM_MANIFEST };

struct plan_stage {
	const struct stage *stage; /* borrowed from the pipeline */
	struct unit *unit;         /* owned */
	void *bytes;               /* owned; the object as it was read */
	size_t size;
	char digest[65]; /* SHA-256 of it, hex */
	char *ns;        /* name space of its symbols: the stage's name as an identifier */
	__u32 func;      /* its program: unit->funcs[func] */
	bool frags;      /* knows packets of several buffers */
	__u32 proceed_on;
	enum origin proceed_from;
	struct run_config config;
	struct func_facts facts;
	/* what its program takes of the maps that a program may use */
	__u32 n_maps;     /* its own, .data and .bss counting as one */
	bool uses_rodata; /* the one that all stages share */
	bool uses_kconfig;
	bool called; /* not spliced, but called */
	const char *why_called;
	__u32 segment;
};

/* A run of stages that are one program; control goes on to the next by a tail call. */
struct segment {
	__u32 first, n;
	char *name; /* of the program */
};

struct braid_plan {
	const struct braid_pipeline *pipeline; /* borrowed */
	ARRAY(struct plan_stage) stages;
	ARRAY(struct segment) segments;
	enum strategy strategy; /* STRATEGY_FUSED or STRATEGY_TAILCALL */
	char *why;              /* this strategy */
	char *license;
	bool clean_stack; /* see struct splice: for what is too much for the verifier */
	bool frags;       /* all stages know packets of several buffers */
};

DEFINE_CLEANUP(struct braid_plan *, braid_plan_free)

/*
 * @strategy: instead of the pipeline's own; @why: the reason, copied, or NULL.
 * live uses it to fall back from fused to tailcall.
 */
int plan_new(const struct braid_pipeline *p, enum strategy strategy, const char *why,
	     struct braid_plan **ret, struct braid_error *err);

/* "edge.yaml:12:7: stage guard", or "stage guard" when it came from C. NULL: no memory. */
char *stage_where(const struct stage *s);

/* stage.c */
int plan_stage_load(struct plan_stage *ps, const struct braid_pipeline *p, const struct stage *s,
		    struct braid_error *err);
void plan_stage_done(struct plan_stage *ps);
/* "xdp" or "xdp.frags": programs of the hook. */
bool section_is_hook(const char *section, enum hook hook, bool *ret_frags);

/* The maps that a program may use: Linux, include/linux/bpf_verifier.h, MAX_USED_MAPS. */
#define PROGRAM_MAPS 64
/* Tail calls that one packet may make: Linux, MAX_TAIL_CALL_CNT. */
#define TAIL_CALLS 33
