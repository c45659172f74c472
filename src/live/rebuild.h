/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a revision was made of, made once more: the same bytes, and what is known beside them. */
#pragma once

#include "live/live.h"

struct rebuilt {
	struct braid_manifest *manifest;
	json_t *recorded; /* the plan, as the store has it */
	struct braid_plan *plan;
	struct image *image;
	char *folder; /* of the revision in bpffs */
	__u32 revision;
	bool same; /* it is what was loaded; else this braid links in another way than that one */
};

/* Of the current revision of @name. Return: 0; -ENOENT; as braid_plan_new(). */
int rebuild(struct braid *b, const char *name, struct rebuilt *ret, struct braid_error *err);
void rebuilt_done(struct rebuilt *r);
