// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Values of 256 bytes, version 0. */
#define SIZE    256
#define VERSION 0
#include "migrate/stage.bpf.h"
