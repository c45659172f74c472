/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A random chain of stages, described twice: in the words of a manifest, for braid, and in
 * the bytes that a loader puts into a stage's own object, for running the stages apart. So
 * what braid makes of a manifest's words is part of what is compared.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include "braid/manifest.h"
#include "random.h"

enum kind { GUARD, ACL, RATELIMIT, FLOWSTAT, SAMPLER, LB, HELLO, DICE, KINDS };
extern const char *const kind_names[KINDS]; /* of the object, "guard.bpf.o", and its program */

enum { STAGES = 10, SETTINGS = 96, SHARES = 2 };

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
	__u32 proceed_on; /* bits of verdicts; 0: what the object or the hook says */
	struct setting settings[SETTINGS];
	size_t n_settings;
};

/* Members are stages that follow each other in any distance; the first one's map it is. */
struct share {
	const char *map;
	__u32 members; /* bits of stages; fewer than two: not shared */
};

struct chain {
	char name[33];
	int final; /* verdict after the last stage; -1: its own */
	struct link stages[STAGES];
	size_t n;
	struct share shares[SHARES];
	__u64 shape; /* how a mixed plan cuts and calls */
};

/* @packets: how many will run, so that maps are not too small. */
void chain_random(struct rng *r, size_t packets, struct chain *ret);
/* Takes stage @k out. */
void chain_drop(struct chain *c, size_t k);
/* "guard acl lb". Valid until the next call. */
const char *chain_text(const struct chain *c);
/* @objects: paths by kind. Bails out when the builder does not take it. */
struct braid_pipeline *chain_pipeline(const struct chain *c, const char *const *objects);
/* The stage whose map takes the place of map @name of stage @k; @k itself: it is not shared. */
size_t chain_owner(const struct chain *c, size_t k, const char *name);

/* settings.c */
void settings_random(struct rng *r, size_t packets, struct link *l);
