/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/program.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "kernel/hearing.h"

DEFINE_CLEANUP(struct bpf_object *, bpf_object__close)

struct bpf_program *program_choose(struct bpf_object *obj, const char *name)
{
	struct bpf_program *p, *found = NULL;
	struct bpf_map *map;

	bpf_object__for_each_program(p, obj)
	{
		bool wanted = text_eq(bpf_program__name(p), name);

		bpf_program__set_autoload(p, wanted);
		if (wanted)
			found = p;
	}
	bpf_object__for_each_map(map, obj) bpf_map__set_pin_path(map, NULL);
	return found;
}

static int load(struct bpf_object *obj, const char *name, __u8 ret[BPF_TAG_SIZE],
		struct braid_error *err)
{
	struct bpf_program *p = program_choose(obj, name);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int r;

	if (!p) {
		error_set(err, -ENOENT, NULL, "the object has no program '%s'", name);
		return -ENOENT;
	}
	bpf_program__set_type(p, BPF_PROG_TYPE_XDP);
	r = bpf_object__load(obj) ?: bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &size);
	if (r)
		return error_errno(err, r, NULL, "cannot load program '%s' to compare it", name);
	memcpy(ret, info.tag, sizeof(info.tag));
	return 0;
}

int program_tag(const void *object, size_t size, const char *name, __u8 ret[BPF_TAG_SIZE],
		struct braid_error *err)
{
	_cleanup_(bpf_object__closep) struct bpf_object *obj = NULL;
	struct buf heard = {};
	struct hearing h = hear(&heard);
	int r;

	obj = bpf_object__open_mem(object, size, NULL);
	r = obj ? load(obj, name, ret, err)
		: error_errno(err, -errno, NULL, "cannot open an object to compare it");
	hear_no_more(h);
	if (r && heard.v)
		error_why(err, "%s", heard.v);
	buf_done(&heard);
	return r;
}

__u32 program_instructions(int prog_fd)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(prog_fd, &info, &size) ? 0 : info.xlated_prog_len / 8;
}

static int open_map(__u32 id, struct program_maps *ret, struct braid_error *err)
{
	struct program_map m = {.fd = bpf_map_get_fd_by_id(id)};
	__u32 size = sizeof(m.info);
	int r = m.fd < 0 ? -errno : bpf_obj_get_info_by_fd(m.fd, &m.info, &size);

	if (r)
		error_errno(err, r, NULL, "cannot look at map %u", id);
	else if (!array_add(&ret->list, m))
		r = error_oom(err);
	if (r)
		closep(&m.fd);
	return r;
}

int program_maps_read(int prog_fd, struct program_maps *ret, struct braid_error *err)
{
	__u32 ids[64]; /* MAX_USED_MAPS of Linux */
	struct bpf_prog_info info = {.nr_map_ids = 64, .map_ids = (uintptr_t)ids};
	struct program_maps maps = {};
	__u32 size = sizeof(info);
	int r = bpf_obj_get_info_by_fd(prog_fd, &info, &size);

	if (r)
		return error_errno(err, r, NULL, "cannot look at a program");
	for (__u32 i = 0; i < info.nr_map_ids && i < 64 && !r; i++)
		r = open_map(ids[i], &maps, err);
	if (r)
		program_maps_done(&maps);
	else
		*ret = maps;
	return r;
}

void program_maps_done(struct program_maps *m)
{
	array_foreach (map, &m->list)
		closep(&map->fd);
	array_done(&m->list);
}
