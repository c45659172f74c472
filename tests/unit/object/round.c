/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading what was written gives what was there, and the same bytes each time. */
#include "base/error.h"
#include "common.h"
#include "tap.h"

static void round_trip(const char *path)
{
	struct buf bytes = file_read(path), once, again, third;
	_cleanup_(unit_freep) struct unit *u = unit_from(&bytes, last_part(path));
	_cleanup_(unit_freep) struct unit *v = NULL;

	once = unit_bytes(u);
	again = unit_bytes(u);
	ok(once.n == again.n && !memcmp(once.v, again.v, once.n), "%s: deterministic",
	   last_part(path));
	v = unit_from(&once, last_part(path));
	ok(units_equal(u, v), "%s: the same", last_part(path));
	third = unit_bytes(v);
	ok(once.n == third.n && !memcmp(once.v, third.v, once.n), "%s: nothing accumulates",
	   last_part(path));
	buf_done(&bytes);
	buf_done(&once);
	buf_done(&again);
	buf_done(&third);
}

/* What the test object is known to have must be in the unit: equality alone proves little. */
static void check_kinds(const char *folder)
{
	_cleanup_(unit_freep) struct unit *u = unit_in(folder, "kinds");
	int kinds = unit_find_func(u, "kinds");
	int seen[REF_KFUNC + 1] = {}, weak = 0;
	const struct func *f = &u->funcs.v[kinds];
	__u32 section;

	if (kinds < 0)
		bail_out("no function kinds");
	is_str(f->section, "xdp", "its section");
	ok(f->global && !f->weak && !f->hidden, "a global symbol");
	ok(u->funcs.v[unit_find_func(u, "veiled")].hidden, "a hidden one");
	ok(!u->funcs.v[unit_find_func(u, "twice")].global, "a static one");
	is_str(u->funcs.v[unit_find_func(u, "each")].section, ".text", "a callback");
	array_foreach (r, &f->refs)
		seen[r->kind]++;
	for (int kind = 0; kind <= REF_KFUNC; kind++)
		ok(seen[kind] || kind == REF_MAP, "reference of kind %d: %d", kind, seen[kind]);
	is_int(u->externs.n, 4, "externs");
	array_foreach (e, &u->externs)
		weak += e->weak;
	is_int(weak, 3, "weak ones");
	ok(f->cores.n >= 4, "CO-RE records: %zu", f->cores.n);
	ok(f->lines.n > 20, "lines: %zu", f->lines.n);
	is_int(u->kern_version, 0x050f00, "version");
	is_str(u->license, "GPL", "licence");
	for (int i = 0; i < 6; i++) {
		static const char *const names[] = {".data",         ".rodata",
						    ".bss",          ".data.apart",
						    ".rodata.fixed", ".rodata.str1.1"};

		ok(unit_find_section(u, names[i]) >= 0, "section %s", names[i]);
	}
	ok(unit_find_var(u, "hidden_counter", &section), "a static variable");
	is_int(u->sections.v[section].kind, SECTION_DATA, "is data");
}

static void check_maps(const char *folder)
{
	_cleanup_(unit_freep) struct unit *u = unit_in(folder, "maps");
	int outer = unit_find_map(u, "m_outer"), first = unit_find_map(u, "m_first");

	is_int(u->maps.n, 20, "maps");
	if (outer < 0 || first < 0)
		bail_out("no map m_outer");
	is_int(u->maps.v[outer].values.n, 2, "static values");
	is_int(u->maps.v[outer].values.v[0].kind, REF_MAP, "a map in a map");
	is_int(u->maps.v[outer].values.v[0].target, first, "the first");
	is_int(u->maps.v[outer].values.v[1].offset - u->maps.v[outer].values.v[0].offset, 16,
	       "two slots on");
}

int main(int argc, char **argv)
{
	if (argc < 3)
		bail_out("usage: round FOLDER OBJECT...");
	check_kinds(argv[1]);
	check_maps(argv[1]);
	for (int i = 2; i < argc; i++)
		round_trip(argv[i]);
	each_installed(round_trip);
	return done();
}
