/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small network of a test's own, with real interfaces and real packets.
 *
 *	net_init();
 *	net_add("left");
 *	net_add("right");
 *	net_veth("left", "l0", "right", "r0");
 *	_cleanup_close_ int in = wire_open("left", "l0");
 *	_cleanup_close_ int out = wire_open("right", "r0");
 *	wire_send(in, frame, size);
 *	is_int(wire_count(out, 1, 1000), 1, "it arrives");
 *
 * All of it is visible to this process and its children only, and goes with the last of
 * them however they end: tests may run side by side and use the same names.
 * A network namespace is given by its name; NULL means the one that net_init() made.
 * Set-up that fails bails out of the test.
 */
#pragma once

#include "base/cleanup.h"

#include <linux/if_link.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Leaves the host: own mount namespace (empty /run, so own /run/netns; own bpffs, at
 * /sys/fs/bpf too for tools that know no other place), own network namespace.
 * Sets BRAID_BPFFS and BRAID_STATE to directories there. Skips the program without root.
 */
void net_init(void);
/* An empty directory for files of the test; it vanishes with the rest. After net_init(). */
const char *net_scratch(void);

/* A network namespace as `ip netns add` makes them. Its interfaces send nothing by themselves. */
void net_add(const char *ns);
void net_delete(const char *ns);
/* A veth pair, both ends up, without addresses: what is received is what the other end sent. */
void net_veth(const char *ns_a, const char *if_a, const char *ns_b, const char *if_b);

/* From here on the calling thread is in @ns. Return: the way back, for net_leave(). */
int net_enter(const char *ns);
void net_leave(int back);
void net_leavep(int *back);
/* `_net_in_(x, "left");` up to the end of the scope, in "left". */
#define _net_in_(var, ns) __attribute__((cleanup(net_leavep), unused)) int var = net_enter(ns)

/* In the network namespace of the caller: net_sysctl("net/ipv4/ip_forward", "1"). */
void net_sysctl(const char *name, const char *value);
int net_ifindex(const char *ns, const char *ifname);
/* The interface's own counters. 32 bits wide: take differences as __u32. */
struct rtnl_link_stats net_stats(const char *ns, const char *ifname);

/*
 * A wire is a packet socket: it sends frames as they are, and receives what comes in at
 * the interface (never what goes out), VLAN tags included. Non-blocking; close() it.
 */
int wire_open(const char *ns, const char *ifname);
void wire_send(int wire, const void *frame, size_t size);
/* The next frame. Return: its size, at most @size; -ETIMEDOUT. */
ssize_t wire_recv(int wire, void *frame, size_t size, int timeout_ms);
/*
 * Receives until there were @want frames or time is up, then what has arrived beyond them.
 * Return: how many there were.
 */
size_t wire_count(int wire, size_t want, int timeout_ms);
/*
 * Receives until @mark arrives. To see that nothing else comes, send a mark behind what
 * must not come: it waits for no timeout. Return: the frames before it; -ETIMEDOUT.
 */
ssize_t wire_count_before(int wire, const void *mark, size_t size, int timeout_ms);
