/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "trail.h"

/* As a manifest that `braid run` takes, and the packets in hex; each line begins with '#'. */
void report_chain(const struct chain *c, const char *const *objects);
void report_events(const struct event *v, size_t n);
