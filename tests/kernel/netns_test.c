/* SPDX-License-Identifier: GPL-2.0-only */
/* Network namespaces: which is which, by what names, in and out; and their interfaces. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel/iface.h"
#include "kernel_common.h"
#include "net.h"

static void test_netns_identity(void)
{
	_cleanup_netns_ struct netns own = must_open(NULL), red = must_open("red");
	_cleanup_netns_ struct netns again = must_open("/run/netns/red");
	_cleanup_netns_ struct netns found = NETNS_INIT;
	_cleanup_free_ char *name = NULL, *nobody = NULL, *own_name = NULL;

	ok(own.cookie && red.cookie, "cookies are never 0");
	ok(!netns_is_same(&own, &red), "two namespaces are two");
	ok(netns_is_same(&red, &again), "one namespace by name and by path is one");
	is_str(again.name, "red", "a path is described by the name");
	own_name = text_fmt("cookie:%llu", (unsigned long long)own.cookie);
	is_str(own.name, own_name, "one without a name is called by its cookie");
	name = netns_describe(red.cookie);
	is_str(name, "red", "a cookie is described by the name");
	nobody = netns_describe(1ULL << 60);
	is_str(nobody, "cookie:1152921504606846976", "a cookie of nobody by itself");
	is_int(netns_open(own_name, &found, &err), 0, "a description can be opened");
	ok(netns_is_same(&own, &found), "and is the same namespace");
	is_int(netns_find(1ULL << 60, &again, &err), -ENOENT, "a cookie of nobody is not found");
}

/* @fd: the namespace in which the test was started; @name: what it was called there. */
static void test_netns_outer(int fd, const char *name)
{
	_cleanup_free_ char *path = text_fmt("/proc/self/fd/%d", fd);
	_cleanup_netns_ struct netns own = must_open(NULL), outer = must_open(path);
	_cleanup_netns_ struct netns found = NETNS_INIT;

	ok(!netns_is_same(&own, &outer), "the test runs in a namespace of its own");
	is_str(outer.name, name, "the outer one is called the same from inside");
	ok(text_has_prefix(own.name, "cookie:"), "the inner one is not 'init': %s", own.name);
	if (access("/proc/1/ns/net", R_OK)) {
		skip("process 1 may not be looked at here");
		return;
	}
	is_int(netns_open("init", &found, &err), 0, "that of process 1 can be opened");
	is_str(found.name, "init", "and is called init");
}

static void test_netns_errors(void)
{
	struct netns ns;
	int fd;

	is_int(netns_open("rde", &ns, &err), -ENOENT, "an unknown name");
	says("did you mean 'red'");
	is_int(netns_open("something-else", &ns, &err), -ENOENT, "an unlike name");
	says("ip netns list");
	is_int(netns_open("/proc/self/ns/mnt", &ns, &err), -EINVAL, "a mount namespace");
	says("not a network namespace");
	fd = open("/run/netns/stale", O_CREAT | O_WRONLY | O_CLOEXEC, 0);
	close(fd);
	is_int(netns_open("stale", &ns, &err), -EINVAL, "a name that nothing is mounted on");
	unlink("/run/netns/stale");
	is_int(netns_open("..", &ns, &err), -EINVAL, "no way out of the folder by a name");
	is_int(netns_open("/nowhere", &ns, &err), -ENOENT, "a path to nothing");
}

static void test_netns_guard(void)
{
	_cleanup_netns_ struct netns own = must_open(NULL), red = must_open("red");
	struct netns_guard guard = NETNS_GUARD_INIT;

	is_int(netns_enter(&own, &guard, &err), 0, "entering where one is");
	is_int(guard.old, -1, "needs no way back");
	{
		_cleanup_netns_guard_ struct netns_guard inside = NETNS_GUARD_INIT;
		_cleanup_netns_ struct netns here = NETNS_INIT;

		is_int(netns_enter(&red, &inside, &err), 0, "entering another");
		here = must_open(NULL);
		ok(netns_is_same(&here, &red), "one is inside");
	}
	{
		_cleanup_netns_ struct netns back = must_open(NULL);

		ok(netns_is_same(&back, &own), "the end of the scope leads back");
	}
}

static void test_iface(void)
{
	_cleanup_netns_ struct netns red = must_open("red");
	struct ifaces ifaces = {};
	char name[IF_NAMESIZE];
	__u32 ifindex = 0;

	is_int(iface_index(&red, "veth0", &ifindex, &err), 0, "an interface by name");
	is_int(ifindex, net_ifindex("red", "veth0"), "has its index");
	is_int(iface_name(&red, ifindex, name, &err), 0, "and back");
	is_str(name, "veth0", "to its name");
	is_int(iface_index(&red, "vteh0", &ifindex, &err), -ENODEV, "an unknown name");
	says("did you mean 'veth0'");
	says("'red'");
	is_int(iface_index(&red, "wlan7", &ifindex, &err), -ENODEV, "an unlike name");
	says("there are lo, veth0");
	is_int(iface_name(&red, 9999, name, &err), -ENODEV, "an index of nobody");
	is_int(iface_list(&red, &ifaces, &err), 0, "listing");
	is_int(ifaces.list.n, 2, "finds lo and the veth");
	is_str(ifaces.list.v[0].name, "lo", "in order");
	array_done(&ifaces.list);
}

int main(void)
{
	_cleanup_netns_ struct netns outer = must_open(NULL);

	kernel_test_begin();
	test_netns_identity();
	test_netns_outer(outer.fd, outer.name);
	test_netns_errors();
	test_netns_guard();
	test_iface();
	return kernel_test_end();
}
