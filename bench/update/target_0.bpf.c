// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Nothing of its maps changes: they carry over. */
#define VERSION 0

#include "update/target.bpf.h"
