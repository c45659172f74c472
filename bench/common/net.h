/* SPDX-License-Identifier: GPL-2.0-only */
/* Two network namespaces, without IPv6, and a veth pair between them. */
#pragma once

#define LOOPBACK_IFINDEX 1 /* in every network namespace */

/*
 * The namespaces have no names: they live as long as somebody holds @gen_ns or
 * @sink_ns or is inside, so nothing stays behind whatever ends the process, and
 * benches that run at the same time do not meet. A path to one, for a program
 * that wants a path, is /proc/PID/fd/FD.
 */
struct net {
	int gen_ns, sink_ns;           /* fds */
	int gen_ifindex, sink_ifindex; /* the ends, "gen" and "sink", each in its namespace */
};

/* Leaves the calling thread in the namespace of the sink. Needs CAP_SYS_ADMIN and ip(8). */
void net_open(struct net *ret);
void net_close(struct net *net);

/* Moves the calling thread, it alone, to another namespace. */
void net_enter(int ns);
