/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/component.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/hearing.h"
#include "kernel/probe.h"

#define LOG_SIZE (1u << 20) /* bytes; only those that are written take memory */

/* Newer than the headers here. */
#define XDP_HAS_FRAGS (1U << 5)

static int no_btf(const struct component_wish *w, struct braid_error *err)
{
	error_set(err, -ENODATA, w->path, "the object has no BTF");
	error_hint(err, "compile with -g");
	return -ENODATA;
}

static int no_object(const struct component_wish *w, int r, const char *heard,
		     struct braid_error *err)
{
	/* it says so of what maps need BTF for, too */
	if (r == -ENOENT && !access(w->path, F_OK))
		return no_btf(w, err);
	/* libbpf has numbers of its own beside errno */
	if (r <= -__LIBBPF_ERRNO__START)
		r = -ENOEXEC;
	error_set(err, r, w->path, "cannot open the object");
	error_why(err, "%s", r == -ENOEXEC ? "it is no BPF object" : error_name(r));
	if (r == -ENOEXEC && heard)
		error_why(err, "it is no BPF object: %s", heard);
	return r;
}

static struct bpf_program *find(struct bpf_object *obj, const struct component_wish *w)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, obj)
	{
		if (w->section && !text_eq(bpf_program__section_name(p), w->section))
			continue;
		if (w->program && !text_eq(bpf_program__name(p), w->program))
			continue;
		return p;
	}
	return NULL;
}

static int no_program(struct bpf_object *obj, const struct component_wish *w,
		      struct braid_error *err)
{
	struct buf names = {};
	struct bpf_program *p;

	bpf_object__for_each_program(p, obj)
		buf_fmt(&names, "%s%s in section %s", names.n ? ", " : "", bpf_program__name(p),
			bpf_program__section_name(p));
	if (w->section)
		error_set(err, -ENOENT, w->path, "there is no program in section '%s'", w->section);
	else if (w->program)
		error_set(err, -ENOENT, w->path, "there is no program '%s'", w->program);
	else
		error_set(err, -ENOENT, w->path, "there is no program in it");
	if (names.v)
		error_why(err, "it has %s", names.v);
	buf_done(&names);
	return -ENOENT;
}

/* Sections that libbpf does not know have no type: what is asked for explicitly is taken. */
static int check_type(const struct component_object *o, const struct component_wish *w,
		      struct braid_error *err)
{
	enum bpf_prog_type type = bpf_program__type(o->program);

	if (type == BPF_PROG_TYPE_XDP || type == BPF_PROG_TYPE_EXT || type == BPF_PROG_TYPE_UNSPEC)
		return 0;
	error_set(err, -EINVAL, w->path, "'%s' is no XDP program", o->name);
	error_why(err, "it is in section '%s'", bpf_program__section_name(o->program));
	error_hint(err, "choose another one by its section or name");
	return -EINVAL;
}

/* The others of the file are not loaded; its maps are. */
static int choose(struct component_object *o, const struct component_wish *w,
		  struct braid_error *err)
{
	const struct btf *btf = bpf_object__btf(o->obj);
	struct bpf_program *p;
	struct bpf_map *map;

	o->program = find(o->obj, w);
	if (!o->program)
		return no_program(o->obj, w, err);
	o->name = bpf_program__name(o->program);
	o->path = w->path;
	o->frags = text_has_prefix(bpf_program__section_name(o->program), "xdp.frags");
	if (!btf)
		return no_btf(w, err);
	bpf_object__for_each_program(p, o->obj) bpf_program__set_autoload(p, p == o->program);
	if (!w->pin_path)
		bpf_object__for_each_map(map, o->obj) bpf_map__set_pin_path(map, NULL);
	return check_type(o, w, err) ?: run_config_read_btf(btf, o->name, &o->config, err);
}

int component_open(const struct component_wish *w, struct component_object *ret,
		   struct braid_error *err)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .pin_root_path = w->pin_path);
	_cleanup_(buf_done) struct buf heard = {};
	_cleanup_component_ struct component_object o = {};
	struct hearing h = hear(&heard);
	int r = 0;

	o.obj = bpf_object__open_file(w->path, &opts);
	if (!o.obj)
		r = -errno;
	hear_no_more(h);
	r = r ? no_object(w, r, heard.v, err) : choose(&o, w, err);
	if (r)
		return r;
	*ret = o;
	o = (struct component_object){};
	return 0;
}

void component_close(struct component_object *o)
{
	bpf_object__close(o->obj);
	array_done(&o->pinned);
	*o = (struct component_object){};
}

/* A pin that is there before belongs to somebody. */
static bool is_pinned(const struct bpf_map *map)
{
	const char *path = bpf_map__pin_path(map);
	struct stat st;

	return path && !stat(path, &st);
}

void component_unpin(struct component_object *o)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;

	array_foreach (m, &o->pinned)
		if (is_pinned(*m))
			bpffs_unpin(bpf_map__pin_path(*m), &ignored);
	o->pinned.n = 0;
}

/* libbpf pins each map as soon as it is made, and leaves it so when something fails later. */
static int load_whole(struct component_object *o)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, o->obj)
	{
		bool mine = bpf_map__pin_path(map) && !is_pinned(map);

		if (mine && !array_add(&o->pinned, map))
			return -ENOMEM;
	}
	return bpf_object__load(o->obj) ? -errno : 0;
}

static int load(struct component_object *o, struct braid_error *err)
{
	_cleanup_free_ char *log = calloc(1, LOG_SIZE);
	_cleanup_(buf_done) struct buf heard = {};
	struct hearing h;
	int r;

	if (!log)
		return error_oom(err);
	bpf_program__set_log_buf(o->program, log, LOG_SIZE);
	h = hear(&heard);
	r = load_whole(o);
	hear_no_more(h);
	if (r)
		component_unpin(o);
	bpf_program__set_log_buf(o->program, NULL, 0);
	if (!r)
		return 0;
	if (r == -EPERM && probe_privileges(err))
		return r;
	error_errno(err, r, o->path, "cannot load program '%s'", o->name);
	if (*log)
		error_log(err, TAKE_PTR(log));
	else if (heard.v)
		error_why(err, "%s\n%s", error_name(r), heard.v);
	return r;
}

int component_load(struct component_object *o, int dispatcher_fd, struct braid_error *err)
{
	int r;

	bpf_program__set_type(o->program, BPF_PROG_TYPE_EXT);
	bpf_program__set_expected_attach_type(o->program, 0);
	bpf_program__set_flags(o->program, bpf_program__flags(o->program) & ~XDP_HAS_FRAGS);
	r = bpf_program__set_attach_target(o->program, dispatcher_fd, "prog0");
	if (r)
		return error_errno(err, r, o->path, "cannot make '%s' a component", o->name);
	return load(o, err);
}

int component_load_alone(struct component_object *o, __u32 device, struct braid_error *err)
{
	struct bpf_map *map;

	bpf_program__set_type(o->program, BPF_PROG_TYPE_XDP);
	bpf_program__set_expected_attach_type(o->program, BPF_XDP);
	if (device) {
		bpf_program__set_ifindex(o->program, device);
		bpf_object__for_each_map(map, o->obj) bpf_map__set_ifindex(map, device);
	}
	return load(o, err);
}

int component_fd(const struct component_object *o)
{
	return o->obj ? bpf_program__fd(o->program) : -1;
}
