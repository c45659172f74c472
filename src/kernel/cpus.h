/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* CPUs that there can be. */
#pragma once

#include "braid/error.h"

/*
 * The highest number of a CPU that there can be, and one: numbers may have gaps, so it may be
 * more than there are. Return: > 0; a negative errno.
 */
int cpus_possible(struct braid_error *err);
