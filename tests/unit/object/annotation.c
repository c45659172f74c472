/* SPDX-License-Identifier: GPL-2.0-only */
/* libxdp's XDP_RUN_CONFIG in objects that were built for libxdp. */
#include <errno.h>
#include <linux/bpf.h>

#include "base/error.h"
#include "common.h"
#include "object/annotation.h"
#include "tap.h"

static struct braid_error err;

/* Programs of xdp-tools: priority 10, and only XDP_PASS chains on, whatever else differs. */
static void check_filter(const struct unit *u)
{
	struct run_config c = {};
	const char *program = NULL;

	array_foreach (f, &u->funcs)
		if (func_is_program(f))
			program = f->name;
	is_int(run_config_read(u, program, &c, &err), 0, "%s", program);
	ok(c.has_priority && c.priority == 10, "%s: priority %u", program, c.priority);
	ok(c.has_actions && c.actions == 1u << XDP_PASS, "%s: actions %#x", program, c.actions);
}

static void check_xsk(const struct unit *u)
{
	struct run_config c = {};

	is_int(run_config_read(u, "xsk_def_prog", &c, &err), 0, "xsk_def_prog");
	is_int(c.priority, 20, "its priority");
	is_int(c.actions, 1u << XDP_PASS, "its actions");
}

static void check_installed(void)
{
	struct paths installed;

	installed_objects(&installed);
	if (!installed.list.n)
		skip("xdp-tools is not installed");
	array_foreach (path, &installed.list) {
		struct buf bytes = file_read(*path);
		_cleanup_(unit_freep) struct unit *u = unit_from(&bytes, last_part(*path));

		if (text_has_prefix(last_part(*path), "xdpfilt_"))
			check_filter(u);
		if (text_eq(last_part(*path), "xsk_def_xdp_prog.o"))
			check_xsk(u);
		buf_done(&bytes);
	}
	paths_done(&installed);
}

static void check_none(const char *folder)
{
	_cleanup_(unit_freep) struct unit *u = unit_in(folder, "stage");
	struct run_config c = {.has_priority = true, .has_actions = true};

	is_int(run_config_read(u, "stage", &c, &err), 0, "without an annotation");
	ok(!c.has_priority && !c.has_actions, "nothing is set");
	is_int(run_config_read(u, "no such program", &c, &err), 0,
	       "of a program that is not there");
}

/* An annotation by braid's own macro is the same. */
static void check_own(const char *path)
{
	struct buf bytes = file_read(path);
	_cleanup_(unit_freep) struct unit *u = unit_from(&bytes, last_part(path));
	struct run_config c = {};
	size_t found = 0;

	array_foreach (f, &u->funcs) {
		if (!func_is_program(f))
			continue;
		if (run_config_read(u, f->name, &c, &err))
			diag("%s: %s", f->name, err.what);
		found += c.has_priority && c.actions & 1u << XDP_PASS;
	}
	is_int(found, 1, "%s: BRAID_RUN_CONFIG", last_part(path));
	buf_done(&bytes);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		bail_out("usage: annotation FOLDER OBJECT...");
	check_none(argv[1]);
	check_installed();
	for (int i = 2; i < argc; i++)
		if (text_eq(last_part(argv[i]), "sampler.bpf.o"))
			check_own(argv[i]);
	braid_error_clear(&err);
	return done();
}
