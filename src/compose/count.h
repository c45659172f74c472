/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What is counted of a pipeline, and what follows from it.
 *
 * A pipeline is a graph: packets go from stage to stage, and leave. What comes to a stage goes
 * on from it, so not every way needs a counter: those of a spanning tree follow from the
 * others. All that leaves is counted where it does, with its verdict. Of what goes on, the ways
 * from stages to the next ones are in the tree; of several verdicts that go on all but one are
 * counted, and the ways of a choice that join others again.
 *
 * Where a packet meets one stage after the other, it is counted once. Bytes are those that it
 * had when it came in: so they follow in the same way.
 */
#pragma once

#include <jansson.h>

#include "compose/image.h"

/* The section of the image: a block per CPU. */
#define COUNT_SECTION ".data._count"

enum count_kind {
	COUNT_ENTER,   /* into the first stage, or that of a component */
	COUNT_VERDICT, /* leaves with what the stage returned */
	COUNT_ACCEPT,  /* … with BRAID_ACCEPT, where the hook's own PASS would go on */
	COUNT_PROCEED, /* goes on with that verdict, perhaps by the end of the pipeline */
	COUNT_DEFAULT, /* of what chooses: to none of the cases */
	COUNT_CASE,
	COUNT_BYPASS, /* past a stage that is paused */
	COUNT_LOST,   /* the tail call to the stage failed */
	COUNT_CLOSED, /* leaves at the entry, as the pipeline is closed */
};

/* As a stage: where packets come from and where they leave to. */
#define COUNT_OUTSIDE 0xffffffffu
/* As a verdict: one that the hook does not have. */
#define COUNT_OTHER 0x7fffffffu

struct count_edge {
	enum count_kind kind;
	__u32 from, to; /* indexes of stages, or COUNT_OUTSIDE */
	__u32 counter;  /* in a CPU's block; 0: it follows from others */
	__u32 verdict;  /* what the stage returned */
	__u32 left;     /* to COUNT_OUTSIDE: what the packet leaves with */
	/* of a component: the stage that another one begins with, and which is next */
	__u32 onward; /* COUNT_OUTSIDE: it leaves the pipeline */
	char *text;   /* owned; COUNT_CASE: what it is a case of */
};

struct count_stage {
	char *name;    /* owned */
	bool internal; /* code of braid's own that chooses */
};

struct count_model {
	ARRAY(struct count_stage) stages; /* of the plan */
	ARRAY(struct count_edge) edges;
	__u32 counters; /* in a block; the first is no counter, but what seams keep there */
};

struct count_value {
	__u64 packets, bytes;
};

_Static_assert(sizeof(struct count_value) == SPLICE_COUNTER, "as it lies in a block");

/* What is counted of a plan. 0 or -ENOMEM. Free with count_model_done(). */
int count_model_new(const struct braid_plan *plan, struct count_model *ret,
		    struct braid_error *err);
void count_model_done(struct count_model *m);
#define _cleanup_count_model_ _cleanup_(count_model_done)

/*
 * What each edge had. @block: m->counters of them; the caller's sum over CPUs, or one CPU's.
 * @ret: room for all edges. Read while packets come, some may be in one number and not yet in
 * another: what would be less than none is none. Return: 0 or -ENOMEM.
 */
int count_derive(const struct count_model *m, const struct count_value *block,
		 struct count_value *ret);

/* count_json.c: a model as JSON, to be kept with a plan. NULL: no memory. */
json_t *count_model_to_json(const struct count_model *m);
/* Return: 0; -EBADMSG it is none; -ENOMEM. */
int count_model_from_json(const json_t *j, struct count_model *ret, struct braid_error *err);
/*
 * A number for how it counts, names of stages apart. Of two pipelines of one number the counters
 * mean the same, in however many programs they run. It stands in the block of the first CPU, 8
 * bytes from its start. 0 or -ENOMEM.
 */
int count_model_mark(const struct count_model *m, __u64 *ret, struct braid_error *err);
#define COUNT_MARK_OFFSET 8

/* Is something counted? */
bool plan_counts(const struct braid_plan *plan);

/* Bytes of a CPU's block. */
__u32 count_block_size(__u32 counters);

/* count_image.c: the section, and what seams must know of it. */
struct count_seams {
	struct splice_count splice;
	ARRAY(struct splice_count_part) parts; /* by stage */
	ARRAY(__u32) cases;                    /* by case, of all stages */
	ARRAY(__u32) lost;                     /* by slot */
};

/* @cpus: those that there can be; 0: one. */
int count_add(struct image *image, __u32 cpus, struct count_seams *ret, struct braid_error *err);
void count_seams_done(struct count_seams *c);
/* NULL: nothing is counted. Valid until the next call. */
const struct splice_count *count_for_seams(struct count_seams *c, const struct image *image,
					   __u32 segment);
