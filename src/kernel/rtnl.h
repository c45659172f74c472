/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The route netlink requests that libbpf does not make as we want them: it prints the
 * kernel's message to stderr, where we want it in an error.
 */
#pragma once

#include <linux/types.h>
#include <net/if.h>

#include "base/array.h"

/**
 * rtnl_xdp_detach() - detach the program of @ifindex that was attached through netlink.
 * @expected_fd: program that must be the attached one, else nothing happens.
 * @mode_flag: XDP_FLAGS_DRV_MODE, _SKB_MODE or _HW_MODE.
 * @ret_message: the kernel's extended message, NULL if there is none; written on failure
 *               only; caller frees.
 * Acts in the network namespace of the calling thread. Needs: CAP_NET_ADMIN.
 * Return: 0; -EBUSY attached by a bpf_link; -EEXIST another program is attached; -ENODEV.
 */
int rtnl_xdp_detach(__u32 ifindex, int expected_fd, __u32 mode_flag, char **ret_message);

/**
 * rtnl_xdp_attach() - attach program @fd where none is attached; otherwise as above.
 * Return: 0; -EBUSY, -EEXIST a program is attached; -ENODEV.
 */
int rtnl_xdp_attach(__u32 ifindex, int fd, __u32 mode_flag, char **ret_message);

/**
 * rtnl_xdp_replace() - put program @fd in the place of @expected_fd, between two packets.
 * Return: 0; -EBUSY, -EEXIST as rtnl_xdp_detach(); -ENODEV.
 */
int rtnl_xdp_replace(__u32 ifindex, int expected_fd, int fd, __u32 mode_flag, char **ret_message);

/* An interface with XDP programs; an id is 0 where there is none. */
struct rtnl_xdp {
	__u32 ifindex;
	char name[IF_NAMESIZE];
	__u32 native_id, generic_id, hardware_id;
};

struct rtnl_xdps {
	ARRAY(struct rtnl_xdp) list;
};

/**
 * rtnl_xdp_list() - all interfaces that have one, in the namespace of the calling thread.
 * @ret: array_done(&ret->list).
 */
int rtnl_xdp_list(struct rtnl_xdps *ret, char **ret_message);
