/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Programs of type SCHED_CLS on interfaces. Linux has three places for them:
 *
 *	TCX	since 6.6: an ordered list of links and programs at ingress and egress
 *	netkit	since 6.7: the same list in a netkit device, for what its two ends send
 *	clsact	a queueing discipline with filters, by netlink; on any kernel. It comes after
 *		TCX, and only if that ends with "next"
 */
#pragma once

#include <stdbool.h>

#include "base/array.h"
#include "kernel/link.h"
#include "kernel/netns.h"

enum tc_hook { TC_INGRESS, TC_EGRESS, TC_NETKIT_PRIMARY, TC_NETKIT_PEER };

extern const char *const tc_hook_names[]; /* by enum tc_hook, as in manifests */

/* One program of a list, in the order in which packets meet them. */
struct tc_attached {
	__u32 prog_id;          /* 0: a filter without a BPF program: one for all of its priority */
	__u32 link_id;          /* 0: attached without a link */
	bool clsact;            /* a filter of clsact, not in the list of TCX or netkit */
	__u32 priority, handle; /* of a filter; priority is what tc calls pref */
	__u32 chain;            /* of a filter; only 0 is run, unless that goes to others */
	__u16 protocol;         /* of a filter: ETH_P_…; ETH_P_ALL: packets of all */
	char kind[16];          /* of a filter: "bpf", "flower" */
	bool direct;            /* of a filter: what it returns is the verdict (direct-action) */
	char name[16];          /* "" where it may not be known; of a filter, else, what tc wrote */
	__u8 tag[8];
	__u32 uid;       /* who loaded it */
	__u64 loaded_ns; /* CLOCK_BOOTTIME */
};

struct tc_state {
	ARRAY(struct tc_attached) list; /* of TCX or netkit first, then filters */
	__u64 revision;                 /* of the list of TCX or netkit; 0: the kernel tells none */
	bool has_clsact;                /* the queueing discipline is there */
	bool has_ingress;               /* the older one, in its place: filters at ingress only */
};

void tc_state_done(struct tc_state *s);

/* Where in a list: of TCX or netkit, or of filters. */
enum tc_position { TC_LAST, TC_FIRST, TC_BEFORE, TC_AFTER };

struct tc_place {
	enum tc_position position;
	__u32 relative; /* BEFORE, AFTER: id of a program, or of a link */
	bool is_link;
	__u64 revision; /* expected of the list; 0: whatever it is */
};

/**
 * tc_has_links() - does this kernel have links for @hook? Looked up at each call, which is
 * cheap. Also true if the caller may not ask: what he does next tells him that.
 */
bool tc_has_links(enum tc_hook hook);

/**
 * tc_query() - what is attached to @ifindex at @hook, clsact included.
 * Return: 0, also when nothing is; -ENODEV no such interface; -EINVAL netkit hooks: it is not
 * the primary device of a netkit pair, or the kernel has none; -EPERM.
 */
int tc_query(const struct netns *ns, __u32 ifindex, enum tc_hook hook, struct tc_state *ret,
	     struct braid_error *err);

/**
 * tc_link_create() - attach @prog_fd by a new link. Update and detach: link.h.
 * Return: 0; -ESTALE the list is not of the expected revision any more; -ENOENT the relative
 * program or link is not in the list; -EOPNOTSUPP the kernel has no such links; -EEXIST the
 * program is in the list already; -ERANGE the list is full (63); -ENODEV; -EPERM.
 */
int tc_link_create(const struct netns *ns, __u32 ifindex, enum tc_hook hook, int prog_fd,
		   const struct tc_place *place, int *ret_fd, struct braid_error *err);

/* A filter of clsact, of chain 0, for all protocols, direct-action. */
struct tc_filter {
	__u32 priority; /* 1 to 65535; 0: a free one that puts it at @place */
	__u32 handle;   /* 0: the kernel chooses */
	/*
	 * Among the filters, if @priority is 0. Not looked at: is_link, revision. The kernel
	 * knows no expected revision of filters; who adds one in the same moment may be first.
	 */
	struct tc_place place;
};

/**
 * tc_filter_attach() - add a filter with @prog_fd, and clsact if it is not there.
 * @f: what is 0 is filled in, on success.
 * @ret_made: whether clsact was made. It is not left behind when the filter is refused.
 * Return: 0; -EEXIST there is a filter of that priority, and of that handle or another kind;
 * -EBUSY at egress: the queueing discipline "ingress" is in clsact's place, and serves ingress
 * only; -ENOENT the relative program has no filter here; -ENOSPC no free priority is there;
 * -EOPNOTSUPP the kernel has no clsact or no cls_bpf; -ENODEV; -EPERM.
 */
int tc_filter_attach(const struct netns *ns, __u32 ifindex, enum tc_hook hook, int prog_fd,
		     struct tc_filter *f, bool *ret_made, struct braid_error *err);

/**
 * tc_filter_update() - put @new_fd in the place of program @old_id, between two packets.
 * The kernel cannot compare: it is looked before. Return: 0; -ESTALE it has another program;
 * -ENOENT no such filter.
 */
int tc_filter_update(const struct netns *ns, __u32 ifindex, enum tc_hook hook,
		     const struct tc_filter *f, __u32 old_id, int new_fd, struct braid_error *err);

/**
 * tc_filter_detach() - remove the filter if it has program @expected_id.
 * @drop_clsact: remove clsact, too, if it has no filter any more, at either hook.
 * Who adds a filter between the look and the removal loses it with clsact: the kernel has no
 * "only if empty". One with shared blocks is left alone.
 * Return: 0, also when it is gone by now; -ESTALE it has another program.
 */
int tc_filter_detach(const struct netns *ns, __u32 ifindex, enum tc_hook hook,
		     const struct tc_filter *f, __u32 expected_id, bool drop_clsact,
		     struct braid_error *err);
