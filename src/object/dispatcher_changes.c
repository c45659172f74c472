/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>

#include "object/dispatcher.h"
#include "object/unit.h"

/* Of XDP; a program that is tail called may do anything. */
static bool changes(const struct bpf_insn *i)
{
	if (!insn_is_call(i) || i->src_reg)
		return false;
	switch (i->imm) {
	case BPF_FUNC_tail_call:
	case BPF_FUNC_xdp_adjust_head:
	case BPF_FUNC_xdp_adjust_meta:
	case BPF_FUNC_xdp_adjust_tail:
		return true;
	default:
		return false;
	}
}

static bool func_changes(const struct unit *u, __u32 func, bool *seen)
{
	const struct func *f = &u->funcs.v[func];

	if (seen[func])
		return false;
	seen[func] = true;
	array_foreach (i, &f->insns) {
		if (changes(i))
			return true;
		if (insn_is_ld_imm64(i))
			i++; /* the second slot is no instruction */
	}
	array_foreach (r, &f->refs)
		if ((r->kind == REF_CALL || r->kind == REF_FUNC) &&
		    func_changes(u, r->target, seen))
			return true;
	return false;
}

int dispatcher_changes_packets(const struct unit *u, __u32 func, bool *ret)
{
	_cleanup_free_ bool *seen = calloc(u->funcs.n + 1, sizeof(*seen));

	if (!seen)
		return -ENOMEM;
	*ret = func_changes(u, func, seen);
	return 0;
}
