/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Two pipelines beside what runs. Each is loaded twice, on the same maps: as it would run, which
 * is what is measured, and with an observer at its seams, which is what packets are run through.
 */
#pragma once

#include "braid/preflight.h"
#include "compose/observe_abi.h"
#include "kernel/testrun.h"
#include "live/live.h"

struct ring_buffer;

/* What a packet met: its events, in order, with their bytes. */
struct trail_step {
	__u32 point, verdict;
	bool leaves;
	__s32 head;
	size_t size, at; /* bytes, and where they are in trail.bytes */
};

struct trail {
	ARRAY(struct trail_step) steps;
	ARRAY(unsigned char) bytes;
	bool failed; /* no memory */
};

/* A map of this side: how it began. */
struct fate {
	const char *stage, *name; /* borrowed from the image */
	const char *how;          /* "copied", "migrated", "anew", "shared" … */
	char *why;                /* owned; NULL: there is nothing to say */
	size_t entries;           /* copied */
};

struct side {
	const char *label; /* "old", "new" */
	const struct braid_pipeline *p;
	struct braid_manifest *manifest; /* owned, if it is from the store */
	__u32 revision;                  /* 0: none */
	struct running_image base, watched;
	struct {
		ARRAY(struct load_reuse) list;
	} reuse; /* of base for watched, borrowed */
	ARRAY(struct fate) fates;
	struct ring_buffer *ring;
	struct trail trail;
	unsigned char *out; /* OUT_ROOM bytes */
	struct testrun_result res;
};

/* Bytes of a packet that comes out, and of all headroom that a program may use. */
#define PREFLIGHT_ROOM (1u << 17)

/* Packets by which the cost is measured: spread over all that were run. */
#define SAMPLES 16

struct sample {
	unsigned char *bytes; /* owned */
	size_t size;
	bool changed; /* a pipeline wrote into it: it cannot be run again and again as it is */
};

struct pair {
	__u32 was, is; /* verdicts */
	__u64 n;
};

struct braid_preflight {
	struct braid *b; /* borrowed */
	struct side was, is;
	bool empty;
	int cpu; /* on which packets are run */
	__u64 packets, differ, verdicts, bytes;
	ARRAY(struct pair) pairs;
	struct sample samples[SAMPLES];
	size_t n_samples;
	__u64 every; /* one of so many packets is a sample */
};

/* preflight_maps.c: what runs, copied once, so that both sides begin with the same. */
struct snapshot;
int snapshot_new(struct snapshot **ret, struct braid_error *err);
void snapshot_free(struct snapshot *s);
DEFINE_CLEANUP(struct snapshot *, snapshot_free)
/*
 * The maps of @side as braid_apply() would bring them over, copies instead of the same ones.
 * @old, @folder: plan and folder of what runs.
 */
int snapshot_fill(struct snapshot *s, struct braid *b, struct side *side, const json_t *old,
		  const char *folder, struct braid_error *err);

/* preflight_side.c */
int side_load(struct side *side, struct braid_error *err); /* as it would run */
int side_watch(struct side *side, struct braid_error *err);
void side_done(struct side *side);
int side_run(struct side *side, const void *packet, size_t size, struct braid_error *err);
const char *side_stage(const struct side *side, __u32 point); /* NULL: none */

/* preflight_trail.c: where two ways part. @ret: of both, if they do. */
void trail_compare(const struct side *was, const struct side *is,
		   struct braid_preflight_outcome *ret_was, struct braid_preflight_outcome *ret_is);

/* preflight_cost.c: "cost" of the report. NULL: no packet can be measured. */
int preflight_cost(struct braid_preflight *f, json_t **ret, struct braid_error *err);
/* preflight_verifier.c: "programs" of a side. */
int side_programs(const struct side *side, json_t **ret, struct braid_error *err);
