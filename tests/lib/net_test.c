/* SPDX-License-Identifier: GPL-2.0-only */
/* The private network of the tests, against the kernel's own senders and receivers. */
#include "net.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/magic.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#include "leak.h"
#include "packet.h"
#include "run.h"
#include "tap.h"
#include "wait.h"

enum { DEADLINE_MS = 5000 };

static void test_private(void)
{
	_cleanup_run_ struct run r = {};
	struct statfs fs;

	is_int(run(&r, "ip", "-o", "link"), 0, "links can be listed");
	ok(strstr(r.out, "lo:") && strchr(r.out, '\n') == r.out + strlen(r.out) - 1,
	   "the new network has only the loopback device");
	is_int(run(&r, "ip", "netns"), 0, "namespaces can be listed");
	is_str(r.out, "", "none of the host is seen");
	ok(!statfs(getenv("BRAID_BPFFS"), &fs) && fs.f_type == BPF_FS_MAGIC, "own bpffs");
	is_int(access(net_scratch(), W_OK), 0, "a place for files");
}

static void frame(struct pkt *p, __u16 vid, const char *text)
{
	*p = (struct pkt){};
	pkt_eth(p);
	if (vid)
		pkt_vlan(p, ETH_P_8021Q, vid);
	pkt_ip4(p, "192.0.2.1", "192.0.2.2");
	pkt_udp(p, 1000, 2000);
	pkt_payload(p, text, strlen(text));
	pkt_finish(p);
}

static void test_wire(void)
{
	_cleanup_close_ int in = wire_open("left", "l0");
	_cleanup_close_ int out = wire_open("right", "r0");
	struct rtnl_link_stats before = net_stats("right", "r0"), after;
	__u8 got[PKT_SIZE];
	struct pkt p, mark;

	frame(&p, 0, "one");
	frame(&mark, 0, "mark");
	wire_send(in, p.data, p.len);
	is_int(wire_recv(out, got, sizeof(got), DEADLINE_MS), p.len, "a frame arrives");
	is_mem(got, p.data, p.len, "as it was sent");
	is_int(wire_recv(out, got, sizeof(got), 0), -ETIMEDOUT, "and no other");

	frame(&p, 100, "tagged");
	wire_send(in, p.data, p.len);
	is_int(wire_recv(out, got, sizeof(got), DEADLINE_MS), p.len, "a VLAN frame arrives");
	is_mem(got, p.data, p.len, "with its tag");

	wire_send(in, p.data, p.len);
	is_int(wire_recv(out, got, 4, DEADLINE_MS), 4, "a frame cut to the buffer");

	for (int i = 0; i < 1000; i++)
		wire_send(in, p.data, p.len);
	is_int(wire_count(out, 1000, DEADLINE_MS), 1000, "a thousand frames are counted");
	is_int(wire_count(out, 1, 10), 0, "and none more");

	for (int i = 0; i < 5; i++)
		wire_send(in, p.data, p.len);
	wire_send(in, mark.data, mark.len);
	is_int(wire_count_before(out, mark.data, mark.len, DEADLINE_MS), 5, "five before the mark");
	is_int(wire_count_before(out, mark.data, mark.len, 10), -ETIMEDOUT, "no second mark");
	is_int(wire_count(in, 1, 10), 0, "the sender does not receive its own frames");

	after = net_stats("right", "r0");
	is_int((__u32)(after.rx_packets - before.rx_packets), 1009,
	       "the interface counts what was sent and nothing else");
}

/* A socket of the kernel takes only what has right lengths and checksums. */
static void test_kernel_receives(int family, const char *src, const char *dst)
{
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(2000)};
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(2000)};
	_cleanup_close_ int in = wire_open("left", "l0");
	_cleanup_close_ int udp = -1;
	struct pkt p = {}, part[2];
	struct pollfd readable;
	char got[128];

	{
		_net_in_(there, "right");
		udp = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (bind(udp, family == AF_INET ? (void *)&a4 : (void *)&a6,
			 family == AF_INET ? sizeof(a4) : sizeof(a6)))
			bail_out("bind: %s", strerror(errno));
	}
	pkt_eth(&p);
	if (family == AF_INET)
		pkt_ip4(&p, src, dst);
	else
		pkt_ip6(&p, src, dst);
	pkt_udp(&p, 1000, 2000);
	pkt_payload(&p, "hello, kernel, in two parts", 27);
	pkt_finish(&p);
	readable = (struct pollfd){.fd = udp, .events = POLLIN};

	wire_send(in, p.data, p.len);
	is_int(poll(&readable, 1, DEADLINE_MS), 1, "the kernel accepts a packet to %s", dst);
	is_int(recv(udp, got, sizeof(got), 0), 27, "with its payload");

	pkt_fragment(&p, 16, &part[0], &part[1]);
	wire_send(in, part[1].data, part[1].len);
	wire_send(in, part[0].data, part[0].len);
	is_int(poll(&readable, 1, DEADLINE_MS), 1, "and puts its fragments together");
	is_int(recv(udp, got, sizeof(got), 0), 27, "to the same payload");
	is_mem(got, "hello, kernel, in two parts", 27, "byte by byte");
}

static void test_names(void)
{
	int home = net_ifindex(NULL, "lo");

	net_add("again");
	net_delete("again");
	net_add("again");
	net_veth(NULL, "h0", "again", "a0");
	ok(net_ifindex(NULL, "h0") != home, "an interface at home");
	{
		_net_in_(there, "again");
		ok(if_nametoindex("a0") && !if_nametoindex("h0"), "inside, only the other end");
	}
	ok(if_nametoindex("h0") && !if_nametoindex("a0"), "and back");
	net_delete("again");
	ok(wait_until(!if_nametoindex("h0"), DEADLINE_MS), "the pair goes with its namespace");
}

static void test_leak(void)
{
	struct leak_snapshot before;
	int map;

	if (leak_take(&before))
		bail_out("snapshot: %s", strerror(errno));
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "leaky", 4, 8, 1, NULL);
	if (map < 0)
		bail_out("bpf_map_create: %s", strerror(errno));
	ok(leak_count(&before, 0) > 0, "a map that is open counts");
	close(map);
	is_int(leak_count(&before, DEADLINE_MS), 0, "no more when it is closed");
	leak_done(&before);
}

/* Even without duplicate address detection, an address is valid only some time after it is set. */
static bool is_local(const char *address)
{
	_cleanup_run_ struct run r = {};

	run(&r, "ip", "-n", "right", "-6", "route", "show", "table", "local");
	return strstr(r.out, address);
}

int main(void)
{
	net_init();
	test_private();
	net_add("left");
	net_add("right");
	net_veth("left", "l0", "right", "r0");
	test_wire();
	{
		_net_in_(there, "right");
		must_run("ip link set r0 address 02:00:00:00:00:02");
		must_run("ip addr add 192.0.2.2/24 dev r0");
		net_sysctl("net/ipv6/conf/r0/disable_ipv6", "0");
		must_run("ip addr add 2001:db8::2/64 dev r0 nodad");
	}
	test_kernel_receives(AF_INET, "192.0.2.1", "192.0.2.2");
	ok(wait_until(is_local("2001:db8::2"), DEADLINE_MS), "the kernel has an IPv6 address");
	test_kernel_receives(AF_INET6, "2001:db8::1", "2001:db8::2");
	test_names();
	test_leak();
	return done();
}
