/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * XDP by netlink, as ip(8) and libxdp attach. Anybody with the privilege can exchange what is
 * there; with the expected program an exchange is as atomic as that of a link.
 */
#include <errno.h>

#include "base/error.h"
#include "kernel/bpffs.h"
#include "kernel/xdp_netlink.h"
#include "live/note.h"
#include "live/way.h"

static bool find(const struct spot *s, const struct ids *ours, size_t *at, struct attachment *ret)
{
	const struct xdp_attached *there = spot_xdp(s);

	if ((*at)++ || !there || !ids_have(ours, there->prog_id))
		return false;
	ret->mode = there->mode;
	return array_add(&ret->runs.list, there->prog_id);
}

static const struct note note = {.way = 2};

static int attach(struct spot *s, const struct how *how, const struct front *f, const char *path,
		  struct attachment *ret, struct braid_error *err)
{
	_cleanup_close_ int fd = -1;
	int r = note_pin(path, &note, &fd, err);

	if (r)
		return r;
	if (how->instead >= 0)
		r = xdp_netlink_replace(&s->ns, s->ifindex, how->instead, front_fd(f), how->mode,
					err);
	else
		r = xdp_netlink_attach(&s->ns, s->ifindex, front_fd(f), how->mode, err);
	if (r) {
		_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;

		bpffs_unpin(path, &ignored);
		return r;
	}
	ret->fd = TAKE_FD(fd);
	ret->mode = how->mode;
	return 0;
}

static int update(struct attachment *a, const struct netns *ns, const struct front *from,
		  const struct front *to, struct braid_error *err)
{
	return xdp_netlink_replace(ns, a->ifindex, front_fd(from), front_fd(to), a->mode, err);
}

static int detach(struct attachment *a, const struct netns *ns, struct braid_error *err)
{
	return xdp_netlink_detach(ns, a->ifindex, a->program, a->mode, err);
}

static void describe(const struct attachment *a, const struct spot *s, struct how *ret)
{
	ret->mode = a->mode;
}

const struct way way_xdp_netlink = {
	.number = 2,
	.name = "netlink",
	.find = find,
	.attach = attach,
	.update = update,
	.detach = detach,
	.describe = describe,
};
