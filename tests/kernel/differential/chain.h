/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A random pipeline, described twice: in the words of a manifest, for braid, and in the bytes
 * that a loader puts into a stage's own object, for running the stages apart. So what braid
 * makes of a manifest's words is part of what is compared.
 *
 * Stages stand in the order of the manifest; a choice is a range of them, in branches that
 * follow each other.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include "manifest/hook.h"
#include "random.h"

enum kind {
	GUARD, /* those of XDP: the examples */
	ACL,
	RATELIMIT,
	FLOWSTAT,
	SAMPLER,
	LB,
	HELLO,
	DICE,
	DICE_TC, /* those of TC */
	TALLY,
	RELIC,
	KINDS
};
extern const char *const kind_names[KINDS]; /* of the object, "guard.bpf.o", and its program */

enum {
	STAGES = 44, /* of a large pipeline: more than tail calls can cross one by one */
	USUAL = 10,  /* of all others at most */
	SETTINGS = 96,
	SHARES = 2,
	CHOICES = 5,
	BRANCHES = 4, /* the default among them */
	VALUES = 3,
	STATES = 6,
	CONFIGS = 2,
};

struct setting {
	enum { CONSTANT, MAX_ENTRIES, ENTRY } what;
	const char *name;           /* of the variable or map */
	char key[96], value[96];    /* as in a manifest; an empty key: the position in the map */
	__u8 key_bytes[24];         /* ENTRY */
	__u8 value_bytes[24];       /* CONSTANT, ENTRY */
	__u32 key_size, value_size; /* MAX_ENTRIES: the number is in value_size */
};

struct link {
	enum kind kind;
	char name[33];
	__u32 proceed_on; /* object/verdict.h; 0: what the object or the hook says */
	struct setting settings[SETTINGS];
	size_t n_settings;
	bool disabled;
	/* a second version: the same object, with maps of its own or not */
	bool rolled, share_maps;
	enum rollout_key key;
	__u32 seed;
	__u32 twist[2][CONFIGS]; /* a DICE's configuration, by version of the stage */
};

/* Of stages [first[0], first[n]): branch b has those from first[b] on; the last is the default. */
struct fork {
	char name[33];
	enum field field;
	int outer; /* in which it stands; -1: in none */
	size_t branch;
	size_t n;
	size_t first[BRANCHES + 1];
	__u32 values[BRANCHES][VALUES];
	size_t n_values[BRANCHES];
};

/* What can be changed while packets run. */
struct state {
	__u64 paused[2]; /* by version: bits of stages */
	bool closed;
	__u32 verdict; /* when it is */
	__u32 share;
	__u32 config;
};

/* Members are stages that follow each other in any distance; the first one's map it is. */
struct share {
	const char *map;
	__u64 members; /* bits of stages; fewer than two: not shared */
};

struct chain {
	char name[33];
	enum hook hook;
	bool has_final;
	__u32 final; /* verdict after the last stage; without: its own */
	struct link stages[STAGES];
	size_t n;
	struct share shares[SHARES];
	struct fork forks[CHOICES]; /* an outer one before those in it, and then by their places */
	size_t n_forks;
	enum signals signals;
	struct state states[STATES]; /* the first: nothing is paused */
	__u64 shape;                 /* how a mixed plan cuts and calls */
	__u32 one_off, some_off;     /* bits of enum optimization */
};

/*
 * @packets: how many will run, so that maps are not too small. @large: of more stages than
 * tail calls can cross, with more maps than a program may use.
 */
void chain_random(struct rng *r, enum hook hook, size_t packets, bool large, struct chain *ret);
/* Takes stage @k out; false: it has to stay, and nothing is changed. */
bool chain_drop(struct chain *c, size_t k);
/* "guard protocol{acl | lb}". Valid until the next call. */
const char *chain_text(const struct chain *c);
/* Does it have a configuration? */
static inline bool kind_is_dice(enum kind kind)
{
	return kind == DICE || kind == DICE_TC;
}
/* @objects: paths by kind. Bails out when the builder does not take it. */
struct braid_pipeline *chain_pipeline(const struct chain *c, const char *const *objects);

/* A map of a stage, of its second version if @new. */
struct owner {
	size_t stage;
	bool new;
};
/* Whose map takes the place of map @name; itself: it is not shared. */
struct owner chain_owner(const struct chain *c, struct owner of, const char *name);

/* tree.c: what stands where. */
void tree_random(struct rng *r, struct chain *c, size_t n_forks);
/* Stage @k goes; false: it must not. */
bool tree_drop(struct chain *c, size_t k);
/* The choice that begins with stage @k and stands directly at (@outer, @branch); -1: none. */
int tree_fork_at(const struct chain *c, size_t k, int outer, size_t branch);
/* The choice that looks at what stage @k returns; NULL: none does. */
const struct fork *tree_seen_by(const struct chain *c, size_t k);
/* Not disabled, nor where only one that is could send packets. */
bool tree_runs(const struct chain *c, size_t k);

/* settings.c */
void settings_random(struct rng *r, size_t packets, struct link *l);
