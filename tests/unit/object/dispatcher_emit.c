/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dispatcher_emit FOLDER - the emitted dispatcher as an object: functions, types, sections;
 * beside libxdp's own. FOLDER has the test objects.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "common.h"
#include "object/dispatcher.h"
#include "tap.h"

static struct braid_error err;

static struct dispatcher_config config(__u32 version, __u32 n, __u32 actions)
{
	struct dispatcher_config c = {.version = version, .n = n};

	for (__u32 i = 0; i < n; i++)
		c.slots[i] = (struct dispatcher_slot){50, actions, 0};
	return c;
}

static struct unit *emit(const struct dispatcher_config *c)
{
	_cleanup_free_ void *elf = NULL;
	struct buf bytes = {};

	if (dispatcher_emit(c, &elf, &bytes.n, &err))
		bail_out("%s (%s)", err.what, err.why ?: "");
	bytes.v = elf;
	return unit_from(&bytes, "emitted");
}

static void check_function(const struct unit *u, const char *name, const char *section)
{
	int i = unit_find_func(u, name);
	const struct btf_type *t;

	ok(i >= 0, "there is %s", name);
	if (i < 0)
		return;
	t = btf__type_by_id(u->btf, u->funcs.v[i].type_id);
	is_str(u->funcs.v[i].section, section, "%s: its section", name);
	ok(u->funcs.v[i].global, "%s: a global symbol", name);
	ok(t && btf_is_func(t) && btf_vlen(t) == BTF_FUNC_GLOBAL, "%s: BTF says so, too", name);
}

static bool changes(const struct unit *u, const char *name)
{
	int func = unit_find_func(u, name);
	bool ret = false;

	if (func < 0 || dispatcher_changes_packets(u, func, &ret))
		bail_out("no function %s", name);
	return ret;
}

static void check_object(__u32 version, __u32 n, bool frags)
{
	struct dispatcher_config c = config(version, n, 1u << 2);
	_cleanup_(unit_freep) struct unit *u = NULL;
	__u8 bytes[DISPATCHER_MAX_CONFIG];
	int rodata;

	c.frags = frags;
	u = emit(&c);
	is_int(u->funcs.n, n + 1, "version %u, %u components: functions", version, n);
	for (__u32 i = 0; i < n; i++) {
		_cleanup_free_ char *name = text_fmt("prog%u", i);

		check_function(u, name, ".text");
	}
	check_function(u, DISPATCHER_NAME, frags ? "xdp.frags" : "xdp");
	ok(changes(u, "prog0") && changes(u, DISPATCHER_NAME), "components may change packets");
	is_str(u->license, "Dual BSD/GPL", "its licence");
	is_int(u->maps.n, 0, "maps but for .rodata");
	is_int(dispatcher_metadata_version(u->btf), version, "its version in xdp_metadata");
	rodata = unit_find_section(u, ".rodata");
	ok(rodata >= 0 && u->sections.v[rodata].vars.n == 1, "one constant");
	if (rodata < 0 || dispatcher_config_write(&c, bytes, &err))
		return;
	is_str(unit_type_name(u, u->sections.v[rodata].vars.v[0].type_id), "conf", "its name");
	is_int(u->sections.v[rodata].bytes.n, dispatcher_config_size(version), "its size");
	is_mem(u->sections.v[rodata].bytes.v, bytes, dispatcher_config_size(version), "its value");
}

/* The same configuration gives the same bytes, so the kernel gives the same tag. */
static void check_repeatable(void)
{
	struct dispatcher_config c = config(3, 4, 0x16);
	_cleanup_free_ void *a = NULL, *b = NULL;
	size_t size_a, size_b;

	if (dispatcher_emit(&c, &a, &size_a, &err) || dispatcher_emit(&c, &b, &size_b, &err))
		bail_out("%s", err.what);
	is_int(size_a, size_b, "the size of two");
	is_mem(a, b, size_a, "and their bytes");
}

/* How many instructions each way through a check of @actions takes, at most. */
static void check_length(__u32 actions, __u32 most)
{
	struct dispatcher_config c = config(2, 2, actions);
	_cleanup_(unit_freep) struct unit *u = emit(&c);
	const struct func *f = &u->funcs.v[unit_find_func(u, DISPATCHER_NAME)];

	ok(f->insns.n <= most, "actions %#x: %zu instructions", actions, f->insns.n);
}

static const struct btf_type *named(const struct unit *u, const char *name, __u32 kind)
{
	__s32 id = btf__find_by_name_kind(u->btf, name, kind);

	return id < 0 ? NULL : btf__type_by_id(u->btf, id);
}

static void check_same_type(const struct unit *a, const struct unit *b, const char *name,
			    __u32 kind)
{
	__s32 x = btf__find_by_name_kind(a->btf, name, kind);
	__s32 y = btf__find_by_name_kind(b->btf, name, kind);

	ok(x > 0 && y > 0 && types_equal(a, x, b, y, 8), "%s is as libxdp's", name);
}

/* What others look for by name is what libxdp's own object has. */
static void check_beside(const struct unit *theirs)
{
	static const char *const sections[] = {".rodata", "xdp_metadata"};
	struct dispatcher_config c = config(2, DISPATCHER_SLOTS, 1u << 2);
	_cleanup_(unit_freep) struct unit *ours = emit(&c);

	check_same_type(ours, theirs, "prog0", BTF_KIND_FUNC);
	check_same_type(ours, theirs, "prog9", BTF_KIND_FUNC);
	check_same_type(ours, theirs, DISPATCHER_NAME, BTF_KIND_FUNC);
	check_same_type(ours, theirs, "conf", BTF_KIND_VAR);
	check_same_type(ours, theirs, "dispatcher_version", BTF_KIND_VAR);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		const struct btf_type *x = named(ours, sections[i], BTF_KIND_DATASEC);
		const struct btf_type *y = named(theirs, sections[i], BTF_KIND_DATASEC);

		ok(x && y && btf_vlen(x) == btf_vlen(y) &&
			   btf_var_secinfos(x)->size == btf_var_secinfos(y)->size,
		   "section %s is as libxdp's", sections[i]);
	}
}

static void check_installed(void)
{
	_cleanup_(unit_freep) struct unit *u = unit_installed("xdp-dispatcher.o");

	if (u && dispatcher_metadata_version(u->btf) == 2)
		check_beside(u);
	else
		skip("no dispatcher of libxdp of version 2 is installed");
}

/* Who is tail called may do anything. */
static void check_changes(const char *folder)
{
	_cleanup_(unit_freep) struct unit *stage = unit_in(folder, "stage");
	_cleanup_(unit_freep) struct unit *tail = unit_in(folder, "tail");

	ok(!changes(stage, "stage"), "a stage that changes no packet");
	ok(changes(tail, "tail") && !changes(tail, "leaf"), "one that makes a tail call");
}

int main(int argc, char **argv)
{
	if (argc != 2)
		bail_out("usage: dispatcher_emit FOLDER");
	for (__u32 version = 2; version <= 3; version++)
		for (__u32 n = 1; n <= DISPATCHER_SLOTS; n++)
			check_object(version, n, n % 2);
	check_repeatable();
	/* Two calls, three moves, the end of six; then the checks. */
	check_length(1u << 2, 14);
	check_length(0, 14);
	check_length(0x1f, 20);
	check_changes(argv[1]);
	check_installed();
	braid_error_clear(&err);
	return done();
}
