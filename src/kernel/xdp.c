/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/xdp.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "base/text.h"
#include "kernel/iface.h"
#include "kernel/link.h"
#include "kernel/rtnl.h"

const char *const xdp_mode_names[] = {
	[XDP_NATIVE] = "native",
	[XDP_GENERIC] = "generic",
	[XDP_HARDWARE] = "hardware",
};

const __u32 xdp_mode_flags[] = {
	[XDP_NATIVE] = XDP_FLAGS_DRV_MODE,
	[XDP_GENERIC] = XDP_FLAGS_SKB_MODE,
	[XDP_HARDWARE] = XDP_FLAGS_HW_MODE,
};

static int prog_info(int fd, struct bpf_prog_info *ret)
{
	__u32 size = sizeof(*ret);

	*ret = (struct bpf_prog_info){};
	return bpf_obj_get_info_by_fd(fd, ret, &size);
}

/* Counts the links that may be the one of @at, whose program is known. */
static void find_links(__u32 ifindex, struct xdp_attached *at)
{
	/* links come and go, and not all are XDP's */
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	struct link_info info;
	__u32 id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		_cleanup_close_ int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0 || link_info(fd, &info, &ignored) || info.kind != LINK_XDP ||
		    info.ifindex != ifindex || info.prog_id != at->prog_id)
			continue;
		at->link_id = at->links++ ? 0 : id;
	}
}

static void describe(__u32 prog_id, enum xdp_mode mode, __u32 ifindex, struct xdp_state *state)
{
	_cleanup_close_ int fd = -1;
	struct xdp_attached *at;
	struct bpf_prog_info info;

	if (!prog_id)
		return;
	at = &state->v[state->n++];
	*at = (struct xdp_attached){.mode = mode, .prog_id = prog_id};
	find_links(ifindex, at);
	fd = bpf_prog_get_fd_by_id(prog_id);
	if (fd < 0 || prog_info(fd, &info))
		return;
	memcpy(at->name, info.name, sizeof(at->name));
	memcpy(at->tag, info.tag, sizeof(at->tag));
	at->uid = info.created_by_uid;
	at->loaded_ns = info.load_time;
}

int xdp_query(const struct netns *ns, __u32 ifindex, struct xdp_state *ret, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	struct xdp_state state = {};
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	char name[IF_NAMESIZE];
	int r;

	/* libbpf finds nothing on an interface that does not exist, and calls it success */
	r = iface_name(ns, ifindex, name, err);
	if (r)
		return r;
	r = netns_enter(ns, &guard, err);
	if (r)
		return r;
	r = bpf_xdp_query(ifindex, 0, &opts);
	if (r) {
		_cleanup_free_ char *where = iface_where(ns, ifindex);

		return error_errno(err, r, where, "cannot ask for the attached XDP program");
	}
	describe(opts.hw_prog_id, XDP_HARDWARE, ifindex, &state);
	if (opts.drv_prog_id)
		describe(opts.drv_prog_id, XDP_NATIVE, ifindex, &state);
	else
		describe(opts.skb_prog_id, XDP_GENERIC, ifindex, &state);
	*ret = state;
	return 0;
}

/* Who is in the way. */
static void explain_occupied(const struct netns *ns, __u32 ifindex, struct braid_error *err)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	struct xdp_state state;
	struct xdp_attached *at = &state.v[0];

	if (xdp_query(ns, ifindex, &state, &ignored))
		return;
	if (!state.n)
		error_why(err, "a device above it (bond, team, bridge) has one");
	else if (at->link_id)
		error_why(err, "'%s' (program %u, %s, by link %u)", at->name, at->prog_id,
			  xdp_mode_names[at->mode], at->link_id);
	else
		error_why(err, "'%s' (program %u, %s%s)", at->name, at->prog_id,
			  xdp_mode_names[at->mode], at->links ? "" : ", by netlink");
}

/*
 * The kernel has a sentence for each of these, but tells it to netlink only, not to
 * bpf(2). What the errnos stand for is read in net/core/dev.c and in drivers.
 */
int xdp_explain_attach(int r, const struct netns *ns, __u32 ifindex, enum xdp_mode mode,
		       struct braid_error *err)
{
	_cleanup_free_ char *where = iface_where(ns, ifindex);
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	char name[IF_NAMESIZE];

