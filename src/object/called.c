/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Parts that stay functions, and are called. They are static, but for those that make tail
 * calls.
 *
 * What such a part returns comes from the target of its tail call. Many kernels (6.12 is one)
 * do not think of that: of a static function they know only the code behind a tail call that
 * fails, so behind `return XDP_ABORTED;` they take r0 for 0, and remove what the seam does
 * with any other verdict, all later stages with it. A global function is verified by itself,
 * and may return anything as far as its callers are concerned. It costs a packet nothing. The
 * same goes for LD_ABS, which returns 0 where the packet ends.
 */
#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "object/analyse.h"
#include "object/splicer.h"
#include "object/types.h"

/* The kernel goes by the name of the structure. */
static int add_context(struct btf *btf, const char *section)
{
	const char *name = text_has_prefix(section, "xdp") ? "xdp_md" : "__sk_buff";
	int type = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	if (type < 0)
		type = btf__add_struct(btf, name, 0);
	return type < 0 ? type : btf__add_ptr(btf, type);
}

/*
 * The type of a global function says what it is called with, and the type of a program that
 * replaces a function must be that function's. What an author wrote may say anything, `void *`
 * for one.
 */
int add_context_proto(struct btf *btf, const char *section)
{
	int integer = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int context = add_context(btf, section);
	int proto = integer < 0 ? integer : btf__add_func_proto(btf, integer);

	if (context < 0 || proto < 0 || btf__add_func_param(btf, "ctx", context))
		return -ENOMEM;
	return proto;
}

int retire_called(struct splicer *sp, size_t k)
{
	__u32 func = sp->s->parts[k].func;
	struct func *f = &sp->u->funcs.v[func];
	char *text = strdup(".text");
	struct func_facts facts;
	struct btf_type *t;
	bool global;
	int proto;

	if (!text)
		return error_oom(sp->err);
	free(f->section);
	f->section = text;
	if (func_analyse(sp->u, func, &facts))
		return error_oom(sp->err);
	global = facts.tail_call || facts.old_loads;
	proto = global ? add_context_proto(sp->u->btf, sp->s->section) : 0;
	if (proto < 0)
		return error_oom(sp->err);
	f->global = global;
	f->weak = false;
	t = type_edit(sp->u->btf, f->type_id);
	t->info = BTF_KIND_FUNC << 24 | (f->global ? BTF_FUNC_GLOBAL : BTF_FUNC_STATIC);
	if (f->global)
		t->type = proto;
	return 0;
}
