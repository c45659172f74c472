/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * XDP on interfaces: what is attached, by whom; and links, which is how braid attaches.
 * An interface is a namespace and an ifindex in it.
 */
#pragma once

#include <bpf/bpf.h>

#include "kernel/netns.h"

enum xdp_mode {
	XDP_NATIVE,  /* in the driver */
	XDP_GENERIC, /* in the stack, any device */
	XDP_HARDWARE /* on the device */
};

extern const char *const xdp_mode_names[]; /* by enum xdp_mode */

/*
 * One attached program. What takes CAP_SYS_ADMIN to learn stays empty without it.
 *
 * The kernel tells of a link its ifindex but not its namespace. So @links counts those
 * that may be the one here: 0: attached through netlink (ip link, xdp-loader); 1: by link
 * @link_id; more: the same program on the same ifindex of several namespaces, and
 * @link_id is 0.
 */
struct xdp_attached {
	enum xdp_mode mode;
	__u32 prog_id;
	__u32 links, link_id;
	char name[BPF_OBJ_NAME_LEN];
	__u8 tag[BPF_TAG_SIZE];
	__u32 uid;       /* who loaded it */
	__u64 loaded_ns; /* CLOCK_BOOTTIME */
};

/* At most one in hardware and one elsewhere. */
struct xdp_state {
	size_t n;
	struct xdp_attached v[2];
};

/**
 * xdp_query() - what is attached to @ifindex.
 * Return: 0, also when nothing is; -ENODEV no such interface.
 */
int xdp_query(const struct netns *ns, __u32 ifindex, struct xdp_state *ret,
	      struct braid_error *err);

/**
 * xdp_link_create() - attach @prog_fd to @ifindex by a new link.
 * @mode: not XDP_HARDWARE, which takes a program bound to the device.
 * @ret_fd: the program stays attached while this fd or a pin of it exists.
 * Needs: Linux 5.9, CAP_NET_ADMIN and CAP_BPF.
 * Return: 0; -EBUSY or -EEXIST another program is attached; -EOPNOTSUPP no native XDP;
 * -ERANGE MTU too large for native XDP; -ENODEV no such interface; -EPERM; -EINVAL the
 * driver refuses the program.
 */
int xdp_link_create(const struct netns *ns, __u32 ifindex, int prog_fd, enum xdp_mode mode,
		    int *ret_fd, struct braid_error *err);

/**
 * xdp_detach_foreign() - detach what xdp_query() found, whoever attached it.
 * Only @found itself: if another program took its place meanwhile, nothing happens.
 * Needs: CAP_SYS_ADMIN (program and link by id), CAP_NET_ADMIN.
 * Return: 0, also when it is gone by now; -ESTALE another program is attached; -ENOTUNIQ
 * several links may be the one; -EPERM.
 */
int xdp_detach_foreign(const struct netns *ns, __u32 ifindex, const struct xdp_attached *found,
		       struct braid_error *err);

/**
 * xdp_attach_foreign() - put a program back that xdp_detach_foreign() took away.
 * @prog_fd: held since before. Only what had been attached through netlink can be put back
 *           so that its owner finds it as it was.
 * Return: 0; -EBUSY, -EEXIST something is attached; -ENODEV.
 */
int xdp_attach_foreign(const struct netns *ns, __u32 ifindex, int prog_fd, enum xdp_mode mode,
		       struct braid_error *err);

/* For xdp_netlink.c: XDP_FLAGS_… of a mode; what an errno of attaching means. Return: @r, mostly.
 */
extern const __u32 xdp_mode_flags[];
int xdp_explain_attach(int r, const struct netns *ns, __u32 ifindex, enum xdp_mode mode,
		       struct braid_error *err);
