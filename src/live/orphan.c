/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "live/orphan.h"

#include <bpf/bpf.h>

#include "base/error.h"
#include "kernel/iface.h"

void orphan_free(struct attachment *a)
{
	if (a)
		attachment_done(a);
	free(a);
}

/* When program @fd was loaded, CLOCK_BOOTTIME; with its id that is it, also beyond a reboot. */
static __u64 loaded_ns(int fd)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.load_time;
}

json_t *orphan_note(const struct front *f)
{
	json_t *list = json_array();

	array_foreach (p, &f->list)
		json_array_append_new(list, json_pack("{s:I, s:I}", "id", (json_int_t)p->id,
						      "loaded", (json_int_t)loaded_ns(p->fd)));
	return list;
}

static bool is_it(const json_t *noted, int fd)
{
	return json_integer_value(json_object_get(noted, "loaded")) == (json_int_t)loaded_ns(fd);
}

/* Those of @known that still are. */
static int find_programs(const json_t *known, struct ids *ret, struct braid_error *err)
{
	json_t *noted;
	size_t i;

	json_array_foreach (known, i, noted) {
		__u32 id = json_integer_value(json_object_get(noted, "id"));
		_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);

		if (fd >= 0 && is_it(noted, fd) && !array_add(&ret->list, id))
			return error_oom(err);
	}
	return 0;
}

static int complete(struct attachment *a, const struct way *way, const struct spot *s,
		    const char *pipeline_path, struct braid_error *err)
{
	a->way = way;
	a->cookie = s->ns.cookie;
	a->ifindex = s->ifindex;
	a->hook = s->hook;
	a->live = true;
	a->path = attachment_path(pipeline_path, a->cookie, a->ifindex, a->hook, false);
	a->program = bpf_prog_get_fd_by_id(ids_first(&a->runs));
	if (!a->path)
		return error_oom(err);
	return a->program >= 0 ? 0
			       : error_errno(err, a->program, NULL, "cannot open program %u",
					     ids_first(&a->runs));
}

static int find_by(const struct way *way, const struct ids *ids, struct spot *s,
		   const char *pipeline_path, struct attachment **ret, struct braid_error *err)
{
	struct attachment *a = calloc(1, sizeof(*a));
	size_t at = 0;
	int r = 0;

	if (!a)
		return error_oom(err);
	a->fd = a->program = -1;
	if (way->find(s, ids, &at, a)) {
		r = complete(a, way, s, pipeline_path, err);
		if (!r) {
			*ret = a;
			return 0;
		}
	}
	orphan_free(a);
	return r;
}

/* A link of ours that lost its pin, but that somebody has open. */
static bool is_linked(const struct way *way, const struct spot *s)
{
	const struct xdp_attached *there = spot_xdp(s);

	return way == &way_xdp_netlink && there && there->links;
}

int orphan_find(const json_t *known, struct spot *s, const char *pipeline_path,
		struct attachment **ret, struct braid_error *err)
{
	const struct way *way;
	struct ids ids = {};
	int r = find_programs(known, &ids, err);

	*ret = NULL;
	for (__u32 i = 1; !r && !*ret && ids.list.n && (way = way_by_number(i)); i++)
		if (!way->has_link && !is_linked(way, s))
			r = find_by(way, &ids, s, pipeline_path, ret, err);
	array_done(&ids.list);
	return r;
}

static int remove_at(struct spot *s, const json_t *known, const char *pipeline_path,
		     struct braid_error *err)
{
	struct attachment *a = NULL;
	int r = orphan_find(known, s, pipeline_path, &a, err);

	if (!r && a)
		r = attachment_remove(NULL, a, err);
	orphan_free(a);
	return r;
}

int orphans_remove(const struct braid_pipeline *p, const json_t *plan, const char *pipeline_path,
		   struct braid_error *err)
{
	int r = 0;

	array_foreach (iface, &p->interfaces) {
		_cleanup_error_ struct braid_error gone = BRAID_ERROR_INIT;
		_cleanup_spot_ struct spot s = SPOT_INIT;

		s.hook = p->hook;
		if (!r && !netns_open(iface->netns, &s.ns, &gone) &&
		    !iface_index(&s.ns, iface->name, &s.ifindex, &gone) && !spot_look(&s, &gone))
			r = remove_at(&s, json_object_get(plan, "front"), pipeline_path, err);
	}
	return r;
}
