/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Folders that nobody needs. Such are those of dispatchers that were exchanged, or never
 * attached, by somebody who was killed then.
 *
 * A folder says ifindex and program, but not the namespace; so it is asked of all namespaces
 * what is attached there. And libxdp pins before it attaches, without the lock in between: it
 * has a descriptor of its dispatcher then, and whoever has one may be about to attach it.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "dispatch/inside.h"
#include "kernel/bpffs.h"
#include "kernel/netns_list.h"
#include "kernel/owner.h"
#include "kernel/rtnl.h"

/* A program on an interface. */
struct attached {
	__u32 id;
	const char *netns; /* borrowed from @all */
	char ifname[IF_NAMESIZE];
};

struct world {
	struct netns_list all;
	ARRAY(struct attached) attached;
	struct owners owners;
};

void dispatch_leftovers_done(struct dispatch_leftovers *l)
{
	array_foreach (one, &l->list) {
		free(one->folder);
		free(one->why);
	}
	array_done(&l->list);
}

static void world_done(struct world *w)
{
	netns_list_done(&w->all);
	array_done(&w->attached);
	owners_done(&w->owners);
}

static int add_attached(struct world *w, const struct netns *ns, const struct rtnl_xdp *x)
{
	const __u32 ids[] = {x->native_id, x->generic_id, x->hardware_id};

	for (int i = 0; i < 3; i++) {
		struct attached a = {.id = ids[i], .netns = ns->name};

		strcpy(a.ifname, x->name);
		if (a.id && !array_add(&w->attached, a))
			return -ENOMEM;
	}
	return 0;
}

static int look_into(struct world *w, const struct netns *ns, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_free_ char *message = NULL;
	struct rtnl_xdps xdps = {};
	int r = netns_enter(ns, &guard, err);

	if (r)
		return r;
	r = rtnl_xdp_list(&xdps, &message);
	if (r)
		return error_errno(err, r, NULL, "cannot list interfaces in netns '%s'", ns->name);
	array_foreach (x, &xdps.list)
		r = r ?: add_attached(w, ns, x);
	array_done(&xdps.list);
	return r ? error_oom(err) : 0;
}

static int world_read(struct world *ret, struct braid_error *err)
{
	_cleanup_(world_done) struct world w = {};
	int r = netns_list_read(true, &w.all, err);

	if (!r && w.all.hidden) {
		error_set(err, -EACCES, NULL, "cannot look into all network namespaces");
		error_why(err, "a dispatcher may be attached where it cannot be seen from here");
		error_hint(err, "it takes CAP_SYS_ADMIN and CAP_SYS_PTRACE, and to see all "
				"processes: run as root, outside of containers");
		r = -EACCES;
	}
	r = r ?: owners_read(NULL, &w.owners, err);
	array_foreach (ns, &w.all.list)
		r = r ?: look_into(&w, ns, err);
	if (r)
		return r;
	*ret = w;
	w = (struct world){};
	return 0;
}

/* Why @id's folder is needed. Return: NULL: it is not; caller frees. -ENOMEM in @ret_r. */
static char *find_need(const struct world *w, __u32 id, int *ret_r)
{
	char *why = NULL;

	array_foreach (a, &w->attached) {
		if (a->id != id)
			continue;
		why = text_fmt("its dispatcher is attached to %s in netns '%s'", a->ifname,
			       a->netns);
		*ret_r = why ? 0 : -ENOMEM;
		return why;
	}
	owners_foreach(h, &w->owners, id, 0)
	{
		/* whoever of us is at work has the lock, which is ours now */
		if (h->pid == (__u32)getpid())
			continue;
		why = text_fmt("process %u (%s) may be about to attach its dispatcher", h->pid,
			       h->comm);
		*ret_r = why ? 0 : -ENOMEM;
		return why;
	}
	*ret_r = 0;
	return NULL;
}

static int unpin(const struct dispatch_place *place, struct braid_error *err)
{
	return place->is_trial ? bpffs_unpin(place->folder, err)
			       : bpffs_remove_tree(place->folder, err);
}

static int clean_one(const struct world *w, struct dispatch_place *place,
		     struct dispatch_leftovers *ret, struct braid_error *err)
{
	struct dispatch_leftover one = {.ifindex = place->ifindex, .id = place->id};
	int r = 0;

	one.why = place->is_trial ? NULL : find_need(w, place->id, &r);
	if (!r && !one.why) {
		r = unpin(place, err);
		if (r)
			return r;
		one.removed = true;
		one.why = strdup(place->is_trial ? "somebody tried whether links can be pinned"
						 : "its dispatcher is attached nowhere");
	}
	one.folder = TAKE_PTR(place->folder);
	if (one.why && one.folder && array_add(&ret->list, one))
		return 0;
	free(one.folder);
	free(one.why);
	return error_oom(err);
}

/* Drops those that are not asked about. */
static void narrow(struct dispatch_places *places, __u32 ifindex, __u32 needed)
{
	size_t n = 0;

	array_foreach (p, &places->list) {
		if (!p->is_trial && ((ifindex && p->ifindex != ifindex) || p->id == needed))
			free(p->folder);
		else
			places->list.v[n++] = *p;
	}
	places->list.n = n;
}

int clean_locked(__u32 ifindex, __u32 needed, const char *bpffs, struct dispatch_leftovers *ret,
		 struct braid_error *err)
{
	_cleanup_(dispatch_places_done) struct dispatch_places places = {};
	_cleanup_(dispatch_leftovers_done) struct dispatch_leftovers found = {};
	_cleanup_(world_done) struct world w = {};
	int r = dispatch_places_read(bpffs, &places, err);

	narrow(&places, ifindex, needed);
	if (!r && places.list.n)
		r = world_read(&w, err);
	array_foreach (p, &places.list)
		r = r ?: clean_one(&w, p, &found, err);
	if (r)
		return r;
	*ret = found;
	found = (struct dispatch_leftovers){};
	return 0;
}

int dispatch_clean(__u32 ifindex, const char *bpffs, struct dispatch_leftovers *ret,
		   struct braid_error *err)
{
	_cleanup_dispatch_lock_ struct dispatch_lock lock = DISPATCH_LOCK_INIT;

	return dispatch_lock(bpffs, &lock, err) ?: clean_locked(ifindex, 0, bpffs, ret, err);
}

int dispatch_tidy(__u32 ifindex, const char *bpffs, char **ret_why, struct braid_error *err)
{
	_cleanup_(dispatch_leftovers_done) struct dispatch_leftovers found = {};
	int r = dispatch_clean(ifindex, bpffs, &found, err);
	char *why = NULL;

	if (r == -ENOMEM)
		return r;
	if (r) {
		why = err->why ? text_fmt("%s: %s", err->what, err->why) : strdup(err->what);
		if (!why)
			return error_oom(err);
		braid_error_clear(err);
	}
	free(*ret_why);
	*ret_why = why;
	return 0;
}
