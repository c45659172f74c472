/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Changing filters of clsact. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <string.h>

#include "base/text.h"
#include "kernel/iface.h"
#include "kernel/netlink.h"
#include "kernel/tc_internal.h"

enum {
	/* what the kernel takes for the first one, too: far from both ends */
	FIRST_PRIORITY = 0xc000,
	LAST_PRIORITY = 0xffff,
};

static void site_done(struct tc_site *s)
{
	free(s->where);
}

static struct tc_site site_of(const struct netns *ns, __u32 ifindex, enum tc_hook hook)
{
	return (struct tc_site){ns, ifindex, hook, tc_where(ns, ifindex, hook)};
}

static int no_room(const struct tc_site *site, struct braid_error *err)
{
	error_set(err, -ENOSPC, site->where, "no free filter priority is at that place");
	error_why(err, "they go from 1 to %d, and order the filters", LAST_PRIORITY);
	error_hint(err, "say `priority:` in the manifest, or give the neighbours others (pref)");
	return -ENOSPC;
}

/* The number between those of two neighbours; 0: there is none. @low, @high: taken. */
static __u32 between(__u32 low, __u32 high, bool near_low)
{
	if (high - low < 2)
		return 0;
	return near_low ? low + 1 : high - 1;
}

static bool is_relative(const struct tc_place *place)
{
	return place->position == TC_BEFORE || place->position == TC_AFTER;
}

/* Shall the new filter come behind those of @priority? @anchor: the relative one's. */
static bool goes_behind(const struct tc_place *place, __u32 priority, __u32 anchor)
{
	switch (place->position) {
	case TC_FIRST:
		return false;
	case TC_BEFORE:
		return priority < anchor;
	case TC_AFTER:
		return priority <= anchor;
	case TC_LAST:
		break;
	}
	return true;
}

/* Filters of other chains than 0 are not run by themselves. 0: no filter has that program. */
static __u32 priority_of(const struct tc_state *state, __u32 prog_id)
{
	array_foreach (at, &state->list)
		if (!at->chain && prog_id && at->prog_id == prog_id)
			return at->priority;
	return 0;
}

/* @state: filters of the hook. */
static int choose_priority(const struct tc_site *site, const struct tc_place *place,
			   const struct tc_state *state, __u32 *ret, struct braid_error *err)
{
	__u32 low = 0, high = LAST_PRIORITY + 1, anchor = priority_of(state, place->relative);
	__u32 priority = FIRST_PRIORITY;

	if (is_relative(place) && !anchor) {
		error_set(err, -ENOENT, site->where, "program %u has no filter here",
			  place->relative);
		return -ENOENT;
	}
	array_foreach (at, &state->list) {
		if (at->chain)
			continue;
		if (goes_behind(place, at->priority, anchor))
			low = at->priority > low ? at->priority : low;
		else
			high = at->priority < high ? at->priority : high;
	}
	if (low || high <= LAST_PRIORITY)
		priority = between(low, high, goes_behind(place, anchor, anchor));
	if (!priority)
		return no_room(site, err);
	*ret = priority;
	return 0;
}

static int find_place(const struct tc_site *site, const struct tc_place *place, __u32 *ret,
		      struct braid_error *err)
{
	_cleanup_(tc_state_done) struct tc_state state = {};
	int r = tc_filters_read(site->ifindex, site->hook, &state, site->where, err);

	return r ?: choose_priority(site, place, &state, ret, err);
}

static void program_name(int fd, char ret[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	bpf_obj_get_info_by_fd(fd, &info, &size);
	memcpy(ret, info.name, BPF_OBJ_NAME_LEN);
}

static void begin(struct netlink_request *req, unsigned short type, unsigned short flags,
		  const struct tc_site *site, __u32 priority, __u32 handle)
{
	struct tcmsg tc = {
		.tcm_ifindex = site->ifindex,
		.tcm_handle = handle,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, site->hook == TC_INGRESS ? TC_H_MIN_INGRESS
									      : TC_H_MIN_EGRESS),
		.tcm_info = TC_H_MAKE(priority << 16, htons(ETH_P_ALL)),
	};

	netlink_begin(req, type, flags, &tc, sizeof(tc));
	netlink_put(req, TCA_KIND, "bpf", sizeof("bpf"));
}

