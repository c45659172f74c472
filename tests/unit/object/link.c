/* SPDX-License-Identifier: GPL-2.0-only */
/* Bringing programs into another unit: names, what comes along, what is merged. */
#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "common.h"
#include "object/link.h"
#include "object/mapdef.h"
#include "object/types.h"
#include "tap.h"

static const char *folder;
static struct braid_error err;

static struct unit *empty(void)
{
	struct unit *u;

	if (unit_new("out", &u, &err))
		bail_out("%s", err.what);
	return u;
}

static int import(struct unit *out, const struct unit *in, const char *program,
		  const struct link_opts *opts, __u32 *ret_func)
{
	int root = unit_find_func(in, program);

	if (root < 0)
		bail_out("no %s", program);
	return link_import(out, in, (const __u32[]){root}, 1, opts, ret_func, &err);
}

static __u32 must_import(struct unit *out, const struct unit *in, const char *program,
			 const char *ns)
{
	struct link_opts opts = {.ns = ns};
	__u32 func = -1;

	if (import(out, in, program, &opts, &func))
		bail_out("%s: %s", program, err.what);
	return func;
}

/* That the unit can be written, and comes back as it was. */
static void survives(const struct unit *u, const char *name)
{
	struct buf bytes = unit_bytes(u);
	_cleanup_(unit_freep) struct unit *again = unit_from(&bytes, name);

	ok(units_equal(u, again) || u->funcs.n > 1, "%s: written and read", name);
	is_int(again->funcs.n, u->funcs.n, "%s: functions", name);
	is_int(again->maps.n, u->maps.n, "%s: maps", name);
	buf_done(&bytes);
}

/* Two objects of the same names side by side. */
static void test_name_spaces(void)
{
	_cleanup_(unit_freep) struct unit *one = unit_in(folder, "twin1"),
					  *two = unit_in(folder, "twin2");
	_cleanup_(unit_freep) struct unit *out = empty();
	__u32 section, a = must_import(out, one, "twin", "a"),
		       b = must_import(out, two, "twin", "b");
	const struct var *step_a, *step_b;
	struct map_def def;

	is_str(out->funcs.v[a].name, "a__twin", "the first program");
	is_str(out->funcs.v[b].name, "b__twin", "the second");
	is_str(unit_type_name(out, out->funcs.v[b].type_id), "b__twin", "its type too");
	ok(unit_find_func(out, "a__helper") >= 0 && unit_find_func(out, "b__helper") >= 0,
	   "static functions of both");
	is_int(out->maps.n, 2, "two maps");
	is_int(map_def_read(out, unit_find_map(out, "a__table"), &def, &err), 0, "the first one");
	is_int(def.value_size, 16, "is the first object's");
	is_int(map_def_read(out, unit_find_map(out, "b__table"), &def, &err), 0, "the second");
	is_int(def.value_size, 24, "is the second object's");
	ok(unit_find_section(out, ".data.a") >= 0 && unit_find_section(out, ".data.b") >= 0,
	   "globals of each");
	is_int(out->sections.n, 3, "and .rodata for both");
	step_a = unit_find_var(out, "a__step", &section);
	step_b = unit_find_var(out, "b__step", &section);
	if (!step_a || !step_b)
		bail_out("no step");
	is_int(*(__u64 *)(out->sections.v[section].bytes.v + step_a->offset), 10, "first constant");
	is_int(*(__u64 *)(out->sections.v[section].bytes.v + step_b->offset), 20, "second");
	survives(out, "twins");
}

/* .data and .bss become one section; what refers to them follows. */
static void test_data(void)
{
	_cleanup_(unit_freep) struct unit *in = unit_in(folder, "kinds"), *out = empty();
	__u32 section, func = must_import(out, in, "kinds", "k");
	const struct var *v, *last = NULL;
	int data = unit_find_section(out, ".data.k");
	size_t found = 0;

	is_int(unit_find_section(out, ".bss"), -1, "no .bss");
	is_int(data < 0 ? -1 : out->sections.v[data].kind, SECTION_DATA, ".data.k is data");
	v = unit_find_var(out, "k__counter", &section);
	is_int(v ? *(int *)(out->sections.v[section].bytes.v + v->offset) : -1, 5, ".data's value");
	v = unit_find_var(out, "k__zeroes", &section);
	ok(v && section == data && v->offset % 8 == 0, "a variable of .bss, aligned");
	v = unit_find_var(out, "k__apart", &section);
	is_int(v ? *(int *)(out->sections.v[section].bytes.v + v->offset) : -1, 9,
	       "a section of its own joins, too");
	for (size_t i = 0; i < out->sections.n; i++) {
		last = NULL;
		array_foreach (w, &out->sections.v[i].vars) {
			ok(!last || last->offset + last->size <= w->offset, "%s: %s in order",
			   out->sections.v[i].name, unit_type_name(out, w->type_id));
			last = w;
		}
	}
	array_foreach (r, &out->funcs.v[func].refs)
		found += r->kind == REF_DATA && r->addend >= out->sections.v[r->target].bytes.n;
	is_int(found, 0, "no reference leads out of its section");
	survives(out, "kinds");
}

