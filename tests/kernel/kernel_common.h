/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of src/kernel share: two namespaces, `red` and `blue`, with a veth pair between
 * them, called veth0 at both ends; and programs of a few instructions.
 */
#pragma once

#include <linux/bpf.h>

#include "base/error.h"
#include "kernel/netns.h"
#include "tap.h"

#define INSN(op, dst, src, offset, value)                                                          \
	((struct bpf_insn){.code = op, .dst_reg = dst, .src_reg = src, .off = offset, .imm = value})
#define MOV(reg, value)         INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value)
#define MOV_REG(to, from)       INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define ADD(reg, value)         INSN(BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, value)
#define LOAD(to, from, offset)  INSN(BPF_LDX | BPF_MEM | BPF_DW, to, from, offset, 0)
#define STORE(to, offset, from) INSN(BPF_STX | BPF_MEM | BPF_DW, to, from, offset, 0)
#define CALL(helper)            INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define EXIT()                  INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define COUNT(array)            (sizeof(array) / sizeof(*(array)))

extern struct braid_error err; /* of the last call */

/* Makes the namespaces. From here on libbpf prints nothing. */
void kernel_test_begin(void);
/* Return: as done(). */
int kernel_test_end(void);

struct netns must_open(const char *name);
/* Of type XDP. */
int load(const char *name, const struct bpf_insn *insns, size_t n);
int verdict_program(const char *name, int verdict);

/* What went wrong, all of it, as one string to look into. */
const char *error_all(void);
#define says(word) ok(strstr(error_all(), word), "the error says '%s': %s", word, error_all())

/* Runs @body in a child; its errors are for itself. Return: its exit status. */
int in_child(int (*body)(void));
