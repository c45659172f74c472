/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Values that name something: devices and CPUs with their programs, programs, maps. People read
 * and write names and ids; the kernel gives ids and takes descriptors.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/iface.h"
#include "live/map.h"
#include "manifest/number.h"
#include "manifest/unfit.h"
#include "object/mapdef.h"

/* A devmap's, a cpumap's: the first number is an ifindex or the length of a queue. */
struct place_in {
	__u32 what, program;
};

static void put_program(json_t *j, __u32 id)
{
	_cleanup_close_ int fd = id ? bpf_prog_get_fd_by_id(id) : -1;
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (!id)
		return;
	json_object_set_new(j, "program", json_integer(id));
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size))
		json_object_set_new(j, "program-name", json_string(info.name));
}

static json_t *device_json(const struct braid_map *m, const struct place_in *v)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	char name[IF_NAMESIZE];
	json_t *j = json_object();

	if (!netns_open(m->at.home, &ns, &ignored) && !iface_name(&ns, v->what, name, &ignored))
		json_object_set_new(j, "interface", json_string(name));
	json_object_set_new(j, "ifindex", json_integer(v->what));
	return j;
}

static json_t *map_json(__u32 id)
{
	_cleanup_close_ int fd = bpf_map_get_fd_by_id(id);
	json_t *j = json_pack("{s:I}", "map", (json_int_t)id);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return j;
	json_object_set_new(j, "map-name", json_string(info.name));
	if (map_type_name(info.type))
		json_object_set_new(j, "map-type", json_string(map_type_name(info.type)));
	return j;
}

json_t *special_json(const struct braid_map *m, const void *value)
{
	struct place_in v = {};
	size_t size = m->e.info.value_size;
	__u64 cookie = 0;
	json_t *j;

	memcpy(&v, value, size < sizeof(v) ? size : sizeof(v));
	switch (m->kind) {
	case MAP_DEVICES:
		j = device_json(m, &v);
		put_program(j, v.program);
		return j;
	case MAP_CPUS:
		j = json_pack("{s:I}", "queue", (json_int_t)v.what);
		put_program(j, v.program);
		return j;
	case MAP_PROGRAMS:
		j = json_object();
		put_program(j, v.what);
		return j;
	case MAP_MAPS:
		return map_json(v.what);
	case MAP_SOCKETS:
		memcpy(&cookie, value, size < sizeof(cookie) ? size : sizeof(cookie));
		return json_pack("{s:I}", "cookie", (json_int_t)cookie);
	default:
		return unfit_hex(value, size);
	}
}

static int wrong(const struct braid_map *m, const char *expected, const struct node *n,
		 struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);
	char found[128];

	error_set(err, -EINVAL, where, "expected %s, found %s", expected,
		  node_describe(n, found, sizeof(found)));
	return -EINVAL;
}

static bool parse_u32(const struct node *n, __u32 *ret)
{
	struct number v;

	if (n->kind != NODE_SCALAR || number_parse(n->text, &v) != NUMBER_WHOLE || v.negative ||
	    v.magnitude > 0xffffffff)
		return false;
	*ret = v.magnitude;
	return true;
}

/* The id of what is pinned, or meant by its id. */
static int parse_object(const struct braid_map *m, const struct node *n, enum bpffs_kind kind,
			__u32 *ret, struct braid_error *err)
{
	bool is_map = kind == BPFFS_MAP;
	_cleanup_close_ int fd = -1;
	union {
		struct bpf_map_info map;
		struct bpf_prog_info prog;
	} info = {};
	__u32 size = is_map ? sizeof(info.map) : sizeof(info.prog);
	int r;

	if (parse_u32(n, ret))
		return 0;
	if (n->kind != NODE_SCALAR || n->text[0] != '/')
		return wrong(m,
			     is_map ? "the id of a map or the path of its pin"
				    : "the id of a program or the path of its pin",
			     n, err);
	r = bpffs_get(n->text, kind, &fd, err);
	if (r)
		return r;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return error_errno(err, -errno, n->text, "cannot look at it");
	*ret = is_map ? info.map.id : info.prog.id;
	return 0;
}

/* By name, or by number for one that has none here. */
static int parse_device(const struct braid_map *m, const struct node *n, __u32 *ret,
			struct braid_error *err)
{
	_cleanup_netns_ struct netns ns = NETNS_INIT;

	if (parse_u32(n, ret))
		return 0;
	if (n->kind != NODE_SCALAR)
		return wrong(m, "the name of an interface, or its index", n, err);
	return netns_open(m->at.home, &ns, err) ?: iface_index(&ns, n->text, ret, err);
}

/* What is said of the thing itself, "program" and names beside it. */
static int parse_place(const struct braid_map *m, const struct node *n, struct place_in *out,
		       struct braid_error *err)
{
	bool device = m->kind == MAP_DEVICES;
	const struct node *what = n, *program = NULL;

	if (n->kind == NODE_MAP) {
		what = device ? node_get(n, "interface") ?: node_get(n, "ifindex")
			      : node_get(n, "queue");
		program = node_get(n, "program");
	}
	if (!what)
		return wrong(m, device ? "an interface" : "the length of a queue", n, err);
	if (program && m->e.info.value_size < sizeof(*out))
		return wrong(m, "no program: values of this map have no place for one", program,
			     err);
	if (!device && !parse_u32(what, &out->what))
		return wrong(m, "the length of a queue", what, err);
	if (device && parse_device(m, what, &out->what, err))
		return err->code;
	return program ? parse_object(m, program, BPFFS_PROGRAM, &out->program, err) : 0;
}

/* {"program": 12, …} or 12. */
static const struct node *named(const struct node *n, const char *member)
{
	return n->kind == NODE_MAP ? node_get(n, member) ?: n : n;
}

int special_value(const struct braid_map *m, const struct node *n, void *out,
		  struct braid_error *err)
{
	_cleanup_free_ char *where = map_where(m);
	struct place_in v = {};
	int r;

	switch (m->kind) {
	case MAP_DEVICES:
	case MAP_CPUS:
		r = parse_place(m, n, &v, err);
		break;
	case MAP_PROGRAMS:
		r = parse_object(m, named(n, "program"), BPFFS_PROGRAM, &v.what, err);
		break;
	case MAP_MAPS:
		r = parse_object(m, named(n, "map"), BPFFS_MAP, &v.what, err);
		break;
	default:
		error_set(err, -EOPNOTSUPP, where, "what is in it cannot be named from outside");
		return -EOPNOTSUPP;
	}
	if (!r)
		memcpy(out, &v,
		       m->e.info.value_size < sizeof(v) ? m->e.info.value_size : sizeof(v));
	return r;
}

int special_put(const struct braid_map *m, const void *key, const void *value, __u64 flags)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	_cleanup_close_ int fd = -1;
	struct elements e = m->e;
	size_t done;
	__u32 id;
	int r;

	memcpy(&id, value, sizeof(id));
	if (m->kind == MAP_PROGRAMS || m->kind == MAP_MAPS) {
		fd = m->kind == MAP_MAPS ? bpf_map_get_fd_by_id(id) : bpf_prog_get_fd_by_id(id);
		return fd < 0 ? fd : bpf_map_update_elem(m->fd, key, &fd, flags);
	}
	/* an index means a device of the namespace that one is in */
	r = netns_open(m->at.home, &ns, &ignored) ?: netns_enter(&ns, &guard, &ignored);
	return r ?: elements_put(&e, key, value, 1, flags, &done);
}
