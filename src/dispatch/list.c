/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* All dispatchers of the machine. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "dispatch/inside.h"
#include "kernel/netns_list.h"
#include "kernel/rtnl.h"

void dispatch_sites_done(struct dispatch_sites *s)
{
	array_foreach (site, &s->list) {
		free(site->netns);
		dispatcher_done(&site->dispatcher);
	}
	array_done(&s->list);
}

static bool is_dispatcher(const struct dispatcher *d)
{
	return d->state != DISPATCHER_ABSENT && d->state != DISPATCHER_FOREIGN;
}

/* An interface that goes meanwhile has none. */
static int add_site(const struct netns *ns, const struct rtnl_xdp *x, const char *bpffs,
		    struct dispatch_sites *sites, struct braid_error *err)
{
	struct dispatch_site site = {
		.cookie = ns->cookie,
		.ifindex = x->ifindex,
		.dispatcher = DISPATCHER_NONE,
	};
	int r = dispatcher_read_locked(ns, x->ifindex, bpffs, &site.dispatcher, err);

	if (r == -ENODEV) {
		braid_error_clear(err);
		return 0;
	}
	strcpy(site.ifname, x->name);
	if (!r && is_dispatcher(&site.dispatcher)) {
		site.netns = strdup(ns->name);
		if (site.netns && array_add(&sites->list, site))
			return 0;
		free(site.netns);
		r = error_oom(err);
	}
	dispatcher_done(&site.dispatcher);
	return r;
}

static int list_in(const struct netns *ns, struct rtnl_xdps *ret, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_free_ char *message = NULL;
	int r = netns_enter(ns, &guard, err);

	if (r)
		return r;
	r = rtnl_xdp_list(ret, &message);
	return r ? error_errno(err, r, NULL, "cannot list interfaces in netns '%s'", ns->name) : 0;
}

static int add_sites(const struct netns *ns, const char *bpffs, struct dispatch_sites *sites,
		     struct braid_error *err)
{
	struct rtnl_xdps xdps = {};
	int r = list_in(ns, &xdps, err);

	array_foreach (x, &xdps.list)
		r = r ?: add_site(ns, x, bpffs, sites, err);
	array_done(&xdps.list);
	return r;
}

int dispatch_list(const char *bpffs, struct dispatch_sites *ret, struct braid_error *err)
{
	_cleanup_dispatch_lock_ struct dispatch_lock lock = DISPATCH_LOCK_INIT;
	_cleanup_(netns_list_done) struct netns_list all = {};
	_cleanup_(dispatch_sites_done) struct dispatch_sites sites = {};
	int r = netns_list_read(false, &all, err);

	r = r ?: dispatch_lock_shared(bpffs, &lock, err);
	array_foreach (ns, &all.list)
		r = r ?: add_sites(ns, bpffs, &sites, err);
	if (r)
		return r;
	*ret = sites;
	sites = (struct dispatch_sites){};
	return 0;
}
