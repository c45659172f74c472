/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Which registers hold something when a function begins. */
#pragma once

#include "object/unit.h"

/*
 * @ret: by function, bit i: r<i> of r1 to r5 is written on every way to it. Free it. Types do
 * not tell: compilers leave out arguments that a static function does not use, and pass what a
 * pointer led to in place of the pointer. Return: 0; -ENOMEM.
 */
int find_arguments(const struct unit *u, __u8 **ret);
