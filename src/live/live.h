/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the files of this layer share. */
#pragma once

#include <jansson.h>

#include "braid/live.h"
#include "compose/image.h"
#include "kernel/link.h"
#include "kernel/load.h"
#include "kernel/netns.h"
#include "kernel/xdp.h"
#include "live/carry.h"
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
char *path_link(const char *pipeline_path, __u64 cookie, __u32 ifindex);
/* A name from the pipeline's folder. false: it is no revision's. */
bool path_parse_revision(const char *name, __u32 *ret_revision);
/* A name from the links folder. false: it is none of ours. */
bool path_parse_link(const char *name, __u64 *ret_cookie, __u32 *ret_ifindex);

/*
 * The program in front of a revision, by its pin. @plan: of the revision; @folder: its own.
 * @ret_fd: -1 when the pin is gone, and then @ret_id is 0.
 */
int revision_entry(const json_t *plan, const char *folder, int *ret_fd, __u32 *ret_id,
		   struct braid_error *err);

/* restore_one.c: is all that the revision had pinned still there? As in revision_entry(). */
bool revision_is_pinned(const json_t *plan, const char *folder);

/* A pipeline's pinned link. */
struct pinned_link {
	char *path;
	__u64 cookie;
	__u32 ifindex;
	int fd;
	struct link_info info;
};

struct pinned_links {
	ARRAY(struct pinned_link) list;
};

/* All links of a pipeline; none is fine. */
int pinned_links_read(const char *pipeline_path, struct pinned_links *ret, struct braid_error *err);
void pinned_links_done(struct pinned_links *links);

/* image_load.c: an image in the kernel, with what it was made of. */
struct running_image {
	struct braid_plan *plan;
	struct image *image;
	struct loaded *loaded;
};

/* What of an image is there already. */
struct chosen {
	const struct load_reuse *reuse;
	size_t n;
	__u32 only; /* the only segment to load; 0: all */
};

/* Chooses that, once the image is known; may be NULL. Fds stay the chooser's. */
struct reuse_chooser {
	int (*choose)(void *ctx, const struct image *image, struct chosen *ret,
		      struct braid_error *err);
	void *ctx;
};

/*
 * Plans, links and loads @p. When it says strategy auto and the verifier takes the stages
 * one by one, but not fused, falls back to tailcall, and the plan says why.
 */
int image_load(const struct braid_pipeline *p, bool record, const struct reuse_chooser *chooser,
	       struct running_image *ret, struct braid_error *err);
void running_image_done(struct running_image *r);

/* targets.c: what must happen on one interface. */
enum target_action {
	TARGET_CREATE,  /* nothing of ours there: a new link */
	TARGET_UPDATE,  /* our link, another program */
	TARGET_MODE,    /* our link in the other mode: it must be detached first */
	TARGET_FOREIGN, /* another's program must go first */
};

struct target {
	const struct interface *iface; /* borrowed from the pipeline */
	struct netns ns;
	__u32 ifindex;
	enum target_action action;
	struct xdp_state state;
	struct pinned_link *link; /* ours, borrowed; NULL: none */
	/* while switching */
	int old_program; /* fd of ours, or of the one in the way; -1: none */
	int new_link;    /* fd; -1: none made */
	bool switched;
};

struct targets {
	ARRAY(struct target) list;
	ARRAY(const struct interface *) missing; /* of targets_find_present() */
};

extern const char *const target_action_names[]; /* by enum target_action */

enum xdp_mode wanted_mode(const struct braid_pipeline *p);
/* Resolves and looks at all interfaces. -EBUSY: a foreign program, and @replace is not set. */
int targets_find(const struct braid_pipeline *p, const struct pinned_links *links, const char *root,
		 bool replace, struct targets *ret, struct braid_error *err);
/* The same, but interfaces that do not exist (yet) are left out, and listed as missing. */
int targets_find_present(const struct braid_pipeline *p, const struct pinned_links *links,
			 const char *root, bool replace, struct targets *ret,
			 struct braid_error *err);
void targets_done(struct targets *t);
json_t *targets_to_json(const struct targets *t);
json_t *targets_missing_to_json(const struct targets *t, const char *home);
/*
 * Puts @program on all interfaces; on an error, what ran before is back on all of them.
 * @allow_foreign: detaches programs of others.
 */
int targets_switch(struct targets *t, const struct braid_pipeline *p, const char *pipeline_path,
		   int program, struct braid_error *err);
/*
 * Takes back a targets_switch() that succeeded. What cannot be put back is said in the hint
 * of @err, which is the caller's error and stays what it is.
 */
void targets_undo(struct targets *t, const struct braid_pipeline *p, const char *pipeline_path,
		  int program, struct braid_error *err);
/* Of a target with TARGET_FOREIGN: the program that is in the way. */
const struct xdp_attached *target_foreign(const struct target *t);

/* A new link, pinned where the pipeline keeps its links. */
int link_create(const char *pipeline_path, const struct netns *ns, __u32 ifindex, int program,
		enum xdp_mode mode, int *ret_fd, struct braid_error *err);

/* Its pin first: killed or refused between the two, there is a link that works or none. */
int link_remove(int fd, const char *pin, struct braid_error *err);

/*
 * renamed.c: the present name of an interface that the pipeline was attached to as @iface,
 * and which has another name now: a link stays with its interface. @known: where the
 * revision was attached, as targets_to_json() has it; without, and for what was attached
 * later, only what leaves no doubt is found. @home: where the pipeline lives; NULL: the caller's
 * own network namespace. Return: NULL: it is not known. Caller frees.
 */
char *renamed_to(const struct braid_pipeline *p, const struct interface *iface, const char *home,
		 const struct pinned_links *links, const json_t *known);

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

/* history.c: -ENOENT for a pipeline that does not run. */
int pipeline_unknown(struct braid *b, const char *name, struct braid_error *err);
/* -ENOENT unless it has a history. */
int pipeline_check_known(struct braid *b, const char *name, struct braid_error *err);
/* The manifest that is recorded: pipeline_to_text() with absolute paths of files. */
int revision_text(const struct braid_pipeline *p, char **ret, struct braid_error *err);
/* The text of @j, if somebody wants it. */
int json_give(json_t *j, char **ret, struct braid_error *err);

/* diff.c: JSON values, member by member; lists of objects with names by name. */
int diff_values(const json_t *from, const json_t *to, const char *path, json_t *list);
/* The model with each stage's object given by its SHA-256. */
int comparable(const struct braid_pipeline *p, json_t **ret, struct braid_error *err);

#define _cleanup_json_ _cleanup_(json_decrefp)
