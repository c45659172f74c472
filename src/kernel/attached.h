/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * All programs that packets of an interface meet, whoever attached them. Of libxdp's
 * dispatchers it is the dispatcher only: what is in it knows src/dispatch.
 */
#pragma once

#include "kernel/tc.h"
#include "kernel/xdp.h"

/* What comes in meets the first four in this order, what goes out the last two. */
enum attached_hook {
	ATTACHED_HARDWARE,    /* XDP on the device */
	ATTACHED_NETKIT_PEER, /* what the peer sends comes in here */
	ATTACHED_XDP,
	ATTACHED_TC_INGRESS, /* TCX, then clsact */
	ATTACHED_TC_EGRESS,  /* the same */
	ATTACHED_NETKIT_PRIMARY
};

static inline bool attached_goes_out(enum attached_hook hook)
{
	return hook == ATTACHED_TC_EGRESS || hook == ATTACHED_NETKIT_PRIMARY;
}

struct attached {
	enum attached_hook hook;
	enum xdp_mode mode;    /* of XDP */
	__u32 links;           /* of XDP: as in struct xdp_attached */
	struct tc_attached is; /* of XDP only what follows `name`, with program and link */
};

struct attached_list {
	ARRAY(struct attached) list; /* by hook, and then in the order in which packets meet them */
};

/**
 * attached_read() - what is attached to @ifindex.
 * Return: 0; -ENODEV no such interface; -EPERM.
 */
int attached_read(const struct netns *ns, __u32 ifindex, struct attached_list *ret,
		  struct braid_error *err);
void attached_done(struct attached_list *l);
