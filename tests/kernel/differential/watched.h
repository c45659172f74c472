/* SPDX-License-Identifier: GPL-2.0-only */
/* Observers that look at each packet of a chain: what the last stage said, by their events. */
#pragma once

#include "compose/image.h"
#include "compose/observe.h"
#include "kernel/load.h"

extern const struct observe_set watched_set;

struct watched;
/* @loaded: borrowed; of an image with that set. */
struct watched *watched_open(const struct loaded *loaded);
void watched_close(struct watched *w); /* NULL is fine */
/* Of the packet since the last call: as a recording seam has it; -1 and -1: it met no stage. */
struct image_record watched_last(struct watched *w);
