/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/xdp_netlink.h"

#include <errno.h>

#include "base/text.h"
#include "kernel/iface.h"
#include "kernel/rtnl.h"

int xdp_netlink_attach(const struct netns *ns, __u32 ifindex, int prog_fd, enum xdp_mode mode,
		       struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_free_ char *message = NULL;
	int r = netns_enter(ns, &guard, err);

	if (r)
		return r;
	r = rtnl_xdp_attach(ifindex, prog_fd, xdp_mode_flags[mode], &message);
	if (!r)
		return 0;
	r = xdp_explain_attach(r, ns, ifindex, mode, err);
	if (message && r != -EBUSY && r != -EEXIST)
		error_why(err, "%s", message);
	return r;
}

/* -EBUSY: held by a link; -EEXIST: another program, or none. */
static bool is_other(int r)
{
	return r == -EBUSY || r == -EEXIST;
}

static int stale(const struct netns *ns, __u32 ifindex, const struct xdp_state *state,
		 struct braid_error *err)
{
	_cleanup_free_ char *where = iface_where(ns, ifindex);

	error_set(err, -ESTALE, where, "another program is attached than expected");
	if (state->n)
		error_why(err, "'%s' (program %u, %s): somebody else attached it", state->v[0].name,
			  state->v[0].prog_id, xdp_mode_names[state->v[0].mode]);
	else
		error_why(err, "none is: somebody else detached it");
	return -ESTALE;
}

int xdp_netlink_replace(const struct netns *ns, __u32 ifindex, int old_fd, int new_fd,
			enum xdp_mode mode, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_free_ char *message = NULL;
	struct xdp_state state;
	int r = netns_enter(ns, &guard, err);

	if (r)
		return r;
	r = rtnl_xdp_replace(ifindex, old_fd, new_fd, xdp_mode_flags[mode], &message);
	if (is_other(r))
		return xdp_query(ns, ifindex, &state, err) ?: stale(ns, ifindex, &state, err);
	if (!r)
		return 0;
	r = xdp_explain_attach(r, ns, ifindex, mode, err);
	if (message)
		error_why(err, "%s", message);
	return r;
}

int xdp_netlink_detach(const struct netns *ns, __u32 ifindex, int old_fd, enum xdp_mode mode,
		       struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_free_ char *message = NULL, *where = NULL;
	struct xdp_state state;
	int r = netns_enter(ns, &guard, err);

	if (r)
		return r;
	r = rtnl_xdp_detach(ifindex, old_fd, xdp_mode_flags[mode], &message);
	if (is_other(r)) {
		r = xdp_query(ns, ifindex, &state, err);
		if (!r && state.n)
			return stale(ns, ifindex, &state, err);
		braid_error_clear(err);
	}
	if (!r || r == -ENODEV)
		return 0;
	where = iface_where(ns, ifindex);
	error_errno(err, r, where, "cannot detach a program");
	if (message)
		error_why(err, "%s", message);
	return r;
}
