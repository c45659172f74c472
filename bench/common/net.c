// SPDX-License-Identifier: GPL-2.0-only
#include "common/net.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

/*
 * A frame that the kernel itself sends by IPv6, from a worker on any CPU, makes
 * veth poll the peer's ring on that CPU. The generator then fills the ring from
 * another one without being held back, and frames are dropped before any program
 * sees them. Seen by tracing napi_poll: runs with hundreds of polls on the other
 * CPU lost tens of thousands of frames; without IPv6 there were no such polls.
 */
static void ipv6_disable(void)
{
	static const char knob[] = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
	_cleanup_close_ int fd = open(knob, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return; /* a kernel without IPv6 */
	if (fd < 0 || write(fd, "1", 1) != 1)
		err(1, "%s", knob);
}

/* Makes a namespace and enters it. */
static int ns_new(void)
{
	int fd;

	if (unshare(CLONE_NEWNET))
		err(1, "a network namespace");
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(1, "/proc/thread-self/ns/net");
	ipv6_disable();
	return fd;
}

static int interface_up(const char *name)
{
	char command[64];
	int ifindex = if_nametoindex(name);

	snprintf(command, sizeof(command), "ip link set %s up", name);
	if (!ifindex || system(command))
		errx(1, "interface %s does not come up", name);
	return ifindex;
}

void net_open(struct net *ret)
{
	struct net net;
	char command[128];

	net.gen_ns = ns_new();
	net.sink_ns = ns_new();
	snprintf(command, sizeof(command),
		 "ip link add sink type veth peer name gen netns /proc/%d/fd/%d", getpid(),
		 net.gen_ns);
	if (system(command))
		errx(1, "no veth pair");

	net_enter(net.gen_ns);
	net.gen_ifindex = interface_up("gen");
	net_enter(net.sink_ns);
	net.sink_ifindex = interface_up("sink");
	*ret = net;
}

void net_close(struct net *net)
{
	close(net->gen_ns);
	close(net->sink_ns);
}

void net_enter(int ns)
{
	if (setns(ns, CLONE_NEWNET))
		err(1, "entering a network namespace");
}
