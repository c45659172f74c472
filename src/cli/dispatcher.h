/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of `braid dispatcher` share. */
#pragma once

#include <braid/dispatcher.h>

#include "cli/cli.h"

DEFINE_CLEANUP(struct braid_chain *, braid_chain_close)

/* dispatcher_show.c */
int dispatcher_list(const struct options *o);
int dispatcher_show(const struct options *o, const char *netns, const char *interface);
int dispatcher_clean(const struct options *o, const char *netns, const char *interface);
/* What a change has come to. @text: of braid_chain_commit(); taken. */
int dispatcher_report(const struct options *o, char *text);
