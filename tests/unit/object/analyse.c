/* SPDX-License-Identifier: GPL-2.0-only */
/* What code says about itself, against code of which it is known. */
#include "common.h"
#include "object/analyse.h"
#include "tap.h"

static struct func_facts facts_of(const struct unit *u, const char *name)
{
	int func = unit_find_func(u, name);
	struct func_facts facts;

	if (func < 0 || func_analyse(u, func, &facts))
		bail_out("no facts of %s", name);
	return facts;
}

static void test_stack(const char *folder, const char *object)
{
	static const struct {
		const char *name;
		unsigned int depth;
	} want[] = {{"stack_0", 0},     {"stack_8", 8},     {"stack_64", 64},   {"stack_80", 80},
		    {"stack_104", 104}, {"stack_240", 240}, {"stack_448", 448}, {"stack_504", 504},
		    {"stack_512", 512}, {"stack_chain", 24}};
	_cleanup_(unit_freep) struct unit *u = unit_in(folder, object);

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		struct func_facts f = facts_of(u, want[i].name);

		is_int(f.stack, want[i].depth, "%s: %s", object, want[i].name);
		ok(f.stack_known, "%s: %s is known", object, want[i].name);
		ok(!f.tail_call && !f.throws, "%s: nor does it anything else", want[i].name);
	}
	ok(!facts_of(u, "stack_var").stack_known, "%s: a variable index is not known", object);
}

static void test_chain(const char *folder)
{
	_cleanup_(unit_freep) struct unit *u = unit_in(folder, "stack");
	struct func_facts f = facts_of(u, "stack_chain");
	size_t insns = 0;

	is_int(f.chain_stack, 64 + 96, "frames below: 40 -> 64, 96");
	is_int(f.chain_calls, 2, "two deep");
	array_foreach (func, &u->funcs)
		if (text_has_prefix(func->name, "deep_") || text_eq(func->name, "stack_chain"))
			insns += func->insns.n;
	is_int(f.total_insns, insns, "instructions of all three");
	is_int(facts_of(u, "stack_8").chain_calls, 0, "no calls");
	is_int(facts_of(u, "stack_8").chain_stack, 0, "no frames");
}

static void test_tail_calls(const char *folder)
{
	_cleanup_(unit_freep) struct unit *u = unit_in(folder, "tail");

	ok(facts_of(u, "tail").tail_call, "a tail call");
	ok(!facts_of(u, "leaf").tail_call, "none");
}

static const char *gpl_helper(const struct unit *u, const char *program)
{
	const char *helper = NULL;

	if (func_gpl_helper(u, unit_find_func(u, program), &helper))
		bail_out("out of memory");
	return helper;
}

static void test_licences(const char *folder)
{
	_cleanup_(unit_freep) struct unit *helper = unit_in(folder, "gpl_helper"),
					  *kfunc = unit_in(folder, "gpl_kfunc"),
					  *closed = unit_in(folder, "closed"),
					  *kinds = unit_in(folder, "kinds");

	is_str(gpl_helper(helper, "licence"), "bpf_trace_printk", "a helper, in a function below");
	is_str(gpl_helper(kfunc, "licence"), "bpf_cast_to_kern_ctx",
	       "all kernel functions are for GPL-compatible programs");
	is_str(gpl_helper(closed, "licence"), NULL, "neither");
	is_str(gpl_helper(kinds, "second"), NULL, "only what the program reaches counts");
	ok(license_is_gpl_compatible("GPL") && license_is_gpl_compatible("Dual BSD/GPL"),
	   "compatible");
	ok(!license_is_gpl_compatible("Proprietary") && !license_is_gpl_compatible("") &&
		   !license_is_gpl_compatible("GPLv2") && !license_is_gpl_compatible(NULL),
	   "not compatible: the kernel knows no other spelling");
}

int main(int argc, char **argv)
{
	if (argc < 3)
		bail_out("usage: analyse FOLDER OBJECT...");
	test_stack(argv[1], "stack");
	/* what other compilers make of the same */
	for (int i = 2; i < argc; i++) {
		_cleanup_free_ char *name = strdup(last_part(argv[i]));

		if (!text_has_prefix(name, "stack.clang"))
			continue;
		name[strlen(name) - 2] = '\0';
		test_stack(argv[1], name);
	}
	test_chain(argv[1]);
	test_tail_calls(argv[1]);
	test_licences(argv[1]);
	return done();
}
