/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Names of functions of the kernel by their addresses. */
#pragma once

#include <linux/types.h>

#include "base/error.h"

struct kallsyms;

/*
 * Reads /proc/kallsyms, all of it: some 10 MB. @ret: kallsyms_free() it.
 * Return: 0; -EPERM addresses are hidden (kernel.kptr_restrict); -ENOENT there is no such file.
 */
int kallsyms_read(struct kallsyms **ret, struct braid_error *err);
void kallsyms_free(struct kallsyms *k);
DEFINE_CLEANUP(struct kallsyms *, kallsyms_free)

/* What an address belongs to; NULL: nothing that begins there. */
const char *kallsyms_at(const struct kallsyms *k, __u64 address);
/* Calls of helpers are relative to it; 0: unknown. */
__u64 kallsyms_call_base(const struct kallsyms *k);
