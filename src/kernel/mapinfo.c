/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/mapinfo.h"

#include <stdio.h>

#include "base/cleanup.h"

void mapinfo_read(int map_fd, struct mapinfo *ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	unsigned long long n;
	char path[64], line[128];

	*ret = (struct mapinfo){};
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", map_fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "memlock: %llu", &n) == 1)
			ret->bytes = n;
		if (sscanf(line, "frozen: %llu", &n) == 1)
			ret->frozen = n;
	}
}
