/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* An object as text and back. The language: docs/asm.md. */
#pragma once

#include "object/unit.h"

/*
 * @text: borrowed during the call, need not end with NUL. @name: for messages.
 * @ret: unit_free() it.
 * Return: 0; -EINVAL with file:line:column, what was read and what was expected; -ENOMEM.
 */
int unit_assemble(const char *text, size_t size, const char *name, struct unit **ret,
		  struct braid_error *err);
/* -> text that assembles to the same. Return: 0 or -ENOMEM. Caller frees. */
int unit_disassemble(const struct unit *u, char **ret, struct braid_error *err);
