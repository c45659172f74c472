/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the files of this layer share. */
#pragma once

#include <jansson.h>

#include "braid/live.h"
#include "compose/image.h"
#include "kernel/load.h"
#include "kernel/netns.h"
#include "live/carry.h"
#include "live/way.h"
#include "store/store.h"

struct braid {
	struct store *store;
	struct netns home;
	char *cause;
	__u64 wait_ns;
};

/* paths.c: caller frees; NULL: no memory. */
char *path_pipeline(const char *root, const char *home, const char *pipeline);
char *path_revision(const char *pipeline_path, __u32 revision);
char *path_program(const char *revision_path, const char *program);
char *path_map(const char *revision_path, const char *symbol);
/* A name from the pipeline's folder. false: it is no revision's. */
bool path_parse_revision(const char *name, __u32 *ret_revision);

/* restore_one.c: is all that the revision had pinned still there? As in front_open(). */
bool revision_is_pinned(const json_t *plan, const char *folder);

/* image_load.c: an image in the kernel, with what it was made of. */
struct running_image {
	struct braid_plan *plan;
	struct image *image;
	struct loaded *loaded;
	__u64 bound_cookie; /* the device that it is bound to, by namespace and ifindex */
	__u32 bound_to;     /* 0: to none */
};

/* What of an image is there already. */
struct chosen {
	const struct load_reuse *reuse;
	size_t n;
	__u32 only; /* the only segment to load; 0: all */
	/* of strategy dispatcher: the device to bind it to, of @bound_ns, borrowed; 0: none */
	const struct netns *bound_ns;
	__u32 bound_to;
};

/* Chooses that, once the image is known; may be NULL. Fds stay the chooser's. */
struct reuse_chooser {
	int (*choose)(void *ctx, const struct image *image, struct chosen *ret,
		      struct braid_error *err);
	void *ctx;
};

/*
 * Plans, links and loads @p. With strategy auto, when the verifier takes the stages one by one,
 * but not fused, falls back to tailcall, and the plan says why. @why: @strategy is not what @p
 * says; NULL: it is.
 */
int image_load(const struct braid_pipeline *p, enum strategy strategy, const char *why,
	       const struct image_opts *opts, const struct reuse_chooser *chooser,
	       struct running_image *ret, struct braid_error *err);
void running_image_done(struct running_image *r);

struct targets;

/*
 * bound.c: does the image have to be bound to the device of a dispatcher that it joins? @ret: what
 * it says of that. -EINVAL: it has other interfaces, too.
 */
int bound_find(const struct targets *all, struct chosen *ret, struct braid_error *err);
/* Writes it into the plan, and reads it there: for another image of the same revision. */
int bound_note(const struct running_image *run, json_t *plan, struct braid_error *err);
int bound_read(const json_t *plan, struct netns *ns, struct chosen *ret, struct braid_error *err);

/* targets.c: what must happen on one interface. */
enum target_action {
	TARGET_CREATE,  /* nothing of ours there */
	TARGET_UPDATE,  /* ours, with another program */
	TARGET_MODE,    /* ours in the other mode: it must be detached first */
	TARGET_FOREIGN, /* another's program is in the way */
	TARGET_WAY,     /* ours, attached by another way: it must be detached first */
	TARGET_MOVE,    /* ours, at another place of the list */
};

/* What is wanted of interfaces. All is borrowed. */
struct wish {
	const struct braid_pipeline *p;
	enum strategy strategy;
	const char *root, *home, *path; /* of bpffs; of the pipeline; its folder */
	const json_t *is, *was;         /* models: of @p, of what runs; NULL: unknown, nothing */
	const json_t *known;            /* programs of what runs, for orphan_find(); may be NULL */
	bool replace;                   /* programs of others */
	bool partial;                   /* what does not exist (yet) does not count */
};

struct target {
	const struct interface *iface; /* borrowed from the pipeline */
	struct spot at;
	enum target_action action;
	bool atomic; /* TARGET_FOREIGN, TARGET_WAY: by an exchange */
	const struct way *way;
	struct how how;
	struct attachment *held;   /* ours, borrowed; NULL: none */
	struct attachment *orphan; /* the same, owned, if nothing is pinned for it; else NULL */
	struct how was;            /* how it is held */
	/* while switching */
	struct front old;       /* of ours, or what is in the way */
	struct attachment made; /* way NULL: none */
	bool switched;
	char *pins_left; /* why pins of a dispatcher are still there whose place it took */
};

struct targets {
	ARRAY(struct target) list;
	ARRAY(const struct interface *) missing; /* with wish.partial */
};

extern const char *const target_action_names[]; /* by enum target_action */

enum xdp_mode wanted_mode(const struct braid_pipeline *p);
/* By what a pipeline is attached at @s. @held: by what it is now; NULL: by nothing. */
const struct way *wanted_way(const struct braid_pipeline *p, enum strategy strategy,
			     const struct way *held);
/* Does it say another order than what runs? */
bool wish_order_changed(const struct wish *w);
/* How @w wants to stand. */
struct how wanted_how(const struct wish *w);
/*
 * Resolves and looks at all interfaces. -EBUSY: a foreign program, and @w->replace is not set;
 * -ENOENT: who is named in `before` or `after` is not there.
 */
int targets_find(const struct wish *w, const struct attachments *all, struct targets *ret,
		 struct braid_error *err);
void targets_done(struct targets *t);
json_t *targets_to_json(const struct targets *t);
json_t *targets_missing_to_json(const struct targets *t, const char *home);
/*
 * Puts @f on all interfaces; on an error, what ran before is back on all of them.
 * @folder: of the revision, for what it displaces.
 */
