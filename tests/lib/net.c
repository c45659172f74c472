/* SPDX-License-Identifier: GPL-2.0-only */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "run.h"
#include "tap.h"

static int home = -1; /* the network namespace of net_init() */

static void must(int ret, const char *what)
{
	if (ret)
		bail_out("%s: %s", what, strerror(errno));
}

void net_sysctl(const char *name, const char *value)
{
	_cleanup_close_ int fd = -1;
	char path[256];

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	must(fd < 0 || write(fd, value, strlen(value)) < 0, path);
}

/* IPv6 would send on its own (neighbour and router solicitation, MLD) and spoil every count. */
static void silence(void)
{
	net_sysctl("net/ipv6/conf/all/disable_ipv6", "1");
	net_sysctl("net/ipv6/conf/default/disable_ipv6", "1");
	must_run("ip link set lo up");
}

void net_init(void)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET)) {
		if (errno == EPERM) /* also root in a container that may not */
			skip_all("needs root: network and mount namespaces");
		bail_out("unshare: %s", strerror(errno));
	}
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "making mounts private");
	must(mount("tmpfs", "/run", "tmpfs", 0, "mode=755"), "mount /run");
	must(mkdir("/run/netns", 0755), "mkdir /run/netns");
	must(mkdir("/run/bpf", 0700), "mkdir /run/bpf");
	must(mkdir("/run/scratch", 0755), "mkdir /run/scratch");
	must(mount("bpf", "/run/bpf", "bpf", 0, "mode=700"), "mount /run/bpf");
	must(mount("/run/bpf", "/sys/fs/bpf", NULL, MS_BIND, NULL), "mount /sys/fs/bpf");
	must(setenv("BRAID_BPFFS", "/run/bpf", 1), "setenv");
	must(setenv("BRAID_STATE", "/run/braid", 1), "setenv");
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	must(home < 0, "/proc/thread-self/ns/net");
	silence();
}

const char *net_scratch(void)
{
	return "/run/scratch";
}

void net_add(const char *ns)
{
	must_run("ip netns add %s", ns);
	_net_in_(there, ns);
	silence();
}

void net_delete(const char *ns)
{
	must_run("ip netns delete %s", ns);
}

void net_veth(const char *ns_a, const char *if_a, const char *ns_b, const char *if_b)
{
	/* Made at home under names that cannot clash with any there, then moved as asked. */
	const struct {
		const char *ns, *made, *name;
	} end[] = {{ns_a, "new-veth-a", if_a}, {ns_b, "new-veth-b", if_b}};

	_net_in_(there, NULL);
	must_run("ip link add new-veth-a type veth peer name new-veth-b");
	for (int i = 0; i < 2; i++) {
		if (end[i].ns)
			must_run("ip link set %s netns %s", end[i].made, end[i].ns);
		_net_in_(inside, end[i].ns);
		must_run("ip link set %s name %s addrgenmode none", end[i].made, end[i].name);
	}
	for (int i = 0; i < 2; i++) {
		_net_in_(inside, end[i].ns);
		must_run("ip link set %s up", end[i].name);
	}
}

int net_enter(const char *ns)
{
	_cleanup_close_ int fd = -1;
	char path[256];
	int back;

	if (home < 0)
		bail_out("net_init() comes first");
	back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	must(back < 0, "/proc/thread-self/ns/net");
	if (ns) {
		snprintf(path, sizeof(path), "/run/netns/%s", ns);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		must(fd < 0, path);
	}
	must(setns(ns ? fd : home, CLONE_NEWNET), "setns");
	return back;
}

void net_leave(int back)
{
	must(setns(back, CLONE_NEWNET), "setns");
	close(back);
}

void net_leavep(int *back)
{
	net_leave(*back);
}

int net_ifindex(const char *ns, const char *ifname)
{
	_net_in_(there, ns);
	int ifindex = if_nametoindex(ifname);

	must(!ifindex, ifname);
	return ifindex;
}

struct rtnl_link_stats net_stats(const char *ns, const char *ifname)
{
	_net_in_(there, ns);
	struct rtnl_link_stats stats;
	struct ifaddrs *all;
	bool found = false;

	must(getifaddrs(&all), "getifaddrs");
	for (struct ifaddrs *a = all; a; a = a->ifa_next) {
		if (strcmp(a->ifa_name, ifname) || !a->ifa_addr ||
		    a->ifa_addr->sa_family != AF_PACKET)
			continue;
		memcpy(&stats, a->ifa_data, sizeof(stats));
		found = true;
	}
	freeifaddrs(all);
	if (!found)
		bail_out("no interface %s", ifname);
	return stats;
}
