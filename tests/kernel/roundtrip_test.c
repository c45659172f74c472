/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was read and written is the same to the kernel: the same program tags, sizes and
 * numbers of function and line records, the same maps, the same constants; and other
 * loaders take it, too.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>

#include "base/error.h"
#include "common.h"
#include "net.h"
#include "object/analyse.h"
#include "run.h"
#include "tap.h"

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return 0;
}

static struct bpf_object *open_object(const struct buf *bytes, const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = name);
	struct bpf_object *obj = bpf_object__open_mem(bytes->v, bytes->n, &opts);
	struct bpf_map *map;

	if (!obj)
		return NULL;
	bpf_object__for_each_map(map, obj) bpf_map__set_pin_path(map, NULL);
	return obj;
}

/* Constants as the program will find them. */
static bool same_bytes(const struct bpf_map *m, const struct bpf_map *n)
{
	size_t x = 0, y = 0;
	/* libbpf 1.1: the const is for those who have not loaded yet */
	const void *a = bpf_map__initial_value((struct bpf_map *)m, &x);
	const void *b = bpf_map__initial_value((struct bpf_map *)n, &y);

	return !a == !b && x == y && (!a || !memcmp(a, b, x));
}

static void compare_maps(const struct bpf_object *a, const struct bpf_object *b, const char *name)
{
	size_t n = 0, wrong = 0;
	struct bpf_map *m, *o;

	bpf_object__for_each_map(m, a)
	{
		o = bpf_object__find_map_by_name(b, bpf_map__name(m));
		n++;
		if (!o || bpf_map__type(m) != bpf_map__type(o) ||
		    bpf_map__key_size(m) != bpf_map__key_size(o) ||
		    bpf_map__value_size(m) != bpf_map__value_size(o) ||
		    bpf_map__max_entries(m) != bpf_map__max_entries(o) ||
		    bpf_map__map_flags(m) != bpf_map__map_flags(o) ||
		    bpf_map__map_extra(m) != bpf_map__map_extra(o) ||
		    !bpf_map__btf_key_type_id(m) != !bpf_map__btf_key_type_id(o) ||
		    !bpf_map__btf_value_type_id(m) != !bpf_map__btf_value_type_id(o) ||
		    !same_bytes(m, o)) {
			diag("map %s", bpf_map__name(m));
			wrong++;
		}
	}
	bpf_object__for_each_map(m, b) n--;
	is_int(wrong, 0, "%s: maps are the same", name);
	is_int(n, 0, "%s: and as many", name);
}

/* As libbpf sees them before loading. */
static void compare_programs(const struct bpf_object *a, const struct bpf_object *b,
			     const char *name)
{
	struct bpf_program *p, *q;
	size_t wrong = 0;

	bpf_object__for_each_program(p, a)
	{
		q = bpf_object__find_program_by_name(b, bpf_program__name(p));
		if (!q || bpf_program__type(p) != bpf_program__type(q) ||
		    bpf_program__insn_cnt(p) != bpf_program__insn_cnt(q) ||
		    strcmp(bpf_program__section_name(p), bpf_program__section_name(q))) {
			diag("program %s", bpf_program__name(p));
			wrong++;
		}
	}
	is_int(wrong, 0, "%s: programs are the same", name);
}

static struct bpf_prog_info info_of(const struct bpf_program *p)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &size))
		bail_out("no info of %s", bpf_program__name(p));
	return info;
}

/* Programs of types that this kernel does not let anybody load are left out. */
static int load(struct bpf_object *obj)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, obj) if (bpf_program__type(p) == BPF_PROG_TYPE_UNSPEC)
		bpf_program__set_type(p, BPF_PROG_TYPE_XDP);
	return bpf_object__load(obj);
}

static void compare_loaded(const struct bpf_object *a, const struct bpf_object *b, const char *name)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, a)
	{
		struct bpf_program *q = bpf_object__find_program_by_name(b, bpf_program__name(p));
		struct bpf_prog_info x = info_of(p), y = info_of(q);
		const char *prog = bpf_program__name(p);

		is_mem(y.tag, x.tag, sizeof(x.tag), "%s: %s has the same tag", name, prog);
		is_int(y.xlated_prog_len, x.xlated_prog_len, "%s: %s is as long", name, prog);
		is_int(y.nr_func_info, x.nr_func_info, "%s: %s has its functions", name, prog);
		is_int(y.nr_line_info, x.nr_line_info, "%s: %s has its lines", name, prog);
		is_int(y.nr_map_ids, x.nr_map_ids, "%s: %s has its maps", name, prog);
		ok(x.nr_line_info > 0, "%s: %s has lines at all", name, prog);
	}
}

static void check(const char *path)
{
	const char *name = last_part(path);
	struct buf before = file_read(path), after;
	_cleanup_(unit_freep) struct unit *u = unit_from(&before, name);
	struct bpf_object *a, *b;
	int r;

	after = unit_bytes(u);
	a = open_object(&before, "round");
	b = open_object(&after, "round");
	ok(a && b, "%s: opens", name);
	if (a && b) {
		compare_maps(a, b, name);
		compare_programs(a, b, name);
		r = load(a);
		if (r == -EPERM)
			skip("%s: the kernel refuses programs of its type to everybody", name);
		else if (r)
			skip("%s: does not load as it was, either: %s", name, strerror(-r));
		else if (is_int(load(b), 0, "%s: loads", name))
			compare_loaded(a, b, name);
	}
	bpf_object__close(a);
	bpf_object__close(b);
	buf_done(&before);
	buf_done(&after);
}

