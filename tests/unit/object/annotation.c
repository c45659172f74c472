/* SPDX-License-Identifier: GPL-2.0-only */
/* libxdp's XDP_RUN_CONFIG in objects that were built for libxdp, and in BTF of the kernel. */
#include <bpf/btf.h>
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

static void check_installed(const char *path)
{
	_cleanup_(buf_done) struct buf bytes = file_read(path);
	_cleanup_(unit_freep) struct unit *u = unit_from(&bytes, last_part(path));

	if (text_has_prefix(last_part(path), "xdpfilt_"))
		check_filter(u);
	if (text_eq(last_part(path), "xsk_def_xdp_prog.o"))
		check_xsk(u);
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

struct setting {
	const char *name;
	__u32 value;
};

static int add_number(struct btf *btf, __u32 value)
{
	int id = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);

	id = btf__add_array(btf, id, id, value);
	return btf__add_ptr(btf, id);
}

/* "_<program>" in the section, with these members. */
static void add_annotation(struct btf *btf, const char *program, const struct setting *s, int n)
{
	_cleanup_free_ char *name = text_fmt("_%s", program);
	int numbers[8], id;

	for (int i = 0; i < n; i++)
		numbers[i] = add_number(btf, s[i].value);
	id = btf__add_struct(btf, NULL, 8 * n);
	for (int i = 0; i < n; i++)
		btf__add_field(btf, s[i].name, numbers[i], 64 * i, 0);
	id = btf__add_var(btf, name, BTF_VAR_GLOBAL_ALLOCATED, btf__add_const(btf, id));
	btf__add_datasec(btf, ".xdp_run_config", 8 * n);
	if (id < 0 || btf__add_datasec_var_info(btf, id, 0, 8 * n))
		bail_out("cannot make BTF");
}

static void check_settings(const char *what, const struct setting *s, int n, int want,
			   const struct run_config *config)
{
	struct btf *btf = btf__new_empty();
	struct run_config c = {};

	add_annotation(btf, "program", s, n);
	is_int(run_config_read_btf(btf, "program", &c, &err), want, "%s: read", what);
	if (!want) {
		ok(c.has_priority == config->has_priority && c.has_actions == config->has_actions,
		   "%s: what it says", what);
		is_int(c.priority, config->priority, "%s: priority", what);
		is_int(c.actions, config->actions, "%s: actions", what);
	}
	is_int(run_config_read_btf(btf, "other", &c, &err), 0, "%s: of another program", what);
	ok(!c.has_priority && !c.has_actions, "%s: nothing", what);
	btf__free(btf);
}

/* As libxdp does: XDP_PASS is in the set unless it is named with 0. */
static void check_rules(void)
{
	static const struct setting all[] = {{"priority", 7}, {"XDP_ABORTED", 1},
					     {"XDP_DROP", 1}, {"XDP_PASS", 0},
					     {"XDP_TX", 2},   {"XDP_REDIRECT", 1}};
	static const struct setting drop[] = {{"XDP_DROP", 1}};
	static const struct setting none[] = {{"XDP_PASS", 1}, {"XDP_PASS", 0}};
	static const struct setting priority[] = {{"priority", 0}};
	static const struct setting odd[] = {{"priority", 1}, {"XDP_NOTHING", 1}};

	check_settings("all", all, 6, 0, &(struct run_config){true, 7, true, 0x1b});
	check_settings("drop", drop, 1, 0, &(struct run_config){false, 50, true, 0x6});
	check_settings("none", none, 2, 0, &(struct run_config){false, 50, true, 0});
	check_settings("priority", priority, 1, 0, &(struct run_config){true, 0, false, 0x4});
	check_settings("odd", odd, 2, -EINVAL, NULL);
	check_settings("empty", NULL, 0, 0, &(struct run_config){false, 50, false, 0x4});
}

static void check_no_number(void)
{
	struct btf *btf = btf__new_empty();
	struct run_config c;
	int id = btf__add_int(btf, "int", 4, 0);

	btf__add_struct(btf, NULL, 4);
	btf__add_field(btf, "priority", id, 0, 0);
	id = btf__add_var(btf, "_program", BTF_VAR_STATIC, id + 1);
	btf__add_datasec(btf, ".xdp_run_config", 4);
	btf__add_datasec_var_info(btf, id, 0, 4);
	is_int(run_config_read_btf(btf, "program", &c, &err), -EINVAL,
	       "a member that is no number");
	btf__free(btf);
}

static void check_name(const struct btf *btf, const char *name, const char *want)
{
	_cleanup_free_ char *whole = program_whole_name(btf, name);

	is_str(whole, want, "the whole name of %s", name);
}

/* The kernel keeps 15 characters. */
static void check_names(void)
{
	static const char *const names[] = {"short",
					    "shorter",
					    "fifteen_letters",
					    "fifteen_letters_and_more",
					    "only_one_that_begins_so",
					    "one_of_the_two_a",
					    "one_of_the_two_b"};
	struct btf *btf = btf__new_empty();
	int id = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);

	id = btf__add_func_proto(btf, id);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		btf__add_func(btf, names[i], BTF_FUNC_GLOBAL, id);
	check_name(btf, "short", "short");
	check_name(btf, "shor", "shor");
	check_name(btf, "fifteen_letters", "fifteen_letters");
	check_name(btf, "only_one_that_b", "only_one_that_begins_so");
	check_name(btf, "one_of_the_two_", "one_of_the_two_");
	check_name(btf, "there_is_none_o", "there_is_none_o");
	btf__free(btf);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		bail_out("usage: annotation FOLDER OBJECT...");
	check_none(argv[1]);
	each_installed(check_installed);
	check_rules();
	check_no_number();
	check_names();
	for (int i = 2; i < argc; i++)
		if (text_eq(last_part(argv[i]), "sampler.bpf.o"))
			check_own(argv[i]);
	braid_error_clear(&err);
	return done();
}
