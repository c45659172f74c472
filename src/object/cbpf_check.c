/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <linux/filter.h>

#include "base/error.h"
#include "object/cbpf.h"

static int refuse(struct braid_error *err, int r, size_t i, const char *what)
{
	error_set(err, r, "filter", "instruction %zu %s", i, what);
	return r;
}

static int check_alu(const struct braid_filter *in, size_t i, struct braid_error *err)
{
	switch (BPF_OP(in->code)) {
	case BPF_LSH:
	case BPF_RSH:
		if (BPF_SRC(in->code) == BPF_K && in->k > 31)
			return refuse(err, -EINVAL, i, "shifts by more than 31 bits");
		break;
	case BPF_DIV:
	case BPF_MOD:
		if (BPF_SRC(in->code) == BPF_K && !in->k)
			return refuse(err, -EINVAL, i, "divides by 0");
		break;
	}
	return 0;
}

/* Forward only, so that it ends; the last instruction returns, so none is beyond it. */
static int check_jump(const struct braid_filter *in, size_t n, size_t i, struct braid_error *err)
{
	size_t left = n - i - 1;
	bool ja = BPF_OP(in->code) == BPF_JA;
	int r;

	if (ja && in->k > 0x7fffffff) {
		r = refuse(err, -EOPNOTSUPP, i, "jumps back");
		error_why(err, "a filter in the kernel has no loops");
		error_hint(err, "leave out 'protochain'");
		return r;
	}
	if (ja ? in->k >= left : in->jt >= left || in->jf >= left)
		return refuse(err, -EINVAL, i, "jumps beyond the end");
	return 0;
}

/* Linux has packets' fields at offsets from the top of 32 bits. */
static int check_load(const struct braid_filter *in, size_t i, struct braid_error *err)
{
	int r;

	if (in->k <= 0x7fffffff)
		return 0;
	r = refuse(err, -EOPNOTSUPP, i, "loads what is not in the packet");
	error_why(err, "offset %#x is a field of Linux's sockets", in->k);
	error_hint(err, "compile the filter for a file of frames (tcpdump -ddd -y EN10MB), not for "
			"an interface");
	return r;
}

static int check_slot(const struct braid_filter *in, size_t i, struct braid_error *err)
{
	return in->k < BPF_MEMWORDS
		       ? 0
		       : refuse(err, -EINVAL, i, "uses a word of memory beyond the 16");
}

#define ALU_CASES(op)                                                                              \
	case BPF_ALU | op | BPF_K:                                                                 \
	case BPF_ALU | op | BPF_X
#define JMP_CASES(op)                                                                              \
	case BPF_JMP | op | BPF_K:                                                                 \
	case BPF_JMP | op | BPF_X
#define LD_CASES(mode)                                                                             \
	case BPF_LD | BPF_W | mode:                                                                \
	case BPF_LD | BPF_H | mode:                                                                \
	case BPF_LD | BPF_B | mode

static int check_one(const struct braid_filter *in, size_t n, size_t i, struct braid_error *err)
{
	switch (in->code) {
		ALU_CASES(BPF_ADD)
			: ALU_CASES(BPF_SUB)
			: ALU_CASES(BPF_MUL)
			: ALU_CASES(BPF_DIV)
			: ALU_CASES(BPF_MOD)
			: ALU_CASES(BPF_AND)
			: ALU_CASES(BPF_OR)
			: ALU_CASES(BPF_XOR)
			: ALU_CASES(BPF_LSH) : ALU_CASES(BPF_RSH) : return check_alu(in, i, err);
		JMP_CASES(BPF_JEQ)
			: JMP_CASES(BPF_JGT)
			: JMP_CASES(BPF_JGE)
			: JMP_CASES(BPF_JSET)
			: case BPF_JMP | BPF_JA : return check_jump(in, n, i, err);
		LD_CASES(BPF_ABS) : case BPF_LDX | BPF_B | BPF_MSH : return check_load(in, i, err);
	case BPF_LD | BPF_W | BPF_MEM:
	case BPF_LDX | BPF_W | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return check_slot(in, i, err);
		LD_CASES(BPF_IND)
			: case BPF_LD | BPF_W | BPF_IMM : case BPF_LD | BPF_W |
							  BPF_LEN
			: case BPF_LDX |
			  BPF_W | BPF_IMM : case BPF_LDX | BPF_W |
					    BPF_LEN : case BPF_ALU | BPF_NEG : case BPF_MISC |
									       BPF_TAX
			: case BPF_MISC |
			  BPF_TXA : case BPF_RET | BPF_K : case BPF_RET | BPF_A : return 0;
	}
	return refuse(err, -EINVAL, i, "is none of classic BPF");
}

int cbpf_check(const struct braid_filter *filter, size_t n, struct braid_error *err)
{
	int r = 0;

	if (!n || n > CBPF_LIMIT) {
		error_set(err, n ? -E2BIG : -EINVAL, "filter", "it has %zu instructions", n);
		error_why(err, "classic BPF has 1 to %d", CBPF_LIMIT);
		return n ? -E2BIG : -EINVAL;
	}
	for (size_t i = 0; i < n && !r; i++)
		r = check_one(&filter[i], n, i, err);
	if (!r && BPF_CLASS(filter[n - 1].code) != BPF_RET)
		r = refuse(err, -EINVAL, n - 1, "is the last, and does not return");
	return r;
}
