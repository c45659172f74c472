/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Interfaces of a network namespace: an ifindex means nothing without one. */
#pragma once

#include <net/if.h>

#include "base/array.h"
#include "kernel/netns.h"

struct iface {
	__u32 ifindex;
	char name[IF_NAMESIZE];
};

struct ifaces {
	ARRAY(struct iface) list;
};

/**
 * iface_index() - the ifindex of @name (or of an alternative name) in @ns.
 * Return: 0; -ENODEV none of that name, with the nearest one that is.
 */
int iface_index(const struct netns *ns, const char *name, __u32 *ret_ifindex,
		struct braid_error *err);

/** iface_name() - the present name of @ifindex in @ns. Return: 0; -ENODEV. */
int iface_name(const struct netns *ns, __u32 ifindex, char ret_name[IF_NAMESIZE],
	       struct braid_error *err);

/** iface_list() - all interfaces of @ns, by ifindex. @ret: array_done(&ret->list). */
int iface_list(const struct netns *ns, struct ifaces *ret, struct braid_error *err);

/*
 * The where of an error: "interface eth0", "interface eth0 in netns blue", with #7 for
 * one that is gone. NULL: no memory, which error_set() takes. Caller frees.
 */
char *iface_where(const struct netns *ns, __u32 ifindex);
