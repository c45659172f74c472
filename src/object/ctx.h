/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a function does with the context, which it gets in r1. */
#pragma once

#include "object/unit.h"

/* r1 is what it was on every way out: nothing writes it. */
bool ctx_is_preserved(const struct func *f);

/*
 * The function begins with a straight line that only reads r1, in ways that any register
 * could serve, and then overwrites it: index of that instruction. -1: it does not.
 */
int ctx_overwritten_at(const struct func *f);

/* Names the register in any instruction. */
bool func_mentions(const struct func *f, int reg);
