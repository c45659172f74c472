/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Observers of a running pipeline: who looks, and the variant that is in for them.
 *
 * In bpffs, below the folder of the revision:
 *
 *	observed/v<N>/programs/<program>   of the variant; maps/ those that are not the revision's
 *	observed/s<slot>/maps/<symbol>     of an observer: each variant that it is in uses them
 *
 * In the store, the document "observers": who they are, and what they asked for.
 *
 * What is in observed/ and what the document says may differ after a kill. Whoever takes the
 * lock makes an end of both: observe_end().
 */
#pragma once

#include "compose/observe_abi.h"
#include "kernel/process.h"
#include "live/runtime.h"

#define RUNTIME_OBSERVERS "observers"

/* How long the kernel side looks on when nobody tends it. */
#define OBSERVE_LEASE_NS 5000000000ull

/* observe_paths.c: caller frees; NULL: no memory. @folder: of the revision. */
char *path_observed(const char *folder);
char *path_variant(const char *folder, __u32 number); /* with path_program(), path_map() */
char *path_slot(const char *folder, __u32 slot);      /* with path_map() */
/* Calls @fn with the path of each folder of a variant. None is fine. */
int variants_each(const char *folder,
		  int (*fn)(void *ctx, const char *path, __u32 number, struct braid_error *err),
		  void *ctx, struct braid_error *err);
/* Ids of the programs of all variants that are pinned. */
int variants_read(const char *folder, struct ids *ret, struct braid_error *err);
/* The same, with those of the revision itself. */
int revision_programs(const char *folder, struct ids *ret, struct braid_error *err);
/*
 * Are these programs the front of the revision, or that of a variant of it? @ret_observed: which;
 * may be NULL.
 */
bool runs_revision(const struct front *front, const char *folder, const struct ids *runs,
		   bool *ret_observed);

/* observe_doc.c: who looks. */
struct observing {
	__u32 slot;
	struct process process;
	char *cause;  /* its command */
	__u64 since;  /* seconds since 1970 */
	json_t *asks; /* observe_ask.c */
	bool is_new;  /* it has no maps yet; not in the document */
};

struct observers {
	__u32 revision; /* that they look at */
	ARRAY(struct observing) list;
};

void observing_done(struct observing *o);
void observers_done(struct observers *all);
#define _cleanup_observers_ _cleanup_(observers_done)
/* Of what runs now; those of an earlier revision have been taken out with it. */
int observers_read(struct braid *b, const char *home, const char *pipeline, __u32 revision,
		   struct observers *ret, struct braid_error *err);
/*
 * None: there is no document any more. @front: of the variant that they look through; may be NULL
 * if there are none.
 */
int observers_write(struct braid *b, const char *pipeline, const struct observers *all,
		    const struct front *front, struct braid_error *err);
/*
 * Adds the programs of the variant that was put in last to the "front" of @plan, which is of
 * @revision: for orphan_find(), when bpffs was emptied.
 */
int observers_add_known(struct braid *b, const char *home, const char *pipeline, __u32 revision,
			json_t *plan, struct braid_error *err);
/* Does it look at packets? Not if its process is gone, or its lease has run out. */
bool observing_looks(const struct observing *o, const char *folder);
bool observers_are_well(const struct observers *all, const char *folder);
/* For people: {"looks", "observers": […]}; NULL: no variant is in. @folder: of the revision. */
json_t *observers_to_json(struct braid *b, const char *home, const char *pipeline, __u32 revision,
			  const char *folder);

/* observe_swap.c: what is in. All with the lock. */
struct swap {
	struct braid *b;
	const char *name;
	const struct running *run;
	char *path;          /* of the pipeline */
	struct front base;   /* of the revision */
	struct ids variants; /* programs of all variants that are pinned */
	struct attachments attachments;
};

/* @ret: borrows @run and @name. -ENOENT: its programs are not pinned. */
int swap_open(struct braid *b, const char *name, const struct running *run, struct swap *ret,
	      struct braid_error *err);
void swap_done(struct swap *s);
#define _cleanup_swap_ _cleanup_(swap_done)
/* How many attachments run the revision, or a variant of it. */
size_t swap_count(const struct swap *s);
/*
 * Puts @to on all of these, each in the place of what is there; if one fails, what was there is
 * back on all of them. What somebody else has put into the pipeline's link stays.
 */
int swap_to(struct swap *s, const struct front *to, struct braid_error *err);

/* observe_variant.c: the variant for some observers. */
struct variant {
	struct braid_manifest *manifest; /* which its plan is of */
	struct running_image run;
	json_t *plan;
	struct front front;
	ARRAY(struct load_reuse) reuse; /* fds are owned */
	const char *folder;             /* of the revision; borrowed */
	size_t interfaces;              /* that it was put on, and others with what is not ours */
};

#define _cleanup_variant_ _cleanup_(variant_done)
int variant_load(struct braid *b, const struct running *run, const struct observers *observers,
		 struct variant *ret, struct braid_error *err);
void variant_done(struct variant *v);
/* Its programs, its own maps, and those of observers that are new. @ret_number: of its folder. */
int variant_pin(const struct variant *v, __u32 *ret_number, struct braid_error *err);

/*
 * observe_in.c: the variant for exactly these observers is in, of which there is one at least, and
 * no other one. After an error those that were there before (not @is_new) still look, or are to
 * join again, and the pipeline runs in any case. @ret: variant_done() it.
 */
int observe_put_in(struct braid *b, const char *name, const struct running *run,
		   const struct observers *observers, struct variant *ret, struct braid_error *err);
/* Pins of maps of all slots go, but of those in @keep that are not new: somebody uses these. */
int observe_unpin_slots(const char *folder, const struct observers *keep, struct braid_error *err);

/* observe_in.c: the error of a pipeline that is attached to no interface. */
int observe_is_nowhere(const char *name, struct braid_error *err);

/*
 * observe_end.c: the base is back everywhere, and nothing of variants is left; of the current
 * revision of @pipeline. @ret_what: as recover()'s, if one of the observers did not look any more.
 */
int observe_end(struct braid *b, const char *root, const char *pipeline, char **ret_what,
		struct braid_error *err);
/* The same, unless that is not needed: see recover_beside(). */
int observe_end_unless(struct braid *b, const char *root, const char *pipeline,
		       enum observers_stay stay, char **ret_what, struct braid_error *err);
/* Is something there, and not everybody looks who should? @path: of the pipeline. */
bool observe_is_left(struct braid *b, const char *path, const char *pipeline, __u32 current);