	if (r == -EINVAL && iface_name(ns, ifindex, name, &ignored) == -ENODEV) {
		error_errno(err, -ENODEV, where, "the interface is gone");
		return -ENODEV;
	}
	error_errno(err, r, where, "cannot attach in %s mode", xdp_mode_names[mode]);
	switch (-r) {
	case EBUSY:
	case EEXIST:
		error_set(err, r, where, "another XDP program is attached already");
		explain_occupied(ns, ifindex, err);
		break;
	case EOPNOTSUPP:
		if (mode != XDP_NATIVE)
			break;
		error_why(err, "its driver has no native XDP, or not with the present MTU and "
			       "offloads (LRO, header split)");
		error_hint(err, "`mode: generic` works on every device, more slowly");
		break;
	case ERANGE:
		error_why(err, "the MTU is too large for native XDP");
		error_hint(err, "lower the MTU (of a veth, its peer's too), build the programs "
				"with xdp.frags, or use `mode: generic`");
		break;
	case ENOSPC:
	case ENOMEM:
		error_hint(err, "native XDP takes queues and memory of its own: are there fewer "
				"queues than `ethtool -l` allows?");
		break;
	case EINVAL:
		error_why(err, "the driver refuses this program: often the MTU, or the number of "
			       "queues");
		break;
	case EPERM:
		error_hint(err, "it takes CAP_NET_ADMIN and CAP_BPF: run as root");
		break;
	}
	return r;
}

int xdp_link_create(const struct netns *ns, __u32 ifindex, int prog_fd, enum xdp_mode mode,
		    int *ret_fd, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = xdp_mode_flags[mode]);
	int fd, r;

	r = netns_enter(ns, &guard, err);
	if (r)
		return r;
	fd = bpf_link_create(prog_fd, ifindex, BPF_XDP, &opts);
	if (fd < 0)
		return xdp_explain_attach(fd, ns, ifindex, mode, err);
	*ret_fd = fd;
	return 0;
}

static int stale(const char *where, const struct xdp_attached *found, struct braid_error *err)
{
	error_set(err, -ESTALE, where, "'%s' (program %u) is no longer what is attached",
		  found->name, found->prog_id);
	return -ESTALE;
}

static int detach_foreign_link(const char *where, __u32 ifindex, const struct xdp_attached *found,
			       struct braid_error *err)
{
	_cleanup_close_ int fd = -1;
	struct xdp_attached now = {.prog_id = found->prog_id};
	struct link_info info;
	int r;

	find_links(ifindex, &now);
	if (now.links > 1) {
		error_set(err, -ENOTUNIQ, where, "cannot tell which link holds '%s' (program %u)",
			  found->name, found->prog_id);
		error_why(err,
			  "%u links have it at this interface index, in several network "
			  "namespaces",
			  now.links);
		error_hint(err, "detach it by the tool that attached it");
		return -ENOTUNIQ;
	}
	if (!now.links)
		return stale(where, found, err);
	fd = bpf_link_get_fd_by_id(now.link_id);
	if (fd < 0)
		return error_errno(err, fd, where, "cannot open link %u", now.link_id);
	r = link_info(fd, &info, err);
	if (r)
		return r;
	if (info.ifindex != ifindex || info.prog_id != found->prog_id)
		return stale(where, found, err);
	return link_detach(fd, err);
}

int xdp_detach_foreign(const struct netns *ns, __u32 ifindex, const struct xdp_attached *found,
		       struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_free_ char *where = iface_where(ns, ifindex);
	_cleanup_free_ char *message = NULL;
	_cleanup_close_ int prog = -1;
	int r;

	prog = bpf_prog_get_fd_by_id(found->prog_id);
	if (prog == -ENOENT)
		return 0;
	if (prog < 0) {
		error_errno(err, prog, where, "cannot open program %u", found->prog_id);
		if (prog == -EPERM)
			error_hint(err, "it takes CAP_SYS_ADMIN: run as root");
		return prog;
	}
	r = netns_enter(ns, &guard, err);
	if (r)
		return r;
	/* The kernel knows best which way it was attached: it refuses netlink for a link. */
	r = rtnl_xdp_detach(ifindex, prog, xdp_mode_flags[found->mode], &message);
	if (r == -EBUSY)
		return detach_foreign_link(where, ifindex, found, err);
	if (r == -EEXIST) {
		/* nothing attached is "another" as well */
		struct xdp_state state;

		r = xdp_query(ns, ifindex, &state, err);
		if (r)
			return r;
		return state.n ? stale(where, found, err) : 0;
	}
	if (r) {
		error_errno(err, r, where, "cannot detach '%s' (program %u)", found->name,
			    found->prog_id);
		if (message)
			error_why(err, "%s", message);
	}
	return r;
}

int xdp_attach_foreign(const struct netns *ns, __u32 ifindex, int prog_fd, enum xdp_mode mode,
		       struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_free_ char *where = iface_where(ns, ifindex);
	_cleanup_free_ char *message = NULL;
	int r = netns_enter(ns, &guard, err);

	if (r)
		return r;
	r = rtnl_xdp_attach(ifindex, prog_fd, xdp_mode_flags[mode], &message);
	if (r) {
		error_errno(err, r, where, "cannot put the detached program back");
		if (message)
			error_why(err, "%s", message);
	}
	return r;
}
