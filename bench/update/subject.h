/* SPDX-License-Identifier: GPL-2.0-only */
/* A pipeline of ten stages, whose fifth is exchanged. */
#pragma once

#include <stdint.h>

#include "common/sandbox.h"

#define SUBJECT  "bench" /* name of the pipeline; that of the stage is "target" */
#define VERSIONS 3       /* at most */

struct kind {
	const char *name;
	const char *object; /* of version 0: "<object>_0" */
	unsigned int versions;
	bool has_records; /* whose layout is another one in each version */
};

extern const struct kind kind_carry, kind_migrate;

/* What runs. Maps are fds; those of the first revision, but for the records. */
struct subject {
	const struct kind *kind;
	struct braid *braid;
	struct braid_manifest *versions[VERSIONS];
	int count, first; /* of the stage that is exchanged, by version */
	int others[9];    /* counters of the other stages */
};

/* How many frames the stages have counted: all stages the same number, if all is well. */
struct counts {
	uint64_t fewest, most;
};

/* Objects into the sandbox; once. */
void subjects_init(void);

/*
 * Applies version 0, native, on the interface "sink" of the namespace that the caller is in.
 * @strategy: "fused" or "tailcall". subject_close() deletes it.
 */
void subject_open(const struct kind *kind, const char *strategy, struct subject *ret);
void subject_close(struct subject *s);

/* Frames of all versions; all stages must have the same. */
struct counts subject_counts(const struct subject *s);
/*
 * Of @frames those that the records lack; negative: that they have too many. Exits if a
 * record is not there any more, or not as it was. @version: that runs.
 */
int64_t subject_records_lost(const struct subject *s, unsigned int version, uint64_t frames);

/* Forgets when @version met its first packet. */
void subject_forget(const struct subject *s, unsigned int version);
/* CLOCK_MONOTONIC, ns. 0: not yet. */
uint64_t subject_first(const struct subject *s, unsigned int version);
