/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as a filter of classic BPF: refused with a message, or made a function that ends:
 * jumps lead forward to its own code, all of which is reached, and it keeps to its registers, its
 * stack and its helpers. What it says of packets: tests/kernel/cbpf_test.c.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "object/cbpf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STACK 80

static void must(bool holds, const char *what, size_t at)
{
	if (holds)
		return;
	fprintf(stderr, "instruction %zu: %s\n", at, what);
	abort();
}

static void check_memory(const struct bpf_insn *in, size_t i)
{
	int class = BPF_CLASS(in->code);

	if ((class == BPF_LDX && in->src_reg == BPF_REG_10) ||
	    (class == BPF_STX && in->dst_reg == BPF_REG_10))
		must(in->off < 0 && in->off >= -STACK, "beyond its stack", i);
	must(class == BPF_LDX || class == BPF_STX || class == BPF_ALU || class == BPF_ALU64 ||
		     class == BPF_JMP || class == BPF_JMP32,
	     "an instruction of another class", i);
	must(in->dst_reg <= BPF_REG_9 || class == BPF_STX, "the frame pointer is changed", i);
}

/* What control reaches from instruction @i, which is reached. */
static void follow(const struct func *f, size_t i, bool *reached)
{
	const struct bpf_insn *in = &f->insns.v[i];
	__s32 off;

	if (insn_is_exit(in))
		return;
	if (insn_is_jump(in, &off)) {
		must(off >= 0 && i + 1 + off < f->insns.n, "a jump to where no code is", i);
		reached[i + 1 + off] = true;
		if (BPF_OP(in->code) == BPF_JA)
			return;
	}
	must(i + 1 < f->insns.n, "it does not end", i);
	reached[i + 1] = true;
}

static void check_code(const struct func *f)
{
	bool *reached = calloc(f->insns.n, sizeof(*reached));

	must(reached && f->insns.n, "nothing", 0);
	reached[0] = true;
	for (size_t i = 0; i < f->insns.n; i++) {
		const struct bpf_insn *in = &f->insns.v[i];

		must(reached[i], "nothing leads here", i);
		check_memory(in, i);
		if (insn_is_call(in))
			must(!in->src_reg && (in->imm == BPF_FUNC_skb_load_bytes ||
					      in->imm == 188 || in->imm == 189),
			     "another helper", i);
		follow(f, i, reached);
	}
	free(reached);
}

static void compile(const struct braid_filter *filter, size_t n, const struct cbpf_opts *opts)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct func f = {};
	int checked = cbpf_check(filter, n, &err), r;

	braid_error_clear(&err);
	r = cbpf_compile(filter, n, opts, &f, &err);
	must(r == checked || (!checked && r == -E2BIG), "checks differ", 0);
	if (r) {
		must(r == err.code && err.what, "no error message", 0);
		must(r == -EINVAL || r == -E2BIG || r == -EOPNOTSUPP, "an odd error code", 0);
		must(!f.insns.n, "code in spite of an error", 0);
	} else {
		check_code(&f);
	}
	array_done(&f.insns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = size / sizeof(struct braid_filter);
	struct braid_filter *filter = malloc(n * sizeof(*filter) ?: 1);

	must(filter, "no memory", 0);
	memcpy(filter, data, n * sizeof(*filter));
	for (int i = 0; i < 4; i++)
		compile(filter, n, &(struct cbpf_opts){.skb = i & 1, .several_buffers = i & 2});
	free(filter);
	return 0;
}
