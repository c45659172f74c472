/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the kernel tells of a loaded program, with its whole name. */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>

#include "base/error.h"

struct btf;

struct proginfo {
	__u32 id;
	__u32 type;                        /* enum bpf_prog_type */
	__u32 uid;                         /* who loaded it */
	__u32 instructions;                /* before JIT, as the verifier left them */
	__u64 loaded_ns;                   /* CLOCK_BOOTTIME */
	char short_name[BPF_OBJ_NAME_LEN]; /* all that the kernel keeps */
	char name[128];                    /* from BTF, where that is cut */
	__u8 tag[BPF_TAG_SIZE];
	struct btf *btf; /* NULL: it has none */
};

/** program_open() - Return: 0; -ENOENT no such program any more; -EPERM. */
int program_open(__u32 id, int *ret_fd, struct braid_error *err);

int proginfo_read(int prog_fd, struct proginfo *ret, struct braid_error *err);
void proginfo_done(struct proginfo *p);
