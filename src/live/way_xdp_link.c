/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* XDP by a link: nobody but its owner can exchange or detach what is there. */
#include <errno.h>

#include "base/error.h"
#include "kernel/bpffs.h"
#include "live/way.h"

static int attach(struct spot *s, const struct how *how, const struct front *f, const char *path,
		  struct attachment *ret, struct braid_error *err)
{
	_cleanup_close_ int fd = -1;
	int r = bpffs_unpin(path, err);

	/* killed at any point, the interface has a link in its place or none, never one that
	 * nobody finds again: an unpinned link goes with its fd */
	if (r && r != -ENOENT)
		return r;
	braid_error_clear(err);
	r = xdp_link_create(&s->ns, s->ifindex, front_fd(f), how->mode, &fd, err)
		    ?: bpffs_pin(fd, path, err);
	if (!r)
		ret->fd = TAKE_FD(fd);
	return r;
}

static void describe(const struct attachment *a, const struct spot *s, struct how *ret)
{
	const struct xdp_attached *there = spot_xdp(s);

	ret->mode = there ? there->mode : XDP_NATIVE;
}

const struct way way_xdp_link = {
	.number = 1,
	.name = "link",
	.has_link = true,
	.attach = attach,
	.describe = describe,
};
