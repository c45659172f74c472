/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Verdicts that nobody reads, now that the exits lead elsewhere. */
#pragma once

#include "object/exits.h"

/*
 * @ret: by instruction: it only moves something into r0, and r0 is not read before it is
 * written again. Free it. 0 or -ENOMEM.
 */
int unused_verdicts(const struct func *f, const struct exits *x, bool **ret);
