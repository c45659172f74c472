/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Attachments without a link stay when bpffs is emptied, and nothing there tells of them any
 * more. But the store does: which programs the revision entered by. They are found at the
 * interface by that, so that they are exchanged, and not doubled by a second filter.
 */
#pragma once

#include <jansson.h>

#include "live/way.h"

/* What @f is, for the plan of its revision: ids, with the times when they were loaded. */
json_t *orphan_note(const struct front *f);
/*
 * What of @known, from a plan, is at @s, by a way without links. @ret: NULL: nothing; it has no
 * fd: its note is pinned when it is updated. orphan_free() it.
 */
int orphan_find(const json_t *known, struct spot *s, const char *pipeline_path,
		struct attachment **ret, struct braid_error *err);
void orphan_free(struct attachment *a);
/* Detaches them from all interfaces of @p that are there. @plan: of what runs. */
int orphans_remove(const struct braid_pipeline *p, const json_t *plan, const char *pipeline_path,
		   struct braid_error *err);
