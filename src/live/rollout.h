/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A gradual rollout, inside. Three things say how far it is, and follow each other in this
 * order: the store's document "rollout" (rollout_doc.c), the current revision's model, in
 * which the stage has a candidate, and the word control.share that packets look at. Whoever
 * is killed between two of them leaves it to the next command: rollout_settle().
 */
#pragma once

#include "compose/rollout_abi.h"
#include "kernel/boot.h"
#include "live/gate.h"
#include "live/runtime.h"

enum rollout_state {
	ROLLOUT_RUNNING,
	ROLLOUT_PAUSED,
	/* decided and recorded; the candidate may still be there */
	ROLLOUT_FAILING,
	ROLLOUT_ABORTING,
	ROLLOUT_PROMOTING,
	/* over: no candidate any more */
	ROLLOUT_FAILED,
	ROLLOUT_ABORTED,
	ROLLOUT_PROMOTED,
	ROLLOUT_ENDED, /* another change took the candidate away */
};

extern const char *const rollout_state_names[];

static inline bool rollout_is_over(enum rollout_state s)
{
	return s >= ROLLOUT_FAILED;
}

/* Where counters and clock stood when the present step began. */
struct rollout_base {
	char boot[BOOT_ID_SIZE]; /* of the kernel, which gives map ids once */
	__u32 map;               /* id of the counters' map; 0: no step has begun */
	__u64 began_ns;          /* CLOCK_BOOTTIME */
	struct rollout_version version[ROLLOUT_VERSIONS];
};

struct rollout {
	enum rollout_state state;
	char *stage, *object; /* the object is a label */
	enum rollout_key key;
	bool share_maps;
	ARRAY(double) steps; /* percent, ascending, the last is 100 */
	int step;            /* index in steps; -1: not begun */
	__u64 every_ns, min_packets;
	ARRAY(struct gate) gates;
	ARRAY(char *) gate_texts;
	char *why; /* why it failed or was held, with the numbers; NULL */
	struct rollout_base base;
	/*
	 * The old version, as it was in the step before: what the new one is compared with when
	 * all packets go to it.
	 */
	bool has_reference;
	struct rollout_version reference;
};

void rollout_done(struct rollout *r);
#define _cleanup_rollout_ _cleanup_(rollout_done)

/* Of ROLLOUT_WHOLE, what the present step gives to the candidate; 0 when it is not running. */
__u32 rollout_share(const struct rollout *r);

/* rollout_doc.c. Return: 0; -ENOENT there is none. */
int rollout_load(struct braid *b, const char *pipeline, struct rollout *ret,
		 struct braid_error *err);
/* @what: a sentence for the history, or NULL. */
int rollout_save(struct braid *b, const char *pipeline, const struct rollout *r, const char *what,
		 struct braid_error *err);
/* "1,5,25,100". */
int rollout_parse_steps(const char *text, struct rollout *r, struct braid_error *err);
int rollout_add_gate(struct rollout *r, const char *text, struct braid_error *err);

/* rollout_count.c: the counters of what runs. */
struct rollout_map {
	int fd; /* -1: the revision has no rollout */
	__u32 id;
};

int rollout_map_open(const struct running *r, struct rollout_map *ret, struct braid_error *err);
void rollout_map_done(struct rollout_map *m);
#define ROLLOUT_MAP_INIT                                                                           \
	{                                                                                          \
		.fd = -1                                                                           \
	}
#define _cleanup_rollout_map_ _cleanup_(rollout_map_done)
/* Counters, clock and boot as they are now. */
int rollout_base_take(const struct rollout_map *m, struct rollout_base *ret,
		      struct braid_error *err);

/* What was counted since the present step began. */
struct rollout_step {
	bool anew; /* it begins now: with another map, or after a reboot; @base is where */
	struct rollout_base base;
	struct rollout_version version[ROLLOUT_VERSIONS];
	__u64 elapsed_ns;
};

int rollout_step_read(const struct rollout_map *m, const struct rollout *r,
		      struct rollout_step *ret, struct braid_error *err);
/* What a gate says of the step; the old version may be the reference. */
struct gate_result rollout_judge(const struct rollout *r, const struct gate *g,
				 const struct rollout_step *step);

/* rollout_status.c: for people and programs. @step: NULL: it cannot be read. NULL: no memory. */
json_t *rollout_to_json(const char *pipeline, const struct rollout *r,
			const struct rollout_step *step);
/*
 * While two versions of a stage run: stage, state, step and share wanted. @plan: of what runs,
 * as it is recorded. NULL: only one does.
 */
json_t *rollout_brief(struct braid *b, const char *home, const char *pipeline, const json_t *plan);

/* rolling.c: a rollout in the hands of a command. */
struct rolling {
	struct braid *b;
	const char *name; /* of the pipeline */
	struct rollout r;
	struct running run;
	bool has_candidate; /* the current revision's model; when over: of any stage */
	struct rollout_map map;
};

#define ROLLING_INIT(b, name)                                                                      \
	{                                                                                          \
		b, name, .map = ROLLOUT_MAP_INIT                                                   \
	}
void rolling_done(struct rolling *ro);
#define _cleanup_rolling_ _cleanup_(rolling_done)

/* The document, and the revision that runs. None was ever begun: as one that is over. */
int rolling_look(struct rolling *ro, struct braid_error *err);
/* The same under the lock, after what killed commands have left is settled. */
int rolling_look_locked(struct rolling *ro, struct braid_error *err);
/* -ENOENT with what became of the last one. */
int rolling_none(const struct rolling *ro, struct braid_error *err);
/* The candidate is gone: what the state is by now. true: it is another one. */
bool rolling_is_over_by_now(struct rollout *r);
/* Takes @why; NULL: no memory. */
int rolling_set_why(struct rolling *ro, char *why, struct braid_error *err);
/* "rollout of guard: …". NULL: no memory. */
char *rolling_sentence(const struct rolling *ro, const char *what);
/* -EBADMSG the revision has no counters. */
int rolling_check_map(const struct rolling *ro, struct braid_error *err);
/* The store, with @what in the history, and then the word that packets look at. */
int rolling_record(const struct rolling *ro, const char *what, struct braid_error *err);
/* Failing, aborting or promoting: recorded, and carried out. */
int rolling_decide(struct rolling *ro, enum rollout_state state, const char *what,
		   struct braid_error *err);
/* What is decided and recorded, to its end. */
int rolling_finish(struct rolling *ro, struct braid_error *err);
/* As JSON; @ret_json may be NULL. */
int rolling_report(struct rolling *ro, char **ret_json, struct braid_error *err);
/* A new revision, in which each stage has one version. */
int rolling_apply_one(const struct rolling *ro, struct braid_error *err);
/* One change under the lock. @even_over: also on a rollout that is over. */
int rolling_change(struct rolling *ro, int (*change)(struct rolling *ro, struct braid_error *err),
		   bool even_over, char **ret_json, struct braid_error *err);
