/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Programs whose functions others replace while they run (type EXT, freplace). */
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/**
 * freplace_load() - load the only program of an object.
 * @bound_to: ifindex in the namespace of the calling thread, of the device that it is bound
 *            to; 0: none.
 * Return: 0; -EPERM; what the verifier says, with its log in @err->log.
 */
int freplace_load(const void *elf, size_t size, __u32 bound_to, int *ret_fd,
		  struct braid_error *err);

/**
 * freplace_link() - from now on @prog_fd is function @name of @target_fd.
 * It may have been loaded for another target, and be linked to others, too.
 * @ret_fd: of the link; the function is back when this fd and all pins of it are gone.
 * Needs: Linux 5.10. Return: 0; -ENOENT no such function; -EINVAL it does not fit; -EPERM.
 */
int freplace_link(int prog_fd, int target_fd, const char *name, int *ret_fd,
		  struct braid_error *err);

struct freplace_info {
	__u32 id, prog_id;
	__u32 target_id; /* the program whose function is replaced; 0: unknown (before 5.13) */
};

/** freplace_info() - of a link. Return: 0; -EMEDIUMTYPE it is no link of this kind. */
int freplace_info(int link_fd, struct freplace_info *ret, struct braid_error *err);

/**
 * freplace_explain() - adds to the error of loading or linking one, if it is -EPERM, that the
 * kernel may refuse this kind altogether, and what to do. Other errors stay as they are.
 * Return: the code of @err.
 */
int freplace_explain(struct braid_error *err);

/* Does this kernel know programs for packets of several buffers? */
bool freplace_knows_frags(void);
