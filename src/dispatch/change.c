/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The transaction. Whoever is killed leaves:
 *
 *	before `exchange`	the old chain, and maybe a folder of a dispatcher that never ran
 *	behind it		the new chain, whole, and the folder of the old one
 *
 * Both are what libxdp's own tools leave there; the next change removes such folders.
 *
 * libxdp takes the lock for reading pins and for writing them, but not for the exchange. So
 * while it is held here nobody else can begin a change, and who had pinned before can still
 * exchange once: the kernel then refuses our exchange, since what we expect is not there.
 * Behind the exchange it is given away for a moment (yield.c).
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/text.h"
#include "dispatch/inside.h"
#include "kernel/bpffs.h"
#include "kernel/iface.h"
#include "kernel/xdp_netlink.h"

enum { TRIES = 10, FIRST_PAUSE_NS = 1000000 };

struct change {
	const struct netns *ns;
	__u32 ifindex;
	const char *bpffs;
	const struct dispatch_lock *lock;
	const struct dispatch_edit *edit;
};

static int check(const struct change *c, const struct dispatcher *now, struct braid_error *err)
{
	_cleanup_free_ char *where = iface_where(c->ns, c->ifindex);
	int r = dispatcher_must_be_ours(c->ns, c->ifindex, now, err);

	if (r)
		return r;
	if (c->edit->n_add && c->edit->mode == XDP_HARDWARE) {
		error_set(err, -EOPNOTSUPP, where, "there are no dispatchers in hardware");
		error_why(err, "devices cannot replace functions of programs");
		return -EOPNOTSUPP;
	}
	if (c->edit->n_add && now->state == DISPATCHER_SOUND && now->mode != c->edit->mode) {
		error_set(err, -EEXIST, where, "the dispatcher runs in %s mode, not in %s mode",
			  xdp_mode_names[now->mode], xdp_mode_names[c->edit->mode]);
		error_hint(err, "the first program decides; all must be unloaded to change it");
		return -EEXIST;
	}
	return c->edit->check ? c->edit->check(c->edit->ctx, now, err) : 0;
}

/* Nothing needs it any more; what cannot be removed now is found by the next change. */
static void remove_folder(const char *folder)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;

	if (folder)
		bpffs_remove_tree(folder, &ignored);
}

/* @ret_raced: it failed because something else is attached than @now. */
static int detach(const struct change *c, const struct dispatcher *now, bool *ret_raced,
		  struct braid_error *err)
{
	int r = xdp_netlink_detach(c->ns, c->ifindex, now->fd, now->mode, err);

	*ret_raced = r == -ESTALE;
	if (r)
		return r;
	dispatch_lock_yield(c->lock, now->id);
	remove_folder(now->folder);
	return 0;
}

static int attach(const struct change *c, const struct dispatcher *now, int fd, bool *ret_raced,
		  struct braid_error *err)
{
	int r;

	if (now->state == DISPATCHER_SOUND) {
		r = xdp_netlink_replace(c->ns, c->ifindex, now->fd, fd, now->mode, err);
		*ret_raced = r == -ESTALE;
	} else {
		r = xdp_netlink_attach(c->ns, c->ifindex, fd, c->edit->mode, err);
		*ret_raced = r == -EBUSY || r == -EEXIST;
	}
	return r;
}

static int exchange(const struct change *c, const struct dispatcher *now, const struct chain *chain,
		    __u32 *ret_id, bool *ret_raced, struct braid_error *err)
{
	_cleanup_(built_done) struct built b = BUILT_NONE;
	int r = build_dispatcher(c->ns, c->ifindex, chain, &b, err);

	r = r ?: build_pin(&b, chain, c->bpffs, c->ifindex, err);
	if (r)
		return r;
	r = attach(c, now, b.fd, ret_raced, err);
	if (r) {
		remove_folder(b.folder);
		return r;
	}
	*ret_id = b.id;
	dispatch_lock_yield(c->lock, now->id);
	remove_folder(now->folder);
	return 0;
}

static int try_once(const struct change *c, __u32 *ret_id, bool *ret_raced, struct braid_error *err)
{
	_cleanup_(dispatcher_done) struct dispatcher now = DISPATCHER_NONE;
	struct chain chain;
	int r = dispatcher_read_locked(c->ns, c->ifindex, c->bpffs, &now, err);

	r = r ?: check(c, &now, err);
	r = r ?: chain_make(&now, c->edit, &chain, err);
	if (r)
		return r;
	*ret_id = 0;
	if (!chain.changed)
		*ret_id = now.id;
	else if (chain.members.n)
		r = exchange(c, &now, &chain, ret_id, ret_raced, err);
	else
		r = detach(c, &now, ret_raced, err);
	array_done(&chain.members);
	return r;
}

/* Grows, and by chance: who collided will not do so again. */
static void pause_before(int nth)
{
	unsigned int chance = 0;
	struct timespec t = {};

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = nth;
	t.tv_nsec = (long)FIRST_PAUSE_NS / 2 * (1 << nth);
	t.tv_nsec += chance % t.tv_nsec;
	nanosleep(&t, NULL);
}

static int try_often(const struct change *c, __u32 *ret_id, struct braid_error *err)
{
	_cleanup_free_ char *why = NULL;
	bool raced;
	int r;

	for (int i = 0; i < TRIES; i++) {
		if (i)
			pause_before(i - 1);
		raced = false;
		braid_error_clear(err);
		r = try_once(c, ret_id, &raced, err);
		if (!raced)
			return r;
	}
	/* such as: a device above it (bond) has one; which is not seen on this one */
	why = err->why ? strdup(err->why) : NULL;
	error_set(err, -EAGAIN, NULL, "what is attached changed %d times while it was exchanged",
		  TRIES);
	if (why)
		error_why(err, "%s", why);
	error_hint(err, "is there a program that attaches XDP programs over and over? try again");
	return -EAGAIN;
}

/* What killed ones have left on this interface. It went well without that, too. */
static void clean_up(const struct change *c, __u32 id)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_(dispatch_leftovers_done) struct dispatch_leftovers found = {};

	clean_locked(c->ifindex, id, c->bpffs, &found, &ignored);
}

int dispatch_change(const struct netns *ns, __u32 ifindex, const struct dispatch_edit *edit,
		    __u32 *ret_id, struct braid_error *err)
{
	_cleanup_dispatch_lock_ struct dispatch_lock lock = DISPATCH_LOCK_INIT;
	_cleanup_free_ char *bpffs = NULL;
	struct change c = {.ns = ns, .ifindex = ifindex, .lock = &lock, .edit = edit};
	__u32 id = 0;
	int r = dispatch_bpffs(&bpffs, err);

	r = r ?: dispatch_lock(bpffs, &lock, err);
	if (r)
		return r;
	c.bpffs = bpffs;
	r = try_often(&c, &id, err);
	if (r) {
		_cleanup_free_ char *where = iface_where(ns, ifindex);

		if (!err->where && where)
			error_within(err, "%s", where);
		return r;
	}
	clean_up(&c, id);
	if (ret_id)
		*ret_id = id;
	return 0;
}
