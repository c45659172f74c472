/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A function's place in a stack frame that it shares: its bytes begin further down. */
#pragma once

#include "object/unit.h"

/*
 * Can its bytes be moved? Not if it does more with the frame pointer than to load, to store and
 * to form addresses by copies of it. @ret_more: instructions that it takes; may be NULL.
 */
bool frame_moves(const struct func *f, __u32 *ret_more);
/*
 * Moves them down by @by bytes, a multiple of 8: f's code is changed in place.
 * Return: 0; -ENOMEM; -E2BIG a jump in it would be too long; -EINVAL they cannot be moved.
 */
int frame_lower(struct func *f, __u32 by);
