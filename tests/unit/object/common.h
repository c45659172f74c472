/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects in tests: from files and back, and whether two say the same. */
#pragma once

#include "base/text.h"
#include "object/unit.h"

/* Calls @check with each object that libxdp and xdp-tools install; skips where they are not. */
void each_installed(void (*check)(const char *path));
/* That one of them; NULL: it is not installed. */
struct unit *unit_installed(const char *name);

/* These bail out when they fail. */
struct buf file_read(const char *path);
struct buf file_in(const char *folder, const char *name); /* <folder>/<name>.o */
void file_write(const char *path, const void *bytes, size_t n);
struct unit *unit_from(const struct buf *bytes, const char *name);
struct unit *unit_in(const char *folder, const char *name);
struct buf unit_bytes(const struct unit *u);

const char *last_part(const char *path);

/*
 * By what they mean, not by ids: functions, instructions, references, lines, CO-RE
 * records, maps, sections, variables, externs, types. The first difference goes to diag().
 */
bool units_equal(const struct unit *a, const struct unit *b);
/* The same of two types, as deep as @depth. */
bool types_equal(const struct unit *a, __u32 x, const struct unit *b, __u32 y, int depth);
