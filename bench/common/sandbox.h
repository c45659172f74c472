/* SPDX-License-Identifier: GPL-2.0-only */
/* Where pipelines are applied without the machine noticing. */
#pragma once

#include "common/compose.h"

#define SANDBOX       "/run" /* its folder, in memory */
#define SANDBOX_STATE SANDBOX "/braid"

/*
 * Moves the process, while it has one thread, into a mount namespace of its own with an
 * empty /run and a BPF file system in it. What is written and pinned there vanishes with
 * the process, however it ends. Needs CAP_SYS_ADMIN.
 */
void sandbox_enter(void);

/*
 * A handle on the sandbox's store, for braid_close(). The store is in memory: applying
 * does not wait for the machine's disk.
 */
struct braid *sandbox_braid(void);

/* Writes an object as SANDBOX/@name.bpf.o, for manifests and the command. */
void sandbox_write(const char *name, struct bytes object);
