/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Looking at filters of clsact. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <string.h>

#include "base/text.h"
#include "kernel/netlink.h"
#include "kernel/tc_internal.h"

struct reading {
	struct tc_state *state;
	size_t start; /* what was in the list before */
};

static void read_bpf(struct netlink_attrs options, struct tc_attached *at)
{
	at->prog_id = netlink_get_u32(options, TCA_BPF_ID);
	at->direct = netlink_get_u32(options, TCA_BPF_FLAGS) & TCA_BPF_FLAG_ACT_DIRECT;
	netlink_get_text(options, TCA_BPF_NAME, at->name, sizeof(at->name));
	if (at->prog_id)
		tc_describe(at);
}

/* Of other kinds one stands for all of its priority: u32 lists its hash tables, too. */
static bool is_repeated(const struct tc_state *state, size_t start, const struct tc_attached *at)
{
	const struct tc_attached *last;

	if (state->list.n == start || text_eq(at->kind, "bpf"))
		return false;
	last = &state->list.v[state->list.n - 1];
	return text_eq(at->kind, last->kind) && at->priority == last->priority &&
	       at->chain == last->chain;
}

static int read_filter(void *ctx, const struct nlmsghdr *msg)
{
	struct reading *reading = ctx;
	const struct tcmsg *tc;
	struct netlink_attrs attrs;
	struct tc_attached at = {.clsact = true};

	if (!msg) {
		reading->state->list.n = reading->start;
		return 0;
	}
	if (msg->nlmsg_type != RTM_NEWTFILTER || msg->nlmsg_len < NLMSG_SPACE(sizeof(*tc)))
		return 0;
	tc = NLMSG_DATA(msg);
	/* the kernel lists the classifier itself, before its filters */
	if (!tc->tcm_handle)
		return 0;
	attrs = netlink_attrs(msg, sizeof(*tc));
	at.handle = tc->tcm_handle;
	at.priority = TC_H_MAJ(tc->tcm_info) >> 16;
	at.protocol = ntohs(TC_H_MIN(tc->tcm_info));
	at.chain = netlink_get_u32(attrs, TCA_CHAIN);
	netlink_get_text(attrs, TCA_KIND, at.kind, sizeof(at.kind));
	if (is_repeated(reading->state, reading->start, &at))
		return 0;
	if (text_eq(at.kind, "bpf"))
		read_bpf(netlink_inside(netlink_get(attrs, TCA_OPTIONS, 0)), &at);
	return array_add(&reading->state->list, at) ? 0 : -ENOMEM;
}

int tc_filters_read(__u32 ifindex, enum tc_hook hook, struct tc_state *state, const char *where,
		    struct braid_error *err)
{
	struct tcmsg tc = {
		.tcm_ifindex = ifindex,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT,
					hook == TC_INGRESS ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS),
	};
	struct reading reading = {.state = state, .start = state->list.n};
	_cleanup_free_ char *message = NULL;
	struct netlink_request req;
	int r;

	netlink_begin(&req, RTM_GETTFILTER, NLM_F_DUMP, &tc, sizeof(tc));
	r = netlink_ask(&req, read_filter, &reading, &message);
	return r ? tc_explain(r, message, where, "cannot ask for the attached filters", err) : 0;
}
