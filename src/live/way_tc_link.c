/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* TC by a link: one of the list of a TCX or netkit hook. */
#include <errno.h>

#include "base/error.h"
#include "kernel/bpffs.h"
#include "live/way.h"

/* Others change the list, too: how often they may do so between a look and a change. */
#define TRIES 20

/* @s is looked at again when somebody else was faster. */
static int create(struct spot *s, const struct how *how, const struct front *f, int *ret_fd,
		  struct braid_error *err)
{
	struct tc_place place;
	int r = -ESTALE;

	for (int i = 0; i < TRIES && r == -ESTALE; i++) {
		if (i) {
			braid_error_clear(err);
			r = spot_look(s, err);
			if (r)
				return r;
		}
		r = tc_place_find(s, how, false, &place, err)
			    ?: tc_link_create(&s->ns, s->ifindex, tc_hook_of(s->hook), front_fd(f),
					      &place, ret_fd, err);
		if (r != -ENOENT || how->wanted)
			continue;
		/* put back: but who stood behind it is gone */
		braid_error_clear(err);
		place = (struct tc_place){TC_LAST};
		r = tc_link_create(&s->ns, s->ifindex, tc_hook_of(s->hook), front_fd(f), &place,
				   ret_fd, err);
	}
	return r;
}

static int attach(struct spot *s, const struct how *how, const struct front *f, const char *path,
		  struct attachment *ret, struct braid_error *err)
{
	_cleanup_close_ int fd = -1;
	int r = bpffs_unpin(path, err);

	if (r && r != -ENOENT)
		return r;
	braid_error_clear(err);
	r = create(s, how, f, &fd, err) ?: bpffs_pin(fd, path, err);
	if (!r)
		ret->fd = TAKE_FD(fd);
	return r;
}

/* A link keeps its place in the list as long as it lives: it takes another one. */
static int move(const struct attachment *a, struct spot *s, const struct how *how,
		const struct front *f, const char *path, struct attachment *ret,
		struct braid_error *err)
{
	return attach(s, how, f, path, ret, err);
}

static int stands(const struct attachment *a, const struct spot *s, const struct how *how,
		  bool *ret, struct braid_error *err)
{
	struct tc_place place;
	int r = tc_place_find(s, how, false, &place, err);

	if (!r)
		*ret = tc_place_is_right(s, a, &place);
	return r;
}

static void describe(const struct attachment *a, const struct spot *s, struct how *ret)
{
	ret->place = tc_place_of(s, a);
}

const struct way way_tc_link = {
	.number = 3,
	.name = "tcx",
	.has_link = true,
	.attach = attach,
	.stands = stands,
	.move = move,
	.describe = describe,
};
