/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the seams of a running pipeline have counted, as documents: JSON objects with the members
 * "since", "entered", "left", "stages", "edges", as docs/json.md has them.
 *
 * A revision has counters of its own. What those before it counted is in the store, in the
 * document "counters" of the pipeline, the base:
 *	the members above; "boot": of the machine, since nothing counts on after a reboot;
 *	"folded": numbers of revisions that are in it, and may still be in bpffs
 */
#pragma once

#include "compose/count.h"
#include "live/live.h"

#define RUNTIME_COUNTERS "counters"

/* The counters of a revision, as they were when they were read. */
struct counters {
	struct count_model model;
	enum hook hook;
	__u32 map; /* id */
	__u32 cpus;
	struct count_value *values; /* cpus * model.counters of them */
	__u64 since;                /* seconds since 1970: when its first program was loaded */
};

/*
 * counters_read.c. @plan: of the revision, as it is recorded; @folder: its folder in bpffs.
 * Return: 0; -ENODATA it counts nothing, or its counters are not there; -EBADMSG they are not
 * what the plan says.
 */
int counters_read(const json_t *plan, const char *folder, struct counters *ret,
		  struct braid_error *err);
void counters_done(struct counters *c);
#define _cleanup_counters_ _cleanup_(counters_done)

/* counters_json.c: a document of @c; of CPU @cpu only, or of all: COUNTERS_ALL. */
#define COUNTERS_ALL 0xffffffffu
int counters_to_json(const struct counters *c, __u32 cpu, json_t **ret, struct braid_error *err);
/* Adds what @base has to the document @j. Stages and edges that @j has not are added, too. */
int counters_add(json_t *j, const json_t *base, struct braid_error *err);
/* Drops stages and edges that @like does not have. */
void counters_prune(json_t *j, const struct count_model *like);

/*
 * counters_base.c: puts what the revision @number counted into the base, once: when no packet can
 * be inside its programs any more. @plan, @folder: its; @beside: the folder of the revision that
 * stays, which may have the same counters; @stays: its plan. Where one of both counts nothing
 * the base goes: there is a gap. What keeps the counters from being read keeps nobody from
 * anything: then they start anew.
 */
struct fold {
	const char *home, *pipeline;
	__u32 number;
	bool failed; /* it has never become the current one */
	const json_t *plan, *stays;
	const char *folder, *beside;
};
int counters_fold(struct braid *b, const struct fold *f, struct braid_error *err);
/* The base; an empty object when there is none that counts. */
int counters_base(struct braid *b, const char *home, const char *pipeline, json_t **ret,
		  struct braid_error *err);
bool counters_are_folded(const json_t *base, __u32 number);

/* counters.c: all that a pipeline has counted. As counters_read(); @cpus: each apart, too. */
int counters_describe(struct braid *b, const char *home, const char *pipeline, __u32 revision,
		      const json_t *plan, bool cpus, json_t **ret, struct braid_error *err);
/* Does the plan of a revision, as it is recorded, say that it counts? */
bool counters_are_in(const json_t *plan);