static void put_program(struct netlink_request *req, int fd)
{
	__u32 flags = TCA_BPF_FLAG_ACT_DIRECT;
	struct rtattr *nest = netlink_nest(req, TCA_OPTIONS);
	char name[BPF_OBJ_NAME_LEN] = "";

	program_name(fd, name);
	netlink_put(req, TCA_BPF_FD, &fd, sizeof(fd));
	netlink_put(req, TCA_BPF_NAME, name, strnlen(name, sizeof(name) - 1) + 1);
	netlink_put(req, TCA_BPF_FLAGS, &flags, sizeof(flags));
	netlink_nest_end(req, nest);
}

/* The kernel repeats the filter as it has made it. */
static int read_made(void *ctx, const struct nlmsghdr *msg)
{
	const struct tcmsg *tc;
	struct tc_filter *made = ctx;

	if (!msg || msg->nlmsg_type != RTM_NEWTFILTER || msg->nlmsg_len < NLMSG_LENGTH(sizeof(*tc)))
		return 0;
	tc = NLMSG_DATA(msg);
	made->handle = tc->tcm_handle;
	made->priority = TC_H_MAJ(tc->tcm_info) >> 16;
	return 0;
}

/* Has somebody that priority, maybe for filters of another kind or protocol? */
static bool is_taken(const struct tc_site *site, __u32 priority)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_(tc_state_done) struct tc_state state = {};
	bool taken = false;

	tc_filters_read(site->ifindex, site->hook, &state, site->where, &ignored);
	array_foreach (at, &state.list)
		taken |= !at->chain && at->priority == priority;
	return taken;
}

static int explain_add(int r, const char *message, const struct tc_site *site,
		       const struct tc_filter *f, struct braid_error *err)
{
	if (r == -ENOENT)
		return tc_explain_missing(message, site->where, "BPF classifier", "cls_bpf", err);
	tc_explain(r, message, site->where, "cannot add a filter", err);
	if (r == -EINVAL && !message)
		error_why(err, "the kernel refuses this program here: its type is not SCHED_CLS?");
	if (r != -EEXIST && !(r == -EINVAL && is_taken(site, f->priority)))
		return r;
	error_set(err, -EEXIST, site->where, "cannot add a filter of priority %u", f->priority);
	error_why(err, "%s", message ?: "there is one already");
	error_hint(err, "`tc filter show dev … %s` tells which priorities (pref) are taken",
		   site->hook == TC_INGRESS ? "ingress" : "egress");
	return -EEXIST;
}

static int add(const struct tc_site *site, int prog_fd, struct tc_filter *f,
	       struct braid_error *err)
{
	_cleanup_free_ char *message = NULL;
	struct tc_filter made = *f;
	struct netlink_request req;
	int r;

	if (!made.priority) {
		r = find_place(site, &f->place, &made.priority, err);
		if (r)
			return r;
	}
	begin(&req, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO, site, made.priority,
	      made.handle);
	put_program(&req, prog_fd);
	r = netlink_ask(&req, read_made, &made, &message);
	if (r)
		return explain_add(r, message, site, &made, err);
	*f = made;
	return 0;
}

static int check(const struct tc_site *site, const struct tc_filter *f, struct braid_error *err)
{
	char name[IF_NAMESIZE];

	if (tc_is_netkit(site->hook) || f->priority > LAST_PRIORITY) {
		error_set(err, -EINVAL, site->where,
			  tc_is_netkit(site->hook) ? "a netkit hook has no filters"
						   : "filter priority %u is beyond %d",
			  f->priority, LAST_PRIORITY);
		return -EINVAL;
	}
	return iface_name(site->ns, site->ifindex, name, err);
}

