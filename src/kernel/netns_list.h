/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* All network namespaces that can be found from here. */
#pragma once

#include "base/array.h"
#include "kernel/netns.h"

struct netns_list {
	ARRAY(struct netns) list; /* each once */
	size_t hidden; /* places that may not be looked into; one is all outside of a container */
};

/**
 * netns_list_read() - own, those with a name, those of all threads, and those that are mounted
 * in any mount namespace of these.
 * @held: also those that a process only has a file descriptor of, which takes longer.
 * One that nobody of these holds (only a socket of it is open, say) is not found.
 * Needs: CAP_SYS_ADMIN, CAP_SYS_PTRACE, to be outside of containers; else some are hidden.
 * Return: 0; -ENOMEM.
 */
int netns_list_read(bool held, struct netns_list *ret, struct braid_error *err);
void netns_list_done(struct netns_list *l);
