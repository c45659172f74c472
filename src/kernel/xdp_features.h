/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a device's driver can do with XDP, as it says itself (generic netlink, family netdev). */
#pragma once

#include "kernel/netns.h"

/* Bits, as the kernel numbers them (enum netdev_xdp_act). */
enum xdp_feature {
	XDP_FEATURE_BASIC,    /* native XDP: aborted, drop, pass, tx */
	XDP_FEATURE_REDIRECT, /* from it */
	XDP_FEATURE_XMIT,     /* to it */
	XDP_FEATURE_ZEROCOPY, /* AF_XDP */
	XDP_FEATURE_OFFLOAD,  /* programs run on the device */
	XDP_FEATURE_FRAGS,    /* packets of several buffers */
	XDP_FEATURE_XMIT_FRAGS,
	XDP_FEATURES
};

/**
 * xdp_features_read() - @ret: bit n set: enum xdp_feature n. Later kernels may have more.
 * Return: 0; -EOPNOTSUPP the kernel does not tell (before 6.3); -ENODEV.
 */
int xdp_features_read(const struct netns *ns, __u32 ifindex, __u64 *ret, struct braid_error *err);
