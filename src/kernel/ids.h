/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Which programs, maps and links the kernel holds, of everybody. */
#pragma once

#include <linux/types.h>

#include "base/array.h"
#include "base/error.h"

enum ids_kind { IDS_PROGRAMS, IDS_MAPS, IDS_LINKS };

struct ids {
	ARRAY(__u32) list;
};

/**
 * ids_list() - ids in ascending order. @ret: array_done(&ret->list).
 * Needs: CAP_SYS_ADMIN. Return: 0; -EPERM.
 */
int ids_list(enum ids_kind kind, struct ids *ret, struct braid_error *err);

/* The id of the program that @fd is; 0: it is none. */
__u32 program_id(int fd);
/* Another descriptor of the same thing, O_CLOEXEC. Return: it; negative errno. */
int fd_copy(int fd);