/* Only what is reached comes along. */
static void test_reach(void)
{
	_cleanup_(unit_freep) struct unit *in = unit_in(folder, "kinds"), *out = empty();
	_cleanup_(unit_freep) struct unit *tail = unit_in(folder, "tail"), *leaves = empty();

	must_import(out, in, "second", "s");
	is_int(out->funcs.n, 2, "a program and what it calls");
	is_int(out->maps.n, 0, "no map");
	is_int(out->externs.n, 0, "no extern");
	is_int(unit_find_section(out, ".rodata"), -1, "no constants");
	ok(!btf__find_by_name_kind(out->btf, "net_device", BTF_KIND_STRUCT) ||
		   btf__find_by_name_kind(out->btf, "net_device", BTF_KIND_STRUCT) == -ENOENT,
	   "no types of others");
	survives(out, "second");
	/* through the static values of a map */
	must_import(leaves, tail, "tail", "t");
	ok(unit_find_func(leaves, "t__leaf") >= 0 && unit_find_func(leaves, "t__again") >= 0,
	   "programs that a map holds");
	is_int(leaves->maps.v[0].values.n, 2, "and the map's values");
	is_int(leaves->maps.v[0].values.v[0].target, unit_find_func(leaves, "t__leaf"),
	       "which lead to them");
	survives(leaves, "tail");
}

static void test_inner_maps(void)
{
	_cleanup_(unit_freep) struct unit *in = unit_in(folder, "maps"), *out = empty();
	int outer, first;

	must_import(out, in, "maps", "m");
	outer = unit_find_map(out, "m__m_outer");
	first = unit_find_map(out, "m__m_first");
	is_int(out->maps.n, in->maps.n, "all maps, those within a map too");
	is_int(out->maps.v[outer].values.v[0].target, first, "the inner one is the same");
	survives(out, "maps");
}

static void test_alias(void)
{
	_cleanup_(unit_freep) struct unit *in = unit_in(folder, "stage"), *out = empty();
	__u32 a = must_import(out, in, "stage", "a"), b;
	struct link_alias alias = {"table", unit_find_map(out, "a__table")};
	struct link_opts opts = {.ns = "b", .aliases = &alias, .n_aliases = 1};
	int seen = 0;

	is_int(import(out, in, "stage", &opts, &b), 0, "import with an alias");
	is_int(out->maps.n, 1, "one map for both");
	ok(a != b, "two programs");
	array_foreach (f, &out->funcs)
		array_foreach (r, &f->refs)
			seen += r->kind == REF_MAP && r->target == 0;
	ok(seen >= 4, "both functions use it: %d references", seen);
	survives(out, "alias");
}

static void test_collision(void)
{
	_cleanup_(unit_freep) struct unit *in = unit_in(folder, "stage"), *out = empty();
	struct link_opts none = {}, same = {.ns = "a"};
	__u32 f;

	is_int(import(out, in, "stage", &none, &f), 0, "without a name space");
	is_str(out->funcs.v[f].name, "stage", "names stay");
	is_int(import(out, in, "stage", &none, &f), -EEXIST, "twice is refused");
	ok(strstr(err.what, "'table'") || strstr(err.what, "'stage'"), "with the name: %s",
	   err.what);
	must_import(out, in, "stage", "a");
	is_int(import(out, in, "stage", &same, &f), -EEXIST, "so is a name space twice");
}

static struct extern_sym *find_extern(struct unit *u, const char *name)
{
	array_foreach (e, &u->externs)
		if (text_eq(e->name, name))
			return e;
	bail_out("no extern %s", name);
}

static void test_externs(void)
{
	_cleanup_(unit_freep) struct unit *in = unit_in(folder, "kinds"), *out = empty();
	_cleanup_(unit_freep) struct unit *other = unit_in(folder, "kinds");
	struct link_opts opts = {.ns = "c"};
	int size = btf__add_int(other->btf, "long", 8, BTF_INT_SIGNED);
	__u32 f;

	must_import(out, in, "kinds", "a");
	is_int(out->externs.n, 4, "externs of the first");
	is_str(out->externs.v[0].name, in->externs.v[0].name, "keep their names");
	find_extern(other, "no_such_kernel_variable")->weak = false;
	must_import(out, other, "kinds", "b");
	is_int(out->externs.n, 4, "no new ones by the second");
	ok(!find_extern(out, "no_such_kernel_variable")->weak, "one strong makes it strong");
	ok(find_extern(out, "no_such_kernel_function")->weak, "two weak ones stay weak");
	survives(out, "externs");
	type_edit(other->btf, find_extern(other, "LINUX_KERNEL_VERSION")->type_id)->type = size;
	is_int(import(out, other, "kinds", &opts, &f), -EINVAL, "another type is refused");
	ok(strstr(err.what, "LINUX_KERNEL_VERSION"), "with the name: %s", err.what);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: link FOLDER");
	folder = argv[1];
	test_name_spaces();
	test_data();
	test_reach();
	test_inner_maps();
	test_alias();
	test_collision();
	test_externs();
	braid_error_clear(&err);
	return done();
}
