/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Functions that use the configuration, and are not spliced. */
#pragma once

#include "object/splice.h"

/* Does its code name the section? */
bool func_uses_section(const struct func *f, int section);
/*
 * Of the first @n functions, which were there before programs were spliced, each such one gets
 * code in front that finds the version which the packet uses. Call it when all are spliced.
 * Return: 0; -EOVERFLOW no room on its stack; -ENOMEM.
 */
int config_bind_functions(struct unit *u, __u32 n, const struct splice *s, struct braid_error *err);
