/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What this kernel is, and what the caller may do with it. */
#pragma once

#include "base/error.h"

/**
 * probe_kernel() - is this Linux @major.@minor or later?
 * @what_for: the one thing that needs it: "network namespace cookies".
 * Only for what cannot be asked of the kernel by trying: distributions backport.
 * Return: 0; -EOPNOTSUPP too old.
 */
int probe_kernel(unsigned int major, unsigned int minor, const char *what_for,
		 struct braid_error *err);

/**
 * probe_privileges() - may the caller load, attach and inspect?
 * CAP_SYS_ADMIN and CAP_NET_ADMIN, or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, effective in
 * the calling thread. The latter do not suffice to enter another network namespace or to
 * open programs and links by id, which say so when it comes to it.
 * Return: 0; -EPERM naming what is missing.
 */
int probe_privileges(struct braid_error *err);
