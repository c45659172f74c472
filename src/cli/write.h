/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that others read while they are written. */
#pragma once

#include "cli/cli.h"

/*
 * Makes @bytes the file @path, with the mode of the one that was there: whoever opens it sees the
 * old file or the new one, whole. What is no file, such as a pipe or /dev/null, is written to as it
 * is. NULL, "-": prints it, as to which stdio_close() has the last word. Return: 0; a negative
 * errno.
 */
int write_whole(const char *path, const void *bytes, size_t size, struct braid_error *err);
/* The same for a text. Return: the exit status; an error has been said. */
int write_text(const struct options *o, const char *path, const char *text);
