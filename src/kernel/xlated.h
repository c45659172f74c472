/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The code of a loaded program: as the verifier left it, with source lines, and as machine code. */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>

#include "base/array.h"
#include "base/error.h"

struct btf;

/* Machine code of a function of the program. */
struct machine {
	__u64 address;      /* in the kernel */
	__u32 offset, size; /* in xlated.machine_code */
};

struct xlated {
	__u32 id;
	char name[BPF_OBJ_NAME_LEN];
	__u8 tag[BPF_TAG_SIZE];
	ARRAY(struct bpf_insn) insns;
	ARRAY(struct bpf_func_info) funcs;
	ARRAY(struct bpf_line_info) lines;
	/* only when asked for; all empty: the kernel does not show it, or has no JIT */
	ARRAY(__u8) machine_code;
	ARRAY(struct machine) machines;
	ARRAY(__u64) line_addresses; /* by line */
	struct btf *btf;             /* NULL: it has none */
};

/**
 * xlated_read() - Needs CAP_SYS_ADMIN.
 * @machine: machine code, too.
 * Addresses of helpers are among the instructions only where kernel.kptr_restrict allows it;
 * machine code is shown only there.
 */
int xlated_read(int prog_fd, bool machine, struct xlated *ret, struct braid_error *err);
void xlated_done(struct xlated *x);
/* Index of the line that instruction @insn comes from; -1: unknown. */
int xlated_line(const struct xlated *x, __u32 insn);
/* The name of the function that begins with @insn; NULL: none does, or it has no name. */
const char *xlated_func(const struct xlated *x, __u32 insn);
