/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What is wanted of a running pipeline beside its revision, and the words of its control
 * block that make it so. The store first, then the word: after a kill between the two, the
 * next command makes the map say what the store says.
 */
#pragma once

#include "compose/control_abi.h"
#include "live/live.h"

/*
 * Documents of the store (runtime_put()):
 * "signals": {"closed": "pause", "verdict": "drop", "stages": {"guard": 65537}}. "closed" is
 *            the signal that closed the pipeline, missing when it is open; a stage without
 *            signals is missing.
 * "rollout": {"share": 655, …}: whoever carries a rollout out writes the rest.
 */
#define RUNTIME_SIGNALS "signals"
#define RUNTIME_ROLLOUT "rollout"

/* A document; an empty object when there is none. */
int runtime_document(struct braid *b, const char *home, const char *pipeline, const char *key,
		     json_t **ret, struct braid_error *err);

/* A control block in the kernel. */
struct control_map {
	int fd;
	struct control is; /* when it was opened */
};

/* @folder: of the revision. Return: 0; -ENOENT it has none; -EPROTONOSUPPORT of another braid. */
int control_open(const char *folder, struct control_map *ret, struct braid_error *err);
void control_done(struct control_map *c);
#define CONTROL_MAP_INIT                                                                           \
	{                                                                                          \
		.fd = -1                                                                           \
	}
#define _cleanup_control_map_ _cleanup_(control_done)
/* Word by word, each at once; .config stays what it is. */
int control_write(struct control_map *c, const struct control *want, struct braid_error *err);
/* From now on packets use this version of the configuration. */
int control_use_config(struct control_map *c, __u32 version, struct braid_error *err);
/* @size bytes at @offset of the only element of @fd, which nobody reads meanwhile. */
int map_write(int fd, size_t offset, const void *bytes, size_t size, struct braid_error *err);

/* Of a revision, from its plan. */
enum hook hook_of_plan(const json_t *plan);
/* @ret: @is with what the documents want. @plan: as it is recorded, or is going to be. */
void control_wanted(const struct control *is, const json_t *signals, const json_t *rollout,
		    const json_t *plan, struct control *ret);

/* What a revision that runs is known by. */
struct running {
	struct revision revision;
	json_t *plan;
	char *folder;
};

/* The current revision of @pipeline. Return: 0; -ENOENT none runs. */
int running_open(struct braid *b, const char *pipeline, struct running *ret,
		 struct braid_error *err);
void running_done(struct running *r);
#define _cleanup_running_ _cleanup_(running_done)

/* fields.c: the configuration of an image. */
struct config_field {
	const struct image_field *f;
	char *stage; /* owned; the stage's name, also of its candidate's field */
};

struct config_fields {
	ARRAY(struct config_field) list;
	/* what they point into; NULL: the caller has it */
	struct braid_manifest *manifest;
	struct braid_plan *plan;
	struct image *image;
	const void *defaults; /* of @size bytes, one version */
	__u32 size;
};

int fields_of_image(const struct image *image, struct config_fields *ret, struct braid_error *err);
/* Links the revision @r again, from its objects in the store. None is fine. */
int fields_open(struct braid *b, const struct running *r, struct config_fields *ret,
		struct braid_error *err);
void fields_done(struct config_fields *f);
#define _cleanup_fields_ _cleanup_(fields_done)
/*
 * The fields that @name means: "limit", or "guard.limit" where several stages have one. More
 * than one: of a stage and of its candidate. Return: 0; -ENOENT; -EINVAL ambiguous.
 */
struct found_fields {
	ARRAY(const struct config_field *) list;
};
int fields_find(const struct config_fields *f, const char *name, struct found_fields *ret,
		struct braid_error *err);
/* Fits @value, a JSON value, into one version. Return: 0; -EINVAL it does not fit. */
int field_put(const struct config_field *f, const json_t *value, void *version,
	      struct braid_error *err);
/* Its value in @version, JSON. NULL: no memory. */
json_t *field_get(const struct config_field *f, const void *version);
/* Has it one value in both versions? */
bool field_is_same(const struct config_field *f, const char *a, const char *b);
/* As messages name it: "guard.limit". NULL: no memory. */
char *field_name(const struct config_field *f);
/*
 * One version: the defaults, and over them @values: {"guard": {"limit": 500}}.
 * @ret_dropped: a list of {"field", "why"} of those that there is no place for; may be NULL.
 */
int fields_fill(const struct config_fields *f, const json_t *values, void *version,
		json_t **ret_dropped, struct braid_error *err);

/* config.c: the values of the current configuration; an empty object: all defaults. */
int config_current(struct braid *b, const char *home, const char *pipeline, json_t **ret_values,
		   __u32 *ret_number, struct braid_error *err);
/* Finishes or undoes what a killed `config set` left. @ret_what: as recover()'s. */
int config_settle(struct braid *b, const struct running *r, char **ret_what,
		  struct braid_error *err);

/*
 * signal.c: what is closed and paused now, for people: "state" and "verdict" into @pipeline,
 * "signals" into those of its "stages" that have some. @folder: of the revision.
 */
int signals_describe(struct braid *b, const char *home, const char *name, const json_t *plan,
		     const char *folder, json_t *pipeline, struct braid_error *err);
