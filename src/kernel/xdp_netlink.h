/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * XDP programs attached by netlink, as ip(8) and libxdp do it: they stay when nobody has an
 * fd or a pin, and everybody with the privilege may exchange them. So all but the first
 * attaching names the program that is expected; the kernel compares.
 */
#pragma once

#include "kernel/xdp.h"

/**
 * xdp_netlink_attach() - attach @prog_fd where nothing is attached.
 * @mode: not XDP_HARDWARE, which takes a program bound to the device; so below.
 * Return: as xdp_link_create(), with the kernel's own words.
 */
int xdp_netlink_attach(const struct netns *ns, __u32 ifindex, int prog_fd, enum xdp_mode mode,
		       struct braid_error *err);

/**
 * xdp_netlink_replace() - put @new_fd in the place of @old_fd, between two packets.
 * Return: 0; -ESTALE it is not what is attached in @mode, or a link holds it: nothing changed;
 * -ENODEV; -EPERM.
 */
int xdp_netlink_replace(const struct netns *ns, __u32 ifindex, int old_fd, int new_fd,
			enum xdp_mode mode, struct braid_error *err);

/** xdp_netlink_detach() - Return: 0, also when it or the interface is gone; -ESTALE; -EPERM. */
int xdp_netlink_detach(const struct netns *ns, __u32 ifindex, int old_fd, enum xdp_mode mode,
		       struct braid_error *err);
