/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A plan carried out: one object, and what its loader must know beside it. */
#pragma once

#include "compose/plan.h"
#include "object/mapdef.h"
#include "object/splice.h"

/* An element that a map starts with; sizes as in the map's definition. */
struct image_entry {
	void *key, *value; /* owned */
};

/* A map of the image under the names that people know it by. */
struct image_map {
	const char *stage;  /* NULL: shared by several stages, or braid's own */
	const char *name;   /* in the stage's object, or the shared map's; .data for globals */
	char *symbol;       /* owned; in the linked object, and for libbpf */
	struct map_def def; /* type ids are those of image->unit */
	__u32 stage_index;
	bool globals; /* .data and .bss of a stage */
	bool braid;   /* the PROG_ARRAY of segments, the record of a run */
	ARRAY(struct image_entry) entries;
};

struct image_segment {
	char *name;            /* of its program in the object */
	__u32 func;            /* in image->unit */
	struct splice_map map; /* part i of it is stage first + i of the plan */
};

struct image {
	const struct braid_plan *plan; /* borrowed */
	struct unit *unit;
	void *elf;
	size_t size;
	ARRAY(struct image_segment) segments;
	ARRAY(struct image_map) maps;
};

/*
 * What a recording seam writes, in this order. Globals of a stage are in .data.<its name>,
 * and no name begins with '_'.
 */
struct image_record {
	__u32 stage;   /* index in the plan of the last stage that ended */
	__u32 verdict; /* its verdict */
};
#define IMAGE_RECORD_SECTION ".data._braid"

/* @record: seams say which stage a packet left behind, for "braid run". */
int image_new(const struct braid_plan *plan, bool record, struct image **ret,
	      struct braid_error *err);
void image_free(struct image *image);
DEFINE_CLEANUP(struct image *, image_free)

/* The map @name of @stage (index in the plan), shared ones included; NULL: not used. */
struct image_map *image_find_map(struct image *image, __u32 stage, const char *name);

/* shared.c: one map in place of several. */
struct link_alias;
/* Maps of stage @ps that are there already. @aliases: room for as many as the stage has maps. */
int shared_aliases(struct image *image, const struct plan_stage *ps, struct link_alias *aliases,
		   size_t *ret_n, struct braid_error *err);
/* The shared map that @map of @ps belongs to; NULL: none. */
const struct shared_map *shared_find(const struct image *image, const struct plan_stage *ps,
				     const char *map);

/* settings.c: constants, sizes and entries of maps from the manifest. */
int image_set_constants(struct image *image, struct braid_error *err);
int image_set_maps(struct image *image, struct braid_error *err);

/* locate.c: where an instruction of a loaded program comes from. */
struct location {
	const char *stage; /* NULL: braid's own code */
	const char *func;  /* as the author named it; NULL: the stage's program or braid's */
	const char *file;  /* "" when the object has no line information */
	unsigned int line;
	const char *text; /* the source line, "" when unknown */
};

/* @insn: index in the program as the verifier counts. false: no such instruction. */
bool image_locate(const struct image *image, __u32 segment, __u32 insn, struct location *ret);
