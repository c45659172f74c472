/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Links of TCX and netkit: making them. What is done with them: link.h. */
#include <bpf/bpf.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel/iface.h"
#include "kernel/tc_internal.h"
#include "kernel/tcx_abi.h"

static bool is_there(const struct tc_state *state, const struct tc_place *place)
{
	array_foreach (at, &state->list)
		if (!at->clsact && place->relative == (place->is_link ? at->link_id : at->prog_id))
			return true;
	return false;
}

static bool is_relative(const struct tc_place *place)
{
	return place->position == TC_BEFORE || place->position == TC_AFTER;
}

static int explain_relative(const char *where, const struct tc_place *place,
			    const struct tc_state *state, struct braid_error *err)
{
	_cleanup_(buf_done) struct buf there = {};

	array_foreach (at, &state->list)
		if (!at->clsact)
			buf_fmt(&there, "%s'%s' (program %u)", there.n ? ", " : "", at->name,
				at->prog_id);
	error_set(err, -ENOENT, where, "cannot attach %s %s %u, which is not in the list",
		  place->position == TC_BEFORE ? "before" : "after",
		  place->is_link ? "link" : "program", place->relative);
	if (there.n)
		error_why(err, "attached are: %s", there.v);
	else
		error_why(err, "nothing is attached");
	return -ENOENT;
}

static void explain_stale(const struct tc_place *place, const struct tc_state *state,
			  struct braid_error *err)
{
	error_why(err,
		  "it was looked at as revision %llu, and is %llu now: somebody else attached "
		  "or detached a program",
		  (unsigned long long)place->revision, (unsigned long long)state->revision);
	error_hint(err, "look at the hook again, and decide anew");
}

static int no_links(const char *where, enum tc_hook hook, struct braid_error *err)
{
	error_set(err, -EOPNOTSUPP, where, "this kernel has no links for this hook");
	error_why(err, "they need Linux %s", tc_is_netkit(hook) ? "6.7" : "6.6");
	if (!tc_is_netkit(hook))
		error_hint(err, "`via: netlink` attaches by a filter of clsact");
	return -EOPNOTSUPP;
}

static int explain_create(int r, const struct netns *ns, __u32 ifindex, enum tc_hook hook,
			  const struct tc_place *place, struct braid_error *err)
{
	_cleanup_free_ char *where = tc_where(ns, ifindex, hook);
	_cleanup_(tc_state_done) struct tc_state state = {};

	if (r == -EINVAL && !tc_has_links(hook))
		return no_links(where, hook, err);
	if (r == -EPERM) {
		error_errno(err, r, where, "cannot attach");
		error_hint(err, "it takes CAP_NET_ADMIN and CAP_BPF: run as root");
		return r;
	}
	/* its own words for an interface that is gone or has no such hook */
	if (tc_query(ns, ifindex, hook, &state, err))
		return error_code(err);
	if (is_relative(place) && (r == -ENOENT || r == -EINVAL) && !is_there(&state, place))
		return explain_relative(where, place, &state, err);
	error_errno(err, r, where, "cannot attach");
	switch (-r) {
	case ESTALE:
		error_set(err, r, where, "the list of programs has changed meanwhile");
		explain_stale(place, &state, err);
		break;
	case EEXIST:
		error_set(err, r, where, "this program is attached already");
		error_why(err, "the list holds each program once");
		break;
	case ERANGE:
		error_set(err, r, where, "no more programs can be attached");
		error_why(err, "the kernel takes 63 at a hook");
		break;
	case EINVAL:
		error_why(err, "the kernel refuses this program here: its type is not SCHED_CLS?");
		break;
	}
	return r;
}

int tc_link_create(const struct netns *ns, __u32 ifindex, enum tc_hook hook, int prog_fd,
		   const struct tc_place *place, int *ret_fd, struct braid_error *err)
{
	static const __u32 positions[] = {
		[TC_LAST] = 0,
		[TC_FIRST] = ABI_F_BEFORE,
		[TC_BEFORE] = ABI_F_BEFORE | ABI_F_ID,
		[TC_AFTER] = ABI_F_AFTER | ABI_F_ID,
	};
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	struct abi_link_create create = {
		.prog_fd = prog_fd,
		.ifindex = ifindex,
		.attach_type = tc_attach_type(hook),
		.flags = positions[place->position],
		.expected_revision = place->revision,
	};
	int fd, r;

	if (is_relative(place)) {
		/* 0 would be none, and so the first or last place */
		if (!place->relative)
			return explain_create(-ENOENT, ns, ifindex, hook, place, err);
		create.flags |= place->is_link ? ABI_F_LINK : 0;
		create.relative = place->relative;
	}
	r = netns_enter(ns, &guard, err);
	if (r)
		return r;
	fd = syscall(SYS_bpf, BPF_LINK_CREATE, &create, sizeof(create));
	if (fd < 0)
		return explain_create(-errno, ns, ifindex, hook, place, err);
	*ret_fd = fd;
	return 0;
}
