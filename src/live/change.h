/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A change to a pipeline while it is made, or thought through: apply.c, preview.c. */
#pragma once

#include "live/live.h"

struct change {
	struct braid *b;
	const struct braid_pipeline *p;
	bool replace, partial;
	enum strategy strategy; /* of @p; instead of auto another one that there is a reason for */
	char *why;              /* that reason; NULL: none */
	char *root, *path;      /* of bpffs, of the pipeline in it */
	char *recovered;
	bool has_current;
	struct revision current;
	json_t *old_plan; /* of the current revision */
	char *old_path;   /* its folder */
	struct front old; /* its front */
	struct attachments attachments;
	struct wish wish;
	struct targets targets;
	struct running_image run;
	struct front new; /* its front */
	struct carry carry;
	bool stays; /* all attachments run what they should: an update of one slot may do */
	struct slot slot;
	struct {
		ARRAY(struct load_reuse) list;
	} reuse; /* of both, borrowed */
	json_t *wanted, *plan, *dropped;
	__u32 number;
	char *new_path;
};

void change_done(struct change *c);
#define _cleanup_change_ _cleanup_(change_done)

/* change.c: all that can be known before anything is loaded. */
int change_look(struct change *c, struct braid_error *err);
int change_find_targets(struct change *c, struct braid_error *err);
/* The programs that each of our attachments is expected to run. */
int change_expect_programs(struct change *c, struct braid_error *err);
/* Is all that is wanted attached, as it should be, and runs the current revision? And no more? */
bool change_is_attached(const struct change *c);
/*
 * What observers look through goes out, right before packets change over: loading takes long. Then
 * attachments, targets and programs are looked at anew.
 */
int change_take_out_observers(struct change *c, struct braid_error *err);

/* record.c: the revision as pending in the store, with its objects. */
int change_begin(struct change *c, struct braid_error *err);
/* Its folder in bpffs, still empty. */
int change_make_folders(struct change *c, struct braid_error *err);
/* … and all that was loaded, in there. */
int change_pin(struct change *c, struct braid_error *err);

/* apply.c: nothing of the attempt stays. @err: why; it is kept. */
void change_abandon(struct change *c, const struct braid_error *err);
