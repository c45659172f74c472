/* SPDX-License-Identifier: GPL-2.0-only */
/* Which filters of classic BPF are taken, and what is said of those that are not. */
#include <errno.h>
#include <linux/filter.h>

#include "base/error.h"
#include "common.h"
#include "object/cbpf.h"
#include "tap.h"

#define RETURN                                                                                     \
	{                                                                                          \
		BPF_RET | BPF_A                                                                    \
	}

static const struct {
	const char *what;
	struct braid_filter filter[3];
	size_t n;
	int r;
	const char *says;
} cases[] = {
	{"a return alone", {{BPF_RET | BPF_K, 0, 0, 1}}, 1, 0},
	{"nothing", {}, 0, -EINVAL, "it has 0 instructions"},
	{"no return",
	 {{BPF_ALU | BPF_NEG}},
	 1,
	 -EINVAL,
	 "instruction 0 is the last, and does not return"},
	{"a jump to the last", {{BPF_JMP | BPF_JA, 0, 0, 1}, RETURN, RETURN}, 3, 0},
	{"a jump beyond",
	 {{BPF_JMP | BPF_JA, 0, 0, 2}, RETURN, RETURN},
	 3,
	 -EINVAL,
	 "instruction 0 jumps beyond the end"},
	{"a true branch beyond",
	 {RETURN, {BPF_JMP | BPF_JEQ, 1, 0, 5}, RETURN},
	 3,
	 -EINVAL,
	 "instruction 1 jumps beyond the end"},
	{"a false branch beyond",
	 {RETURN, {BPF_JMP | BPF_JSET | BPF_X, 0, 1}, RETURN},
	 3,
	 -EINVAL,
	 "instruction 1 jumps beyond the end"},
	{"a loop",
	 {RETURN, {BPF_JMP | BPF_JA, 0, 0, -2}, RETURN},
	 3,
	 -EOPNOTSUPP,
	 "instruction 1 jumps back"},
	{"shift by 31", {{BPF_ALU | BPF_LSH | BPF_K, 0, 0, 31}, RETURN}, 2, 0},
	{"shift by 32",
	 {{BPF_ALU | BPF_RSH | BPF_K, 0, 0, 32}, RETURN},
	 2,
	 -EINVAL,
	 "instruction 0 shifts by more than 31 bits"},
	{"shift by X", {{BPF_ALU | BPF_RSH | BPF_X, 0, 0, 99}, RETURN}, 2, 0},
	{"division by 0",
	 {{BPF_ALU | BPF_DIV | BPF_K}, RETURN},
	 2,
	 -EINVAL,
	 "instruction 0 divides by 0"},
	{"modulo 0",
	 {{BPF_ALU | BPF_MOD | BPF_K}, RETURN},
	 2,
	 -EINVAL,
	 "instruction 0 divides by 0"},
	{"division by X", {{BPF_ALU | BPF_DIV | BPF_X}, RETURN}, 2, 0},
	{"word 15", {{BPF_ST, 0, 0, 15}, {BPF_LDX | BPF_MEM, 0, 0, 15}, RETURN}, 3, 0},
	{"word 16 stored",
	 {{BPF_STX, 0, 0, 16}, RETURN},
	 2,
	 -EINVAL,
	 "instruction 0 uses a word of memory beyond the 16"},
	{"word 16 loaded",
	 {{BPF_LD | BPF_MEM, 0, 0, 16}, RETURN},
	 2,
	 -EINVAL,
	 "instruction 0 uses a word of memory beyond the 16"},
	{"the furthest load", {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0x7fffffff}, RETURN}, 2, 0},
	{"the VLAN of a socket",
	 {{BPF_LD | BPF_B | BPF_ABS, 0, 0, SKF_AD_OFF + SKF_AD_VLAN_TAG}, RETURN},
	 2,
	 -EOPNOTSUPP,
	 "instruction 0 loads what is not in the packet"},
	{"the network layer of a socket",
	 {{BPF_LDX | BPF_B | BPF_MSH, 0, 0, SKF_NET_OFF}, RETURN},
	 2,
	 -EOPNOTSUPP,
	 "instruction 0 loads what is not in the packet"},
	{"X with any number", {{BPF_LD | BPF_H | BPF_IND, 0, 0, -4}, RETURN}, 2, 0},
	{"a double word",
	 {{BPF_LD | 0x18, 0, 0, 1}, RETURN},
	 2,
	 -EINVAL,
	 "instruction 0 is none of classic BPF"},
	{"a half word into X",
	 {{BPF_LDX | BPF_H | BPF_ABS}, RETURN},
	 2,
	 -EINVAL,
	 "instruction 0 is none of classic BPF"},
	{"return X", {{BPF_RET | BPF_X}}, 1, -EINVAL, "instruction 0 is none of classic BPF"},
	{"a code of 16 bits",
	 {{0x100 | BPF_LD | BPF_IMM}, RETURN},
	 2,
	 -EINVAL,
	 "instruction 0 is none of classic BPF"},
	{"what is not reached",
	 {RETURN, {0xff}, RETURN},
	 3,
	 -EINVAL,
	 "instruction 1 is none of classic BPF"},
};

static void test_checks(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		struct func f = {};
		int r = cbpf_check(cases[i].filter, cases[i].n, &err);

		is_int(r, cases[i].r, "%s", cases[i].what);
		is_str(err.what, cases[i].says, "%s: what is said", cases[i].what);
		braid_error_clear(&err);
		is_int(cbpf_compile(cases[i].filter, cases[i].n, &(struct cbpf_opts){}, &f, &err),
		       r, "%s: compiled or not", cases[i].what);
		is_int(f.insns.n > 0, !r, "%s: into something or nothing", cases[i].what);
		array_done(&f.insns);
	}
}

static void test_length(void)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	static struct braid_filter filter[CBPF_LIMIT + 1];
	struct func f = {};

	for (size_t i = 0; i <= CBPF_LIMIT; i++)
		filter[i] = (struct braid_filter){BPF_RET | BPF_A};
	is_int(cbpf_check(filter, CBPF_LIMIT, &err), 0, "as long as it may be");
	is_int(cbpf_check(filter, CBPF_LIMIT + 1, &err), -E2BIG, "one more");
	is_str(err.why, "classic BPF has 1 to 4096", "why");
	braid_error_clear(&err);
	filter[0] = (struct braid_filter){BPF_JMP | BPF_JA, 0, 0, CBPF_LIMIT - 2};
	is_int(cbpf_compile(filter, CBPF_LIMIT, &(struct cbpf_opts){}, &f, &err), 0,
	       "a far jump past nothing");
	array_done(&f.insns);
	filter[0] = (struct braid_filter){BPF_JMP | BPF_JEQ, 1, 0};
	filter[1] = (struct braid_filter){BPF_JMP | BPF_JA, 0, 0, CBPF_LIMIT - 3};
	for (size_t i = 2; i < CBPF_LIMIT - 1; i++)
		filter[i] = (struct braid_filter){BPF_LD | BPF_W | BPF_IND};
	f = (struct func){};
	is_int(cbpf_compile(filter, CBPF_LIMIT, &(struct cbpf_opts){}, &f, &err), -E2BIG,
	       "a jump that becomes too long");
	is_str(err.what, "a jump in it would be too long", "that is said");
	is_int(f.insns.n, 0, "nothing is left");
}

int main(void)
{
	test_checks();
	test_length();
	return done();
}
