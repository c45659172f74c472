/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* How a pipeline will run: decided here, carried out by image.h. */
#pragma once

#include "braid/plan.h"
#include "manifest/model.h"
#include "object/analyse.h"
#include "object/annotation.h"
#include "object/splice.h"
#include "object/unit.h"

/* Where a setting came from. */
enum origin { FROM_DEFAULT, FROM_ANNOTATION, FROM_MANIFEST };

/*
 * A part of the pipeline: a stage of the manifest, a candidate of one ("guard@new"), or code
 * of braid's own that chooses a way (`internal`). In the order of their code: control goes
 * forward only.
 */
struct plan_stage {
	const struct stage *stage; /* borrowed from the pipeline, or @own */
	struct stage *own;         /* a candidate or internal: owned, its members are borrowed */
	struct unit *unit;         /* owned */
	void *bytes;               /* owned; the object as it was read; NULL: internal */
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
	bool uses_config; /* it has fields that "braid config" sets */
	bool called;      /* not spliced, but called */
	const char *why_called;
	__u32 segment;

	/* where control goes on: indexes of later stages of the plan, or SPLICE_END */
	__u32 next;
	bool chooses; /* what it returns is no verdict, but chooses one of: */
	ARRAY(struct splice_case) cases;
	const struct choice *choice; /* by which it chooses; NULL: a rollout, or it does not */

	bool internal;
	/* of a rollout: of the stage and of its candidate, who sends packets to them */
	bool by_share;     /* this is who does */
	bool in_rollout;   /* … or one of those two */
	__u32 sender;      /* index of who does; it comes before them */
	bool is_candidate; /* the candidate of the stage in front of it */
};

/*
 * A run of stages that are one program; control goes on to another by a tail call, which
 * leads to its first stage.
 */
struct segment {
	__u32 first, n;
	char *name; /* of the program */
	/* STRATEGY_DISPATCHER: of the component that it is; @actions: as proceed_on */
	__u32 priority, actions;
};

struct braid_plan {
	const struct braid_pipeline *pipeline; /* borrowed */
	ARRAY(struct plan_stage) stages;
	ARRAY(struct segment) segments;
	enum strategy strategy; /* not STRATEGY_AUTO */
	char *why;              /* this strategy */
	char *license;
	bool clean_stack; /* see struct splice: for what is too much for the verifier */
	bool frags;       /* all stages know packets of several buffers */
	bool plain;       /* no gates: for loaders that are not braid */
	bool uses_config; /* some stage has fields that "braid config" sets */
	bool has_rollout;
	/* observe.h: what observers take of each program's maps, and of the stack below it */
	__u32 watch_maps, watch_stack;
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

/* Does it have a control block? */
bool plan_has_control(const struct braid_plan *plan);
/* Can packets be sent past stage @k? Can they be turned away at the entry? */
bool plan_is_gated(const struct braid_plan *plan, __u32 k);
bool plan_closes(const struct braid_plan *plan);
/* What is the verdict behind the last stage of @segment? */
enum splice_end plan_end_of(const struct braid_plan *plan, __u32 segment);

/* graph.c: the stages that are linked, each with where control goes on. */
int plan_add_stages(struct braid_plan *plan, struct braid_error *err);
/* segment.c: which stages are one program, and which are called. */
int plan_segment(struct braid_plan *plan, enum strategy strategy, const char *why,
		 struct braid_error *err);

/* Would @bytes that outlive all its stages fit into its stack? */
bool segment_has_room(const struct braid_plan *plan, const struct segment *seg, __u32 bytes);

/* components.c: where a component begins, @cut as in segment.c; and what each segment is then. */
void components_cut(const struct braid_plan *plan, bool *cut);
int components_describe(struct braid_plan *plan, struct braid_error *err);

/* stage.c */
/* Its object's bytes, from memory or the file; @ret: caller frees. */
int stage_read(const struct stage *s, void **ret, size_t *ret_size, struct braid_error *err);
/* SHA-256 of its object, hex. */
int stage_digest(const struct stage *s, char ret[65], struct braid_error *err);
/* "by-proto" -> "by_proto": a name as an identifier. NULL: no memory. */
char *stage_name_space(const char *name);
/* The program that @unit has in funcs[@func], with its facts. */
int plan_stage_measure(struct plan_stage *ps, struct braid_error *err);
int plan_stage_load(struct plan_stage *ps, const struct braid_pipeline *p, const struct stage *s,
		    struct braid_error *err);
void plan_stage_done(struct plan_stage *ps);

/* The maps that a program may use: Linux, include/linux/bpf_verifier.h, MAX_USED_MAPS. */
#define PROGRAM_MAPS 64
/* The priority of components that nobody gave one: libxdp's default. */
#define COMPONENT_PRIORITY 50
/* Tail calls that one packet may make: Linux, MAX_TAIL_CALL_CNT. */
#define TAIL_CALLS 33
