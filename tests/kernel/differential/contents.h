/* SPDX-License-Identifier: GPL-2.0-only */
/* All that is in a map. */
#pragma once

#include "trail.h"

/* @fd: -1: there is no such map. @ret->of stays. A ring buffer is empty afterwards. */
void contents_read(int fd, struct contents *ret);
/* @why: the first difference, as a line; element by element in hex. */
bool contents_are_same(const struct contents *want, const struct contents *got, struct buf *why);
