/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What libbpf says. It tells what went wrong with maps and relocations only through its print
 * hook, which is global to the process: ours is in place between hear() and hear_no_more()
 * only, and remembers what was said in this thread.
 */
#pragma once

#include <bpf/libbpf.h>

#include "base/text.h"

struct hearing {
	libbpf_print_fn_t old;
};

/* Warnings are added to @into, which must live until hear_no_more(). */
struct hearing hear(struct buf *into);
void hear_no_more(struct hearing h);
