/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Programs of others whose place a revision takes (--replace), as far as they can be put back:
 * those that were attached by netlink. Each is pinned in the folder of that revision, until
 * it is certain that the revision stays, so that also who finds a killed command can do it.
 */
#pragma once

#include "live/way.h"

/* @revision_path: of the new one; @foreign: what is at @s. */
int displaced_keep(const char *revision_path, const struct spot *s, const struct front *foreign,
		   struct braid_error *err);
/* All of a revision, which run again instead of @new; @all: what is attached of the pipeline. */
int displaced_put_back(const char *revision_path, struct attachments *all, const struct front *new,
		       struct braid_error *err);
/* Nobody wants them any more. */
int displaced_drop(const char *revision_path, struct braid_error *err);
