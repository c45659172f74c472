// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Values of 64 bytes, version 0. */
#define SIZE    64
#define VERSION 0
#include "migrate/stage.bpf.h"
