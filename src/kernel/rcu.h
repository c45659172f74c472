/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#pragma once

#include "base/error.h"

/**
 * kernel_sync_rcu() - return when every program that was running at the call has finished.
 *
 * After an update of a link, packets already inside the old program still run it. What
 * that program needs and no reference of its own holds must wait for them: above all the
 * entries of a PROG_ARRAY, which the kernel clears at once when the last *user* (fd or
 * pin) lets the array go, although programs still jump through it. Sleepable programs
 * are not waited for; XDP and TC have none.
 *
 * Takes milliseconds to tens of them. Needs: nothing, or CAP_BPF where membarrier(2) is
 * refused.
 */
int kernel_sync_rcu(struct braid_error *err);
