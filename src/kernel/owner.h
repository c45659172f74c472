/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Who holds programs and links: processes that have a file descriptor of one, and pins. The
 * kernel does not tell; it is found by looking through /proc and a bpffs, once for all ids.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#include "base/array.h"
#include "base/error.h"

/* One that holds something: a process or a pin. */
struct holder {
	__u32 id;     /* of the program or link */
	bool is_link; /* which keeps its program */
	__u32 pid;    /* 0: a pin */
	char comm[16];
	char *pin; /* path in the bpffs; owned; NULL: a process */
};

struct owners {
	ARRAY(struct holder) list; /* a process once for each id */
	bool cut;                  /* there was too much in the bpffs: pins are missing */
};

/**
 * owners_read() - everybody who holds a program or a link.
 * @bpffs_root: where to look for pins; NULL: nowhere.
 * What may not be looked at is left out, as are threads and processes that end meanwhile; the
 * caller's own descriptors count. Needs: CAP_SYS_PTRACE for processes of others.
 * Return: 0; -ENOMEM.
 */
int owners_read(const char *bpffs_root, struct owners *ret, struct braid_error *err);
void owners_done(struct owners *o);

/* The next holder behind @last (NULL: the first) of @prog_id or @link_id; either may be 0. */
const struct holder *owners_next(const struct owners *o, const struct holder *last, __u32 prog_id,
				 __u32 link_id);

#define owners_foreach(it, o, prog_id, link_id)                                                    \
	for (const struct holder *it = NULL; (it = owners_next(o, it, prog_id, link_id));)
