/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the kernel tells of a map only in /proc: bpf(2) does not say it. */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

struct mapinfo {
	__u64 bytes; /* of memory; 0: not known */
	bool frozen; /* user space may not write any more */
};

/* What cannot be read stays 0. */
void mapinfo_read(int map_fd, struct mapinfo *ret);