int tc_filter_attach(const struct netns *ns, __u32 ifindex, enum tc_hook hook, int prog_fd,
		     struct tc_filter *f, bool *ret_made, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_(site_done) struct tc_site site = site_of(ns, ifindex, hook);
	bool made = false;
	int r = check(&site, f, err);

	if (!r)
		r = netns_enter(ns, &guard, err);
	if (!r)
		r = tc_clsact_add(&site, &made, err);
	if (r)
		return r;
	r = add(&site, prog_fd, f, err);
	if (r) {
		if (made)
			tc_clsact_drop(&site, &ignored);
		return r;
	}
	*ret_made = made;
	return 0;
}

/* Return: 0; -ENOENT; -ESTALE it has another program than @expected. */
static int look(const struct tc_site *site, const struct tc_filter *f, __u32 expected,
		struct braid_error *err)
{
	_cleanup_(tc_state_done) struct tc_state state = {};
	int r = tc_filters_read(site->ifindex, site->hook, &state, site->where, err);

	if (r)
		return r;
	array_foreach (at, &state.list) {
		if (at->chain || at->priority != f->priority || at->handle != f->handle)
			continue;
		if (at->prog_id == expected)
			return 0;
		error_set(err, -ESTALE, site->where,
			  "the filter with priority %u and handle %#x has another program",
			  f->priority, f->handle);
		error_why(err, "'%s' (program %u), not program %u: somebody else replaced it",
			  at->name, at->prog_id, expected);
		return -ESTALE;
	}
	error_set(err, -ENOENT, site->where, "there is no filter with priority %u and handle %#x",
		  f->priority, f->handle);
	error_why(err, "somebody else removed it");
	return -ENOENT;
}

int tc_filter_update(const struct netns *ns, __u32 ifindex, enum tc_hook hook,
		     const struct tc_filter *f, __u32 old_id, int new_fd, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_(site_done) struct tc_site site = site_of(ns, ifindex, hook);
	_cleanup_free_ char *message = NULL;
	struct netlink_request req;
	int r = check(&site, f, err);

	if (!r)
		r = netns_enter(ns, &guard, err);
	if (!r)
		r = look(&site, f, old_id, err);
	if (r)
		return r;
	begin(&req, RTM_NEWTFILTER, 0, &site, f->priority, f->handle);
	put_program(&req, new_fd);
	r = netlink_talk(&req, &message);
	return r ? tc_explain(r, message, site.where, "cannot replace the program of a filter", err)
		 : 0;
}

static int remove_filter(const struct tc_site *site, const struct tc_filter *f,
			 struct braid_error *err)
{
	_cleanup_free_ char *message = NULL;
	struct netlink_request req;
	int r;

	begin(&req, RTM_DELTFILTER, 0, site, f->priority, f->handle);
	r = netlink_talk(&req, &message);
	return r && r != -ENOENT
		       ? tc_explain(r, message, site->where, "cannot remove a filter", err)
		       : 0;
}

int tc_filter_detach(const struct netns *ns, __u32 ifindex, enum tc_hook hook,
		     const struct tc_filter *f, __u32 expected_id, bool drop_clsact,
		     struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_(site_done) struct tc_site site = site_of(ns, ifindex, hook);
	int r = check(&site, f, err);

	if (r == -ENODEV) /* and its filters with it */
		return 0;
	if (!r)
		r = netns_enter(ns, &guard, err);
	if (!r)
		r = look(&site, f, expected_id, err);
	if (!r)
		r = remove_filter(&site, f, err);
	if (r == -ENOENT)
		r = 0;
	if (!r && drop_clsact)
		r = tc_clsact_drop(&site, err);
	return r;
}