/* Other loaders than libbpf's users in this process. */
static void check_tools(const char *folder)
{
	_cleanup_free_ char *path = text_fmt("%s/stage.o", net_scratch());
	_cleanup_(unit_freep) struct unit *u = unit_in(folder, "stage");
	struct buf bytes = unit_bytes(u);
	_cleanup_run_ struct run r = {};

	file_write(path, bytes.v, bytes.n);
	buf_done(&bytes);
	is_int(run(&r, "bpftool", "prog", "loadall", path, "/sys/fs/bpf/round"), 0,
	       "bpftool loads it");
	if (r.status)
		diag("%s", r.err);
	net_add("round");
	net_veth("round", "d0", "round", "d1");
	is_int(run(&r, "ip", "-n", "round", "link", "set", "d0", "xdp", "obj", path, "sec",
		   "xdp.frags", "program", "words"),
	       0, "ip attaches it");
	if (r.status)
		diag("%s", r.err);
	run(&r, "ip", "-n", "round", "-d", "link", "show", "d0");
	ok(strstr(r.out, "prog/xdp"), "and shows it: %s", r.out);
}

/* "stack depth 8+16" in the verifier's log: the frame of the program, then of its calls. */
static unsigned int logged_depth(const char *log)
{
	const char *at = strstr(log, "stack depth ");

	return at ? strtoul(at + 12, NULL, 10) : -1;
}

#define LOG_SIZE (1 << 20)

/* Only @program, with statistics in @log. */
static int load_one(const struct buf *bytes, const char *program, char *log)
{
	struct bpf_object *obj = open_object(bytes, "one");
	struct bpf_program *p;
	int r;

	*log = '\0';
	bpf_object__for_each_program(p, obj)
	{
		bpf_program__set_autoload(p, text_eq(bpf_program__name(p), program));
		bpf_program__set_log_level(p, 4); /* Linux, BPF_LOG_STATS */
		bpf_program__set_log_buf(p, log, LOG_SIZE);
	}
	r = bpf_object__load(obj);
	bpf_object__close(obj);
	return r;
}

/* Our own reading of the code against the verifier's. */
static void check_stack(const char *folder)
{
	_cleanup_(unit_freep) struct unit *u = unit_in(folder, "stack");
	struct buf bytes = unit_bytes(u);
	_cleanup_free_ char *log = malloc(LOG_SIZE);

	for (__u32 i = 0; i < u->funcs.n; i++) {
		const char *name = u->funcs.v[i].name;
		struct func_facts facts;

		if (!func_is_program(&u->funcs.v[i]))
			continue;
		if (func_analyse(u, i, &facts))
			bail_out("out of memory");
		if (is_int(load_one(&bytes, name, log), 0, "%s loads", name) && facts.stack_known)
			is_int(facts.stack, logged_depth(log), "%s: as deep as the verifier says",
			       name);
	}
	buf_done(&bytes);
}

/* Which helpers are for GPL-compatible programs only: the kernel knows, our table must. */
static void check_gpl_helpers(void)
{
	static const struct bpf_insn leave[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT}};
	_cleanup_free_ char *log = malloc(LOG_SIZE);
	struct func f = {.name = "one", .section = "xdp"};
	struct unit u = {.funcs = {.v = &f, .n = 1}};
	size_t wrong = 0, gpl = 0;

	array_add(&f.insns, ((struct bpf_insn){.code = BPF_JMP | BPF_CALL}));
	array_add(&f.insns, leave[0]);
	array_add(&f.insns, leave[1]);
	for (int id = 1; id < __BPF_FUNC_MAX_ID; id++) {
		LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_level = 1, .log_buf = log,
			    .log_size = LOG_SIZE);
		const char *ours;
		bool theirs;
		int fd;

		f.insns.v[0].imm = id;
		*log = '\0';
		fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "one", "Proprietary", f.insns.v, f.insns.n,
				   &opts);
		if (fd >= 0)
			close(fd);
		theirs = strstr(log, "GPL") != NULL;
		/* one that XDP programs cannot call, whatever their licence */
		if (strstr(log, "cannot use helper") || strstr(log, "unknown func"))
			continue;
		if (func_gpl_helper(&u, 0, &ours))
			bail_out("out of memory");
		if (theirs != (ours != NULL)) {
			diag("helper %d: %s, in our table %s", id, theirs ? "GPL-only" : "for all",
			     ours ?: "not");
			wrong++;
		}
		gpl += theirs;
	}
	is_int(wrong, 0, "GPL-only helpers are known");
	ok(gpl > 3, "there are some: %zu", gpl);
	array_done(&f.insns);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		bail_out("usage: roundtrip_test FOLDER OBJECT...");
	net_init();
	libbpf_set_print(quiet);
	for (int i = 2; i < argc; i++)
		check(argv[i]);
	each_installed(check);
	check_tools(argv[1]);
	check_stack(argv[1]);
	check_gpl_helpers();
	return done();
}
