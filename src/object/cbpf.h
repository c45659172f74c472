/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Classic BPF, as tcpdump compiles filters to it, made a BPF function that says of a packet
 * what the filter says. A load beyond the packet ends it with 0, as it does there.
 */
#pragma once

#include "braid/observe.h"
#include "object/unit.h"

#define CBPF_LIMIT 4096 /* instructions: Linux, BPF_MAXINSNS */

struct cbpf_opts {
	bool skb;             /* the context is a struct __sk_buff, else a struct xdp_md */
	bool several_buffers; /* packets may be; XDP: Linux 5.18 */
};

/*
 * Is it one that always ends, and knows what it does? -EINVAL; -E2BIG too long; -EOPNOTSUPP it
 * uses what only sockets of Linux have.
 */
int cbpf_check(const struct braid_filter *filter, size_t n, struct braid_error *err);
/*
 * @f: int f(ctx); its code is replaced. Return: as cbpf_check(); -E2BIG also: what it becomes is
 * too long for a jump.
 */
int cbpf_compile(const struct braid_filter *filter, size_t n, const struct cbpf_opts *opts,
		 struct func *f, struct braid_error *err);
