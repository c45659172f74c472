/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What becomes of the maps of the revision that runs, when another one takes its place. */
#pragma once

#include <jansson.h>

#include "base/array.h"
#include "compose/image.h"
#include "kernel/load.h"
#include "live/migrate.h"

enum carry_how {
	CARRY_CONTINUES, /* the same map, in both revisions */
	CARRY_MIGRATED,  /* a new map, with the entries of the old one */
	CARRY_ANEW,
	CARRY_REFUSED, /* nobody has said what is to become of its entries, or it cannot be */
	CARRY_DROPPED, /* no stage has it any more */
	CARRY_PARKED,  /* its stage is disabled: it waits, and is in both revisions */
};

struct carried {
	enum carry_how how;
	const char *stage, *name; /* of the image, or of the old plan */
	char *symbol;             /* in the new image; of one that is parked: in the old one */
	char *where;              /* for messages: "edge.yaml:9:5: stage guard" */
	int fd;                   /* of the old map, when it stays in use; else -1 */
	char *why;                /* NULL: there is nothing to say */
	char *diff;               /* lines; NULL: none */
	struct migration *migration;
	struct braid_error refusal;
	const json_t *was; /* of the old plan, borrowed; NULL: it is new */
};

struct carry {
	ARRAY(struct carried) list;
	ARRAY(struct load_reuse) reuse;
	bool finished; /* carry_finish() was there */
};

/**
 * carry_find() - decides for each map; changes nothing.
 * @old: the plan of what runs, JSON, borrowed as long as @ret, as @image is; NULL: nothing runs.
 * @path: its folder in bpffs.
 */
int carry_find(const struct image *image, const json_t *old, const char *path, struct carry *ret,
	       struct braid_error *err);
void carry_done(struct carry *c);
/**
 * across_find() - across.c: the same for maps that other pipelines have, too; behind
 * carry_find(). @root: of bpffs.
 */
struct braid;
int across_find(struct braid *b, const char *root, const struct image *image, struct carry *carry,
		struct braid_error *err);
/** carry_check() - -EMEDIUMTYPE or -ENOSPC, when a map is refused: the first one. */
int carry_check(const struct carry *c, struct braid_error *err);

/** carry_note() - puts into @plan, the new one, which maps are parked and which are migrated. */
int carry_note(const struct carry *c, json_t *plan, struct braid_error *err);
/*
 * Of a plan, as text, whose command was killed between the switch and carry_finish(): what is
 * to be said about it, to be put behind a sentence. "": nothing. NULL: no memory. Caller frees.
 */
char *carry_cut_short(const char *plan);
/** carry_pin() - the parked maps in the folder of the new revision. */
int carry_pin(const struct carry *c, const char *revision_path, struct braid_error *err);
/** carry_copy() - before the switch: entries into the new maps. */
int carry_copy(struct carry *c, const struct loaded *loaded, struct braid_error *err);
/** carry_finish() - when no packet can be inside the old programs any more. */
int carry_finish(struct carry *c, struct braid_error *err);
json_t *carry_to_json(const struct carry *c);

/* carry_types.c: keys and values of a map in both revisions. */
struct types_of {
	struct layout key, value;
	bool has_key, has_value; /* false: only their sizes are known */
};

void types_of_done(struct types_of *t);
int types_of_new(const struct image *image, const struct image_map *m, struct types_of *ret,
		 struct braid_error *err);
/* @symbol: the old one. */
int types_of_old(const struct elements *map, const char *symbol, bool globals, struct types_of *ret,
		 struct braid_error *err);
/*
 * What members of the new value have that the old one has not: the manifest's defaults, in
 * globals what the object says. @ret: of the value's size; owned; NULL without types.
 */
int fill_new(const struct image *image, const struct image_map *m, const struct map_setup *setup,
	     const struct types_of *types, void **ret, struct braid_error *err);
/* What the manifest says of the map; NULL: nothing. */
const struct map_setup *setup_of(const struct image *image, const struct image_map *m);

/* carry_judge.c: what becomes of one map, whose predecessor is there. @c->fd is it. */
int carry_judge(const struct image *image, const struct image_map *m, struct carried *c,
		struct braid_error *err);
