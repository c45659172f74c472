/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a change to a chain has added, handed over. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "base/text.h"
#include "braid/fds.h"
#include "kernel/iface.h"
#include "live/chain.h"
#include "live/live.h"
#include "live/passfds.h"

static json_t *description(const struct braid_chain *c, const char *ifname, const char *kind,
			   const char *name, __u32 id)
{
	return json_pack("{s:s, s:s, s:I, s:s, s:s}", "kind", kind, "name", name, "id",
			 (json_int_t)id, "interface", ifname, "netns", c->ns.name);
}

/* That of globals is the section's. */
static const char *map_name(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);

	return bpf_map__is_internal(map) ? strchr(name, '.') ?: name : name;
}

static int add_map(const struct braid_chain *c, const char *ifname, const struct chain_member *m,
		   const struct bpf_map *map, struct passfds *to, struct braid_error *err)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int fd = fd_copy(bpf_map__fd(map));
	json_t *j;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size)) {
		error_errno(err, -errno, c->where, "cannot use map '%s'", bpf_map__name(map));
		closep(&fd);
		return err->code;
	}
	j = description(c, ifname, "map", map_name(map), info.id);
	if (j)
		json_object_set_new(j, "component", json_integer(m->id));
	return passfds_add(to, fd, j, err);
}

static int add_maps(const struct braid_chain *c, const char *ifname, const struct chain_member *m,
		    struct passfds *to, struct braid_error *err)
{
	struct bpf_map *map;
	int r = 0;

	bpf_object__for_each_map(map, m->object.obj)
	{
		if (!r && bpf_map__fd(map) >= 0)
			r = add_map(c, ifname, m, map, to, err);
	}
	return r;
}

/* One that somebody has taken out again has none. */
static int add_link(const struct braid_chain *c, const char *ifname, const struct dispatcher *now,
		    const struct chain_member *m, struct passfds *to, struct braid_error *err)
{
	array_foreach (at, &now->components) {
		json_t *j;
		int fd;

		if (at->id != m->id)
			continue;
		fd = bpf_link_get_fd_by_id(at->link_id);
		if (fd < 0)
			return error_errno(err, fd, c->where, "cannot open link %u", at->link_id);
		j = description(c, ifname, "link", ifname, at->link_id);
		if (j)
			json_object_set_new(j, "component", json_integer(m->id));
		return passfds_add(to, fd, j, err);
	}
	return 0;
}

static int add_member(const struct braid_chain *c, const char *ifname, const struct dispatcher *now,
		      const struct chain_member *m, struct passfds *to, struct braid_error *err)
{
	int fd = fd_copy(component_fd(&m->object)), r;

	if (fd < 0)
		return error_errno(err, -errno, c->where, "cannot use a program");
	r = passfds_add(to, fd, description(c, ifname, "program", m->object.name, m->id), err);
	return r ?: add_maps(c, ifname, m, to, err) ?: add_link(c, ifname, now, m, to, err);
}

int braid_fds_send_chain(const struct braid_chain *c, int socket, struct braid_error *err)
{
	_cleanup_(dispatcher_done) struct dispatcher now = DISPATCHER_NONE;
	_cleanup_passfds_ struct passfds to = {};
	char ifname[IF_NAMESIZE];
	ERROR_SCRATCH(err);
	int r;

	r = braid_fds_check(socket, err) ?: iface_name(&c->ns, c->ifindex, ifname, err);
	r = r ?: dispatcher_read(&c->ns, c->ifindex, c->bpffs, &now, err);
	array_foreach (m, &c->add)
		if (m->id)
			r = r ?: add_member(c, ifname, &now, m, &to, err);
	return r ?: passfds_send(&to, socket, err);
}
