/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/attached.h"

#include <errno.h>
#include <string.h>

void attached_done(struct attached_list *l)
{
	array_done(&l->list);
}

static int add_xdp(const struct xdp_attached *x, struct attached_list *l, struct braid_error *err)
{
	struct attached at = {
		.hook = x->mode == XDP_HARDWARE ? ATTACHED_HARDWARE : ATTACHED_XDP,
		.mode = x->mode,
		.links = x->links,
		.is = {.prog_id = x->prog_id,
		       .link_id = x->link_id,
		       .uid = x->uid,
		       .loaded_ns = x->loaded_ns},
	};

	memcpy(at.is.name, x->name, sizeof(at.is.name));
	memcpy(at.is.tag, x->tag, sizeof(at.is.tag));
	return array_add(&l->list, at) ? 0 : error_oom(err);
}

static int read_xdp(const struct netns *ns, __u32 ifindex, bool hardware, struct attached_list *l,
		    struct braid_error *err)
{
	struct xdp_state state;
	int r = xdp_query(ns, ifindex, &state, err);

	for (size_t i = 0; !r && i < state.n; i++)
		if ((state.v[i].mode == XDP_HARDWARE) == hardware)
			r = add_xdp(&state.v[i], l, err);
	return r;
}

static int read_tc(const struct netns *ns, __u32 ifindex, enum attached_hook hook,
		   struct attached_list *l, struct braid_error *err)
{
	static const enum tc_hook hooks[] = {
		[ATTACHED_TC_INGRESS] = TC_INGRESS,
		[ATTACHED_TC_EGRESS] = TC_EGRESS,
		[ATTACHED_NETKIT_PRIMARY] = TC_NETKIT_PRIMARY,
		[ATTACHED_NETKIT_PEER] = TC_NETKIT_PEER,
	};
	_cleanup_(tc_state_done) struct tc_state state = {};
	_cleanup_error_ struct braid_error none = BRAID_ERROR_INIT;
	int r = tc_query(ns, ifindex, hooks[hook], &state, &none);

	/* most interfaces have no netkit hooks */
	if (r == -EINVAL && (hook == ATTACHED_NETKIT_PRIMARY || hook == ATTACHED_NETKIT_PEER))
		return 0;
	if (r)
		return error_move(err, &none);
	array_foreach (t, &state.list) {
		struct attached at = {.hook = hook, .is = *t};

		if (!array_add(&l->list, at))
			return error_oom(err);
	}
	return 0;
}

int attached_read(const struct netns *ns, __u32 ifindex, struct attached_list *ret,
		  struct braid_error *err)
{
	_cleanup_(attached_done) struct attached_list l = {};
	int r = read_xdp(ns, ifindex, true, &l, err)
			?: read_tc(ns, ifindex, ATTACHED_NETKIT_PEER, &l, err)
			?: read_xdp(ns, ifindex, false, &l, err)
			?: read_tc(ns, ifindex, ATTACHED_TC_INGRESS, &l, err)
			?: read_tc(ns, ifindex, ATTACHED_TC_EGRESS, &l, err)
			?: read_tc(ns, ifindex, ATTACHED_NETKIT_PRIMARY, &l, err);

	if (r)
		return r;
	*ret = l;
	l = (struct attached_list){};
	return 0;
}
