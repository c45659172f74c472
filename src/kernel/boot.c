/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/boot.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

int boot_id(char ret[BOOT_ID_SIZE], struct braid_error *err)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	if (!f || !fgets(ret, BOOT_ID_SIZE, f))
		return error_errno(err, -errno, path, "cannot tell one boot from another");
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}
