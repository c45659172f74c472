/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Network namespaces: which one, and being inside for a moment. */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"

/*
 * An open network namespace. @cookie is its identity: the kernel never gives the
 * same one twice until it reboots, unlike inode numbers and names. @name is for
 * people and for paths: "init" (that of process 1; of the machine, where process 1 may
 * not be looked at), its name in /run/netns, or "cookie:N"; the same however the
 * namespace was opened.
 */
struct netns {
	int fd;
	__u64 cookie;
	char *name;
};

#define NETNS_INIT                                                                                 \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/**
 * netns_open() - open the network namespace that @spec means.
 * @spec: NULL: the caller's own; with a '/': a path (/proc/PID/ns/net); "init": as in
 *        struct netns; "cookie:N": as netns_find(); else a name in /run/netns.
 * @ret: written on success only; netns_done() it.
 * Needs: Linux 5.14 (SO_NETNS_COOKIE); CAP_SYS_ADMIN unless it is the caller's own.
 * Return: 0; -ENOENT unknown; -EINVAL not a network namespace; -EPERM; -EOPNOTSUPP Linux
 * too old.
 */
int netns_open(const char *spec, struct netns *ret, struct braid_error *err);

/**
 * netns_find() - the namespace with @cookie: the caller's, process 1's, or one in /run/netns.
 * Return: 0; -ENOENT none of those, which is how a namespace that is gone shows.
 */
int netns_find(__u64 cookie, struct netns *ret, struct braid_error *err);

/** netns_describe() - what struct netns calls @name, for @cookie. NULL: no memory. Caller frees. */
char *netns_describe(__u64 cookie);

void netns_done(struct netns *ns);
#define _cleanup_netns_ _cleanup_(netns_done)

static inline bool netns_is_same(const struct netns *a, const struct netns *b)
{
	return a->cookie == b->cookie;
}

/* Being in another namespace; @old < 0: there is nothing to go back to. */
struct netns_guard {
	int old;
};

#define NETNS_GUARD_INIT                                                                           \
	{                                                                                          \
		.old = -1                                                                          \
	}

/**
 * netns_enter() - put the calling thread, and only it, into @ns until netns_leave().
 * @guard: NETNS_GUARD_INIT before; declare it _cleanup_netns_guard_ so that every way
 *         out of the function leaves.
 * Needs: CAP_SYS_ADMIN, unless the thread is there already.
 * Return: 0; -EPERM.
 */
int netns_enter(const struct netns *ns, struct netns_guard *guard, struct braid_error *err);

/*
 * Ends the process when the way back is barred: a thread that goes on in the wrong
 * namespace would attach programs to somebody else's interfaces.
 */
void netns_leave(struct netns_guard *guard);
#define _cleanup_netns_guard_ _cleanup_(netns_leave)
