/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as an object: refused with a message, or a unit that can be looked at in every
 * way, written, and read again. For libFuzzer; the corpus also runs as a test.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "object/analyse.h"
#include "object/annotation.h"
#include "object/link.h"
#include "object/mapdef.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what, const struct braid_error *err)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s (%s)\n", what, err->what ?: "", err->why ?: "");
	abort();
}

static void refused(int r, const struct braid_error *err)
{
	must(r == -EINVAL || r == -EOPNOTSUPP, "an odd error code", err);
	must(r == err->code && err->what, "no error message", err);
}

/* What plans do with a unit before they take anything of it. */
static void look_at(const struct unit *u)
{
	for (__u32 i = 0; i < u->funcs.n; i++) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		struct func_facts facts;
		struct run_config config;
		const char *helper;
		int r = func_analyse(u, i, &facts);

		must(r == 0, "no facts", &err);
		must(facts.stack <= STACK_LIMIT, "a stack that is none", &err);
		must(func_gpl_helper(u, i, &helper) == 0, "no licence", &err);
		r = run_config_read(u, u->funcs.v[i].name, &config, &err);
		if (r)
			refused(r, &err);
	}
	for (__u32 i = 0; i < u->maps.n; i++) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		struct map_def def;
		int r = map_def_read(u, i, &def, &err);

		if (r)
			refused(r, &err);
	}
}

static void write_and_read(const struct unit *u)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(unit_freep) struct unit *again = NULL;
	_cleanup_free_ void *bytes = NULL;
	size_t size;

	must(unit_write(u, &bytes, &size, &err) == 0, "not written", &err);
	must(unit_read(bytes, size, "again", &again, &err) == 0, "refused after writing", &err);
	must(again->funcs.n == u->funcs.n && again->maps.n == u->maps.n, "something is lost", &err);
}

/* The first function as a stage: with what it needs, in a name space. */
static void take_one(const struct unit *u)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(unit_freep) struct unit *out = NULL;
	struct link_opts opts = {.ns = "ns"};
	__u32 root = 0, func;
	int r;

	if (!u->funcs.n)
		return;
	must(unit_new("out", &out, &err) == 0, "no unit", &err);
	r = link_import(out, u, &root, 1, &opts, &func, &err);
	if (r == -EEXIST)
		return; /* two of one name are fine in a file, if both are local */
	must(r == 0, "not imported", &err);
	write_and_read(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(unit_freep) struct unit *u = NULL;
	int r = unit_read(data, size, "fuzz", &u, &err);

	if (r) {
		refused(r, &err);
		return 0;
	}
	look_at(u);
	write_and_read(u);
	take_one(u);
	return 0;
}
