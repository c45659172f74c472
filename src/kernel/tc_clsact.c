/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The queueing discipline that has the filters. */
#include <errno.h>
#include <linux/pkt_sched.h>

#include "base/text.h"
#include "kernel/netlink.h"
#include "kernel/tc_internal.h"

#ifndef TCA_INGRESS_BLOCK
#define TCA_INGRESS_BLOCK 13
#define TCA_EGRESS_BLOCK  14
#endif

int tc_explain(int r, const char *message, const char *where, const char *what,
	       struct braid_error *err)
{
	error_errno(err, r, where, "%s", what);
	if (message)
		error_why(err, "%s", message);
	if (r == -EPERM)
		error_hint(err, "it takes CAP_NET_ADMIN and CAP_BPF: run as root");
	return r;
}

int tc_explain_missing(const char *message, const char *where, const char *what, const char *module,
		       struct braid_error *err)
{
	error_set(err, -EOPNOTSUPP, where, "this kernel has no %s", what);
	if (message)
		error_why(err, "%s", message);
	error_hint(err, "it is a module of most distributions: modprobe %s", module);
	return -EOPNOTSUPP;
}

static int read_clsact(void *ctx, const struct nlmsghdr *msg)
{
	struct netlink_attrs attrs = {};
	struct tc_clsact *found = ctx;

	if (!msg || msg->nlmsg_type != RTM_NEWQDISC)
		return 0;
	attrs = netlink_attrs(msg, sizeof(struct tcmsg));
	netlink_get_text(attrs, TCA_KIND, found->kind, sizeof(found->kind));
	found->shared = netlink_get_u32(attrs, TCA_INGRESS_BLOCK) ||
			netlink_get_u32(attrs, TCA_EGRESS_BLOCK);
	return 0;
}

int tc_clsact_read(__u32 ifindex, struct tc_clsact *ret, const char *where, struct braid_error *err)
{
	struct tcmsg tc = {.tcm_ifindex = ifindex, .tcm_parent = TC_H_CLSACT};
	_cleanup_free_ char *message = NULL;
	struct netlink_request req;
	struct tc_clsact found = {};
	int r;

	/* without the echo only those are told who listen to changes */
	netlink_begin(&req, RTM_GETQDISC, NLM_F_ECHO, &tc, sizeof(tc));
	r = netlink_ask(&req, read_clsact, &found, &message);
	if (r && r != -ENOENT)
		return tc_explain(r, message, where, "cannot ask for the queueing discipline", err);
	*ret = found;
	return 0;
}

static int clsact_taken(const struct tc_site *site, struct braid_error *err)
{
	struct tc_clsact clsact;
	int r = tc_clsact_read(site->ifindex, &clsact, site->where, err);

	if (r)
		return r;
	if (text_eq(clsact.kind, "clsact") ||
	    (text_eq(clsact.kind, "ingress") && site->hook == TC_INGRESS))
		return 0;
	error_set(err, -EBUSY, site->where, "cannot add the queueing discipline clsact");
	error_why(err, "'%s' is in its place, which has no egress", clsact.kind);
	error_hint(err,
		   "`tc qdisc replace dev … clsact` takes its filters away; so do that only if "
		   "they are yours");
	return -EBUSY;
}

int tc_clsact_add(const struct tc_site *site, bool *ret_made, struct braid_error *err)
{
	struct tcmsg tc = {
		.tcm_ifindex = site->ifindex,
		.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
		.tcm_parent = TC_H_CLSACT,
	};
	_cleanup_free_ char *message = NULL;
	struct netlink_request req;
	int r;

	netlink_begin(&req, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &tc, sizeof(tc));
	netlink_put(&req, TCA_KIND, "clsact", sizeof("clsact"));
	r = netlink_talk(&req, &message);
	if (r == -EEXIST)
		return clsact_taken(site, err);
	if (r == -ENOENT)
		return tc_explain_missing(message, site->where, "clsact", "sch_ingress", err);
	if (r)
		return tc_explain(r, message, site->where,
				  "cannot add the queueing discipline clsact", err);
	*ret_made = true;
	return 0;
}

static int count_filters(const struct tc_site *site, size_t *ret, struct braid_error *err)
{
	_cleanup_(tc_state_done) struct tc_state state = {};
	int r = tc_filters_read(site->ifindex, TC_INGRESS, &state, site->where, err)
			?: tc_filters_read(site->ifindex, TC_EGRESS, &state, site->where, err);

	*ret = state.list.n;
	return r;
}

int tc_clsact_drop(const struct tc_site *site, struct braid_error *err)
{
	struct tcmsg tc = {
		.tcm_ifindex = site->ifindex,
		.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
		.tcm_parent = TC_H_CLSACT,
	};
	_cleanup_free_ char *message = NULL;
	struct netlink_request req;
	struct tc_clsact clsact;
	size_t filters;
	int r = tc_clsact_read(site->ifindex, &clsact, site->where, err);

	if (r || !text_eq(clsact.kind, "clsact") || clsact.shared)
		return r;
	r = count_filters(site, &filters, err);
	if (r || filters)
		return r;
	netlink_begin(&req, RTM_DELQDISC, 0, &tc, sizeof(tc));
	netlink_put(&req, TCA_KIND, "clsact", sizeof("clsact"));
	r = netlink_talk(&req, &message);
	if (r && r != -ENOENT && r != -EINVAL) /* somebody else has removed it */
		return tc_explain(r, message, site->where,
				  "cannot remove the queueing discipline clsact", err);
	return 0;
}
