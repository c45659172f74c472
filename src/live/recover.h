/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a killed command left: recover.c finds it and finishes it, recover_undo.c undoes it. */
#pragma once

#include "live/live.h"

struct leftover {
	struct braid *b;
	const char *pipeline, *root;
	char *path;
	struct revision pending, current;
	bool has_current;
	json_t *pending_plan, *current_plan;
	struct attachments attachments;
	struct front new, old; /* of the pending and of the current revision */
	size_t unfinished;     /* interfaces of the pending revision without its programs */
};

/* An interface that a revision names, and what the revision wants of it. */
struct visited {
	struct spot at;
	struct wish wish;
};

/* Calls @visit for each interface that a revision names and that is there now. */
int leftover_each(struct leftover *l, const struct revision *rev,
		  int (*visit)(struct leftover *l, struct visited *v, struct braid_error *err),
		  size_t *ret_missing, struct braid_error *err);
/* What of the pipeline runs @f at this place; NULL: nothing does. */
struct attachment *leftover_running(struct leftover *l, const struct spot *at,
				    const struct front *f);
/* What ran before runs again everywhere, and the pending revision is marked as failed. */
int leftover_undo(struct leftover *l, struct braid_error *err);
/*
 * recover_sweep.c: folders of revisions that nobody needs any more go, with attachments that are
 * not the current revision's. What runs, and this store does not know, stays.
 */
int leftover_sweep(struct leftover *l, char **ret_what, struct braid_error *err);
