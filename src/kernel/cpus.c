/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/cpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define POSSIBLE "/sys/devices/system/cpu/possible"
#define CPUS_MAX 65536

/* "0-3,8-11": the last number. */
static int last_number(const char *text)
{
	const char *at = text + strcspn(text, "\n");

	while (at > text && at[-1] >= '0' && at[-1] <= '9')
		at--;
	return *at >= '0' && *at <= '9' ? atoi(at) : -1;
}

int cpus_possible(struct braid_error *err)
{
	char text[4096] = "";
	FILE *f = fopen(POSSIBLE, "re");
	int last = f && fgets(text, sizeof(text), f) ? last_number(text) : -1;

	if (f)
		fclose(f);
	if (last >= 0 && last < CPUS_MAX)
		return last + 1;
	error_set(err, -EIO, POSSIBLE, "it cannot be read which CPUs there are");
	error_hint(err, "mount sysfs at /sys");
	return -EIO;
}
