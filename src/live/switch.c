/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The switch: the new program on all interfaces, or the old ones back on all of them.
 * On one interface a switch is one atomic update of a link; over several it is undone
 * in reverse when one fails.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/iface.h"
#include "live/live.h"

struct switching {
	const struct braid_pipeline *p;
	const char *path; /* of the pipeline in bpffs */
	int program;      /* the new one */
};

static enum xdp_mode other_mode(enum xdp_mode mode)
{
	return mode == XDP_NATIVE ? XDP_GENERIC : XDP_NATIVE;
}

/*
 * What is pinned in the link's place has no effect any more, and goes first: killed at any
 * point, the interface has a link in its place or none, never one that nobody finds again.
 */
int link_create(const char *pipeline_path, const struct netns *ns, __u32 ifindex, int program,
		enum xdp_mode mode, int *ret_fd, struct braid_error *err)
{
	_cleanup_free_ char *pin = path_link(pipeline_path, ns->cookie, ifindex);
	_cleanup_close_ int fd = -1;
	int r = pin ? bpffs_unpin(pin, err) : error_oom(err);

	if (r && r != -ENOENT)
		return r;
	braid_error_clear(err);
	r = xdp_link_create(ns, ifindex, program, mode, &fd, err) ?: bpffs_pin(fd, pin, err);
	if (r)
		return r; /* an unpinned link goes with its fd */
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int link_remove(int fd, const char *pin, struct braid_error *err)
{
	return bpffs_unpin(pin, err) ?: link_detach(fd, err);
}

static int create_link(const struct switching *sw, struct target *t, int program,
		       enum xdp_mode mode, struct braid_error *err)
{
	int fd, r = link_create(sw->path, &t->ns, t->ifindex, program, mode, &fd, err);

	if (r)
		return r;
	closep(&t->new_link);
	t->new_link = fd;
	return 0;
}

static int remove_link(const struct switching *sw, struct target *t, int fd,
		       struct braid_error *err)
{
	_cleanup_free_ char *pin = path_link(sw->path, t->ns.cookie, t->ifindex);

	return pin ? link_remove(fd, pin, err) : error_oom(err);
}

/* Keeps hold of the program, so that it can be put back. */
static int detach_foreign(struct target *t, struct braid_error *err)
{
	const struct xdp_attached *there = target_foreign(t);

	t->old_program = bpf_prog_get_fd_by_id(there->prog_id);
	return xdp_detach_foreign(&t->ns, t->ifindex, there, err);
}

static int attach_foreign(struct target *t, struct braid_error *err)
{
	const struct xdp_attached *there = target_foreign(t);

	if (there->links || t->old_program < 0) {
		error_set(err, -EOPNOTSUPP, NULL, "'%s' was attached by a link of its owner's",
			  there->name);
		return -EOPNOTSUPP;
	}
	return xdp_attach_foreign(&t->ns, t->ifindex, t->old_program, there->mode, err);
}

static int switch_one(const struct switching *sw, struct target *t, struct braid_error *err)
{
	enum xdp_mode mode = wanted_mode(sw->p);
	int r;

	switch (t->action) {
	case TARGET_UPDATE:
		return link_update(t->link->fd, t->old_program, sw->program, err);
	case TARGET_MODE:
		r = remove_link(sw, t, t->link->fd, err);
		if (r)
			return r;
		r = create_link(sw, t, sw->program, mode, err);
		if (r) { /* its own half is undone here: the caller undoes only what succeeded */
			_cleanup_error_ struct braid_error back = BRAID_ERROR_INIT;

			create_link(sw, t, t->old_program, other_mode(mode), &back);
		}
		return r;
	case TARGET_FOREIGN:
		r = detach_foreign(t, err);
		if (r)
			return r;
		r = create_link(sw, t, sw->program, mode, err);
		if (r) {
			_cleanup_error_ struct braid_error back = BRAID_ERROR_INIT;

			if (attach_foreign(t, &back))
				error_hint(err, "what was attached here is gone: %s",
					   back.what ?: "");
		}
		return r;
	default:
		return create_link(sw, t, sw->program, mode, err);
	}
}

static int undo_one(const struct switching *sw, struct target *t, struct braid_error *err)
{
	int r;

	switch (t->action) {
	case TARGET_UPDATE:
		return link_update(t->link->fd, sw->program, t->old_program, err);
	case TARGET_MODE:
		r = remove_link(sw, t, t->new_link, err);
		return r ?: create_link(sw, t, t->old_program, other_mode(wanted_mode(sw->p)), err);
	case TARGET_FOREIGN:
		r = remove_link(sw, t, t->new_link, err);
		return r ?: attach_foreign(t, err);
	default:
		return remove_link(sw, t, t->new_link, err);
	}
}

void targets_undo(struct targets *t, const struct braid_pipeline *p, const char *pipeline_path,
		  int program, struct braid_error *err)
{
	struct switching sw = {p, pipeline_path, program};

	for (size_t i = t->list.n; i-- > 0;) {
		struct target *target = &t->list.v[i];
		_cleanup_error_ struct braid_error back = BRAID_ERROR_INIT;

		if (!target->switched || !undo_one(&sw, target, &back))
			continue;
		error_hint(err, "%s could not be put back (%s): braid apply --replace",
			   target->iface->name, back.what ?: "");
	}
}

static int switch_those(const struct switching *sw, struct targets *t, bool foreign,
			struct braid_error *err)
{
	array_foreach (target, &t->list) {
		int r;

		if ((target->action == TARGET_FOREIGN) != foreign)
			continue;
		r = switch_one(sw, target, err);
		if (r)
			return r;
		target->switched = true;
	}
	return 0;
}

int targets_switch(struct targets *t, const struct braid_pipeline *p, const char *pipeline_path,
		   int program, struct braid_error *err)
{
	struct switching sw = {p, pipeline_path, program};
	/* detaching another's program cannot always be undone: when all else has succeeded */
	int r = switch_those(&sw, t, false, err) ?: switch_those(&sw, t, true, err);

	if (r)
		targets_undo(t, p, pipeline_path, program, err);
	return r;
}
