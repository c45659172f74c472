/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What tells one boot of the machine from another: the kernel gives ids once in each. */
#pragma once

#include "braid/error.h"

#define BOOT_ID_SIZE 40

int boot_id(char ret[BOOT_ID_SIZE], struct braid_error *err);
