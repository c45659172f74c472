/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What is pinned for an attachment without a link: a map of one element, which says by which
 * way the pipeline is attached there. It does not say what runs: that is looked for at the
 * interface. So it is not touched by an update, and killed between the two neither is wrong.
 * It is pinned before anything is attached, and goes when nothing is any more.
 */
#pragma once

#include <linux/types.h>

#include "base/error.h"

struct note {
	__u32 magic, version;
	__u32 way;         /* its number */
	__u32 made_clsact; /* it was not there before */
};
_Static_assert(sizeof(struct note) == 16, "layout");

#define NOTE_MAGIC   0x42524e54 /* "BRNT" */
#define NOTE_VERSION 1

/* Writes one in the place of whatever is pinned at @path. magic and version are set. */
int note_pin(const char *path, const struct note *n, int *ret_fd, struct braid_error *err);
int note_write(int fd, const struct note *n, struct braid_error *err);
/* Return: 0; -EPROTONOSUPPORT of a later version; -EBADMSG none. */
int note_read(int fd, const char *path, struct note *ret, struct braid_error *err);
