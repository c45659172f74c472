/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Option structs that may grow: the caller says by @sz, their first member, how much of one
 * it knows. A field beyond that is zero; one that this library does not know must be zero.
 */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"

/* Copies to @to, @known bytes, what the caller at @opts (may be NULL) knows. */
static inline int opts_take(void *to, size_t known, const void *opts, struct braid_error *err)
{
	size_t sz = opts ? *(const size_t *)opts : 0;

	memset(to, 0, known);
	if (opts && sz < sizeof(size_t))
		return error_code(
			error_set(err, -EINVAL, NULL, "the sz of the options is not set"));
	if (opts)
		memcpy(to, opts, sz < known ? sz : known);
	for (size_t i = known; i < sz; i++) {
		if (((const char *)opts)[i])
			return error_code(error_set(err, -E2BIG, NULL,
						    "the options are newer than libbraid"));
	}
	return 0;
}
