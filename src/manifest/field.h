/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a choice can look at: the range of a field's values, and the names that people have. */
#pragma once

#include "manifest/hook.h"

/* A number in the range of @field, or a name: "tcp", "0x800", "cs1"; results are of @hook. */
int field_parse(enum field field, enum hook hook, const char *word, struct place at, __u32 *ret,
		struct braid_error *err);

#define FIELD_TEXT_MAX 48
/* "6 (tcp)", or "6" where it has no name; into @buf of FIELD_TEXT_MAX. Return: @buf. */
const char *field_text(enum field field, enum hook hook, __u32 value, char *buf);
