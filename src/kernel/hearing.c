/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/hearing.h"

static _Thread_local struct buf *said;

static int remember(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN && said)
		buf_vfmt(said, fmt, ap);
	return 0;
}

struct hearing hear(struct buf *into)
{
	said = into;
	return (struct hearing){libbpf_set_print(remember)};
}

void hear_no_more(struct hearing h)
{
	libbpf_set_print(h.old);
	said = NULL;
}
