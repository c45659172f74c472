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
	bool across;   /* shared with other pipelines of the home */
	bool globals;  /* .data and .bss of a stage */
	bool braid;    /* the PROG_ARRAY of segments, the record of a run, those of observers */
	bool observer; /* … of the observer in @slot: observe.h */
	__u32 slot;
	ARRAY(struct image_entry) entries;
};

struct image_segment {
	char *name;            /* of its program in the object */
	__u32 func;            /* in image->unit */
	struct splice_map map; /* part i of it is stage first + i of the plan */
};

/* A field of the configuration, which "braid config" sets. */
struct image_field {
	const char *stage;
	char *name;            /* owned: "limit", "burst.v6" */
	__u32 offset, size;    /* in each version of CONFIG_SECTION */
	const struct btf *btf; /* borrowed from the plan */
	__u32 type;            /* in it */
	bool has_range;
	__s64 min, max;
};

struct image {
	const struct braid_plan *plan; /* borrowed */
	struct unit *unit;
	void *elf;
	size_t size;
	ARRAY(struct image_segment) segments;
	ARRAY(struct image_map) maps;
	ARRAY(struct image_field) fields;
	int control, config; /* sections of the unit; -1: there is none */
	__u32 config_size;   /* bytes of one version */
	int packet_map;      /* which version a packet uses, for other programs; -1: none */
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

struct observe_set;

/* What an image has at its seams beside what the plan says. */
struct image_opts {
	bool record; /* they say which stage a packet left behind, for "braid run" */
	__u32 cpus;  /* that there can be, and for which packets are counted; 0: one */
	/* who looks at packets: observe.h; NULL: nobody. The plan has room for them */
	const struct observe_set *observe;
};

/* @opts: may be NULL. */
int image_new(const struct braid_plan *plan, const struct image_opts *opts, struct image **ret,
	      struct braid_error *err);
void image_free(struct image *image);
DEFINE_CLEANUP(struct image *, image_free)

/* The PROG_ARRAY: slot k holds the program of segment k. No stage's name begins with '_'. */
#define IMAGE_JUMPS "_braid_jumps"
/* Its slots are not filled by the loader: it is one that runs already. */
int image_empty_jumps(struct image *image, struct braid_error *err);

/* Has it programs or maps in its definition? Then each load needs one of its own. */
bool image_map_is_own(const struct image *image, const struct image_map *m);
/* The map @name of @stage (index in the plan), shared ones included; NULL: not used. */
struct image_map *image_find_map(struct image *image, __u32 stage, const char *name);

/* shared.c: one map in place of several. */
struct link_alias;
/* Maps of stage @ps that are there already. @aliases: room for as many as the stage has maps. */
int shared_aliases(struct image *image, const struct plan_stage *ps, struct link_alias *aliases,
		   size_t *ret_n, struct braid_error *err);
/* The name of the shared map that @map of @ps belongs to; NULL: none. */
const char *shared_name(const struct image *image, const struct plan_stage *ps, const char *map);
/* Is the shared map of that name shared with other pipelines, too? */
bool shared_across(const struct image *image, const char *name);

/* What a stage of the plan has become, while the image is made. */
struct imported {
	__u32 func;  /* its program */
	__u32 count; /* of who sends packets in a rollout: the function that counts them */
};

/* control.c: the control block and the configuration. */
struct link_place;
int control_add(struct image *image, struct braid_error *err);
/* Where sections of stage @k are instead: @places has room for two. Return: how many. */
size_t control_places(const struct image *image, __u32 k, struct link_place *places);
/* What seams know of them. @entry: of the first program. */
struct splice_control control_for_seams(const struct image *image, bool entry);
/* When all stages are there: does somebody but the first program need to know the version? */
int control_add_packet_map(struct image *image, const struct imported *stages,
			   struct braid_error *err);
/* braid's own map or section among the image's maps. */
int image_add_own_map(struct image *image, const char *name, const char *symbol,
		      struct braid_error *err);
/* The same, and a new section @symbol for it, of @size zeros. */
int image_add_own_section(struct image *image, const char *name, const char *symbol, size_t size,
			  __u32 align, int *ret_section, struct braid_error *err);

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
