/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* All network namespaces that can be found from here. */
#pragma once

#include "base/array.h"
#include "kernel/netns.h"

struct netns_list {
	ARRAY(struct netns) list; /* each once */
	size_t hidden;            /* places that may not be looked into */
};

/**
 * netns_list_read() - own, of process 1, those with a name or mounted elsewhere, of processes.
 * @held: also those that a process only has a file descriptor of, which takes longer.
 * One that nobody of these holds (of another mount or pid namespace) is not found.
 * Needs: CAP_SYS_ADMIN, CAP_SYS_PTRACE; without, some are hidden. Return: 0; -ENOMEM.
 */
int netns_list_read(bool held, struct netns_list *ret, struct braid_error *err);
void netns_list_done(struct netns_list *l);
