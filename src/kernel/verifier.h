/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The verifier's log, read: which instruction, and why. Pure text. */
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct verdict {
	bool has_insn;
	__u32 insn;   /* the last one that was looked at */
	char *reason; /* one line; NULL: the log says nothing */
	char *tail;   /* the last lines before it */
};

/* 0 or -ENOMEM. @ret: verdict_done() it. */
int verdict_parse_log(const char *log, struct verdict *ret);
void verdict_done(struct verdict *v);
/* It did not find a fault, but gave up: the program is too large or too branched for it. */
bool verdict_gave_up(const char *log);
