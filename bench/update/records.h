/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How many records the stage has that is exchanged, and how many of them packets change. */
#pragma once

#define RECORDS        100000
#define RECORDS_IN_USE 1000
