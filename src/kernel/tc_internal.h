/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the files of tc.h share. */
#pragma once

#include "kernel/tc.h"

__u32 tc_attach_type(enum tc_hook hook);
static inline bool tc_is_netkit(enum tc_hook hook)
{
	return hook == TC_NETKIT_PRIMARY || hook == TC_NETKIT_PEER;
}

/* "interface eth0, tc-ingress". NULL: no memory. Caller frees. */
char *tc_where(const struct netns *ns, __u32 ifindex, enum tc_hook hook);

/* What else is known of a program whose id is known. */
void tc_describe(struct tc_attached *at);

/* Where the changes of filters act. */
struct tc_site {
	const struct netns *ns;
	__u32 ifindex;
	enum tc_hook hook;
	char *where;
};

/* @message: the kernel's sentence, or NULL. Return: @r. */
int tc_explain(int r, const char *message, const char *where, const char *what,
	       struct braid_error *err);
/* A kernel without a module says ENOENT, as it does of much else. Return: -EOPNOTSUPP. */
int tc_explain_missing(const char *message, const char *where, const char *what, const char *module,
		       struct braid_error *err);

/* All of these act in the network namespace of the calling thread. */

/* The queueing discipline where clsact goes. */
struct tc_clsact {
	char kind[16]; /* "": none */
	bool shared;   /* its filters may be those of other interfaces, too */
};

int tc_clsact_read(__u32 ifindex, struct tc_clsact *ret, const char *where,
		   struct braid_error *err);
/* One that is there is fine. -EBUSY: another one is, that does not serve the hook. */
int tc_clsact_add(const struct tc_site *site, bool *ret_made, struct braid_error *err);
/* Removes it if nobody needs it. */
int tc_clsact_drop(const struct tc_site *site, struct braid_error *err);
/* Adds all filters to @state->list, in the order in which packets meet them. */
int tc_filters_read(__u32 ifindex, enum tc_hook hook, struct tc_state *state, const char *where,
		    struct braid_error *err);
