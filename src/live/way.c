/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "live/way.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"

void spot_forget_chain(struct spot *s)
{
	if (s->chain)
		dispatcher_done(s->chain);
	free(s->chain);
	s->chain = NULL;
}

void spot_done(struct spot *s)
{
	netns_done(&s->ns);
	spot_forget_chain(s);
	tc_state_done(&s->tc);
}

enum tc_hook tc_hook_of(enum hook hook)
{
	switch (hook) {
	case HOOK_TC_EGRESS:
		return TC_EGRESS;
	case HOOK_NETKIT_PRIMARY:
		return TC_NETKIT_PRIMARY;
	case HOOK_NETKIT_PEER:
		return TC_NETKIT_PEER;
	default:
		return TC_INGRESS;
	}
}

static int look_at_chain(struct spot *s, struct braid_error *err)
{
	const struct xdp_attached *there = spot_xdp(s);
	_cleanup_free_ char *bpffs = NULL;
	struct dispatcher *chain;
	int r;

	spot_forget_chain(s);
	if (!there || !text_eq(there->name, DISPATCHER_NAME))
		return 0;
	chain = malloc(sizeof(*chain));
	if (!chain)
		return error_oom(err);
	r = dispatch_bpffs(&bpffs, err) ?: dispatcher_read(&s->ns, s->ifindex, bpffs, chain, err);
	if (r)
		free(chain);
	else
		s->chain = chain;
	return r;
}

bool spot_has_chain(const struct spot *s)
{
	return s->chain && s->chain->state == DISPATCHER_SOUND;
}

bool spot_has_others(const struct spot *s, const struct ids *ours)
{
	if (!s->chain)
		return false;
	array_foreach (c, &s->chain->components)
		if (!ours || !ids_have(ours, c->id))
			return true;
	return false;
}

int spot_look(struct spot *s, struct braid_error *err)
{
	struct tc_state tc = {};
	int r;

	if (s->hook == HOOK_XDP)
		return xdp_query(&s->ns, s->ifindex, &s->xdp, err) ?: look_at_chain(s, err);
	r = tc_query(&s->ns, s->ifindex, tc_hook_of(s->hook), &tc, err);
	if (r)
		return r;
	tc_state_done(&s->tc);
	s->tc = tc;
	return 0;
}

const struct xdp_attached *spot_xdp(const struct spot *s)
{
	for (size_t i = 0; i < s->xdp.n; i++)
		if (s->xdp.v[i].mode != XDP_HARDWARE)
			return &s->xdp.v[i];
	return NULL;
}

static const struct way *const ways[] = {
	&way_xdp_link, &way_xdp_netlink, &way_tc_link, &way_clsact, &way_dispatcher,
};

const struct way *way_by_number(__u32 number)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (ways[i]->number == number)
			return ways[i];
	return NULL;
}

const struct way *way_of_link(enum link_kind kind)
{
	return kind == LINK_XDP ? &way_xdp_link : &way_tc_link;
}

const char *way_name(const struct way *way, enum hook hook)
{
	bool is_netkit = hook == HOOK_NETKIT_PRIMARY || hook == HOOK_NETKIT_PEER;

	return way == &way_tc_link && is_netkit ? "netkit" : way->name;
}
