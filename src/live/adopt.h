/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Adoption: components of a libxdp dispatcher, that other tools have loaded, become stages of a
 * pipeline. What a component was made of is found by its tag (adopt_find.c); constants that its
 * loader had set are read back from it (adopt_constants.c); so the stage does what it did.
 */
#pragma once

#include "dispatch/dispatch.h"
#include "kernel/program.h"
#include "live/live.h"

/* The object that a component was made of. */
struct origin_object {
	char *path;
	void *bytes;
	size_t size;
};

void origin_object_done(struct origin_object *o);

/* A component that becomes a stage. */
struct adopted {
	const struct component *component; /* borrowed from the dispatcher */
	char *stage;
	struct origin_object object;
};

struct adoption {
	struct braid *b;
	char *root;
	struct spot at;
	bool has_pipeline;               /* one is in the dispatcher already */
	struct braid_manifest *manifest; /* of it; NULL: @own is a new one */
	struct braid_pipeline *own;
	struct braid_pipeline *p; /* that which it becomes; borrowed from one of these */
	ARRAY(struct adopted) list;
	__u32 number; /* of the revision with the components as they were */
	json_t *before;
};

void adoption_done(struct adoption *a);
/* Of that stage; NULL: it is the pipeline's own. */
const struct adopted *adoption_of(const struct adoption *a, const char *stage);

/* adopt_model.c: the pipeline with all components as stages, in the order of the dispatcher. */
int adoption_model(struct adoption *a, const char *netns, const char *iface,
		   const struct braid_adopt_opts *o, struct braid_error *err);

/**
 * origin_find() - looks for it in @places, files and folders, and where libxdp looks.
 * Return: 0; -ENOENT with what was found instead: none of that name, or of another build.
 */
int origin_find(const struct component *c, const char *const *places, size_t n,
		struct origin_object *ret, struct braid_error *err);

/**
 * adopt_constants() - what @c's loader had written into .rodata before it loaded it, as
 * constants of @stage. @maps: of @c.
 */
int adopt_constants(const struct component *c, const struct origin_object *from,
		    const struct program_maps *maps, struct braid_pipeline *p, const char *stage,
		    struct braid_error *err);