int targets_switch(struct targets *t, const struct wish *w, const struct front *f,
		   const char *folder, struct braid_error *err);
/*
 * Takes back a targets_switch() that succeeded. What cannot be put back is said in the hint
 * of @err, which is the caller's error and stays what it is.
 */
/* What is left of dispatchers that it has taken the place of, when nothing will be undone. */
int targets_clean(struct targets *t, struct braid_error *err);
void targets_undo(struct targets *t, const struct wish *w, const struct front *f,
		  struct braid_error *err);

/*
 * renamed.c: the present name of an interface that the pipeline was attached to as @iface,
 * and which has another name now: a link stays with its interface. @known: where the
 * revision was attached, as targets_to_json() has it; without, and for what was attached
 * later, only what leaves no doubt is found. @home: where the pipeline lives; NULL: the caller's
 * own network namespace. Return: NULL: it is not known. Caller frees.
 */
char *renamed_to(const struct braid_pipeline *p, const struct interface *iface, const char *home,
		 const struct attachments *all, const json_t *known);

/* slot.c: one program behind a tail call in the place of another. */
struct slot {
	__u32 index;                  /* in the PROG_ARRAY that runs; 0: no such update */
	int jumps;                    /* that array; borrowed from @own */
	int old_program;              /* what is in the slot now */
	ARRAY(struct load_reuse) own; /* braid's own maps, which go on; their fds are owned */
};

#define SLOT_INIT ((struct slot){.jumps = -1, .old_program = -1})

/*
 * Is an update of one slot all that it takes from the plan @old, JSON, whose folder in bpffs is
 * @path? The links must be as that left them. ret->index is 0 if not.
 */
int slot_find(const struct image *image, const struct carry *carry, const json_t *old,
	      const char *path, struct slot *ret, struct braid_error *err);
void slot_done(struct slot *s);
int slot_switch(const struct slot *s, int program, struct braid_error *err);
int slot_undo(const struct slot *s, struct braid_error *err);
/* For recovery, by the plans and their folders: whether it happened, and taking it back. */
bool slot_is_switched(const json_t *plan, const char *folder);
int slot_put_back(const json_t *plan, const json_t *old_plan, const char *old_folder,
		  struct braid_error *err);

/*
 * recover.c: if a command was killed while it changed this pipeline, finish or undo it,
 * and remove what it left in bpffs.
 * @ret_what: a sentence about it, or NULL when there was nothing; caller frees.
 */
int recover(struct braid *b, const char *root, const char *pipeline, char **ret_what,
	    struct braid_error *err);
/*
 * recover() takes out the variant that observers look through, so that what runs is what the
 * revision says. Here it stays in, if nothing else is to be done: for changes that only write
 * into maps, which both share. @stay: also if one of them was killed?
 */
enum observers_stay { OBSERVERS_GO, OBSERVERS_STAY_WELL, OBSERVERS_STAY };
int recover_beside(struct braid *b, const char *root, const char *pipeline,
		   enum observers_stay stay, char **ret_what, struct braid_error *err);

/*
 * recover_sweep.c: folders of all revisions of the pipeline at @path but @stays go, once no packet
 * can be inside their programs.
 */
int revisions_remove_but(const char *path, __u32 stays, struct braid_error *err);
/* The highest number of a revision that is pinned there, whoever knows of it; 0: none is. */
int revisions_highest(const char *path, __u32 *ret, struct braid_error *err);

/*
 * runtime.c: the control block and the configuration of a new image as the store wants them,
 * before packets come. @ret_dropped: values of the configuration that there is no place for.
 */
int runtime_fill(struct braid *b, const json_t *plan, const struct image *image,
		 const struct loaded *loaded, json_t **ret_dropped, struct braid_error *err);
/*
 * Makes the maps of the current revision say what the store says, after a kill between the
 * two. @ret_what: as recover()'s; what is in it stays in front.
 */
int runtime_sync(struct braid *b, const char *pipeline, char **ret_what, struct braid_error *err);

/* unknown.c: -ENOENT for a pipeline that does not run, or that only another store knows. */
int pipeline_unknown(struct braid *b, const char *name, struct braid_error *err);
/* The latter alone: 0 if nothing of it is pinned. */
int pipeline_elsewhere(struct braid *b, const char *home, const char *name,
		       struct braid_error *err);
/* dump.c: @all: stages of what runs. Return: @code. */
int stage_unknown(int code, const char *pipeline, const char *name, const char *const *all,
		  size_t n, struct braid_error *err);
/* history.c: -ENOENT unless it has a history. */
int pipeline_check_known(struct braid *b, const char *name, struct braid_error *err);
/* The manifest that is recorded: pipeline_to_text() with absolute paths of files. */
int revision_text(const struct braid_pipeline *p, char **ret, struct braid_error *err);
/* Of what may have any bytes: names of interfaces, namespaces and processes, paths. NULL: NULL. */
json_t *json_escaped(const char *text);
/* The text of @j, if somebody wants it. */
int json_give(json_t *j, char **ret, struct braid_error *err);

/* diff.c: JSON values, member by member; lists of objects with names by name. */
int diff_values(const json_t *from, const json_t *to, const char *path, json_t *list);
/* The model with each stage's object given by its SHA-256. */
int comparable(const struct braid_pipeline *p, json_t **ret, struct braid_error *err);

#define _cleanup_json_ _cleanup_(json_decrefp)
