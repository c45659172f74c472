/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp-filter's own object, as Debian ships it, between two stages of braid's examples: its
 * maps are set from outside, and packets are filtered as xdp-filter does by `deny` policy.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>
#include <unistd.h>

#include "live_common.h"
#include "packet.h"

/* What xdp-filter's entries mean; the bits above count the packets that they hit. */
enum { BY_SOURCE = 1, BY_DESTINATION = 2, BY_TCP = 4, BY_UDP = 8, COUNT_SHIFT = 6 };

#define FOLLOWER "192.0.2.99"

static int in, out;

/* Does a package install it in one of the places where distributions do? */
static const char *find_object(void)
{
	static const char *const folders[] = {
		"/usr/lib/x86_64-linux-gnu/bpf",
		"/usr/lib/aarch64-linux-gnu/bpf",
		"/usr/lib64/bpf",
		"/usr/lib/bpf",
	};

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		const char *path = live_text("%s/xdpfilt_dny_all.o", folders[i]);

		if (!access(path, R_OK))
			return path;
	}
	skip_all("xdp-tools is not installed");
}

static int open_map(const char *stage, const char *name)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	json_t *map;
	size_t i;

	json_array_foreach (json_at(status, "pipelines/0/maps"), i, map) {
		if (!strcmp(json_text(map, "name"), name) &&
		    !strcmp(json_text(map, "stage"), stage))
			return bpf_obj_get(json_text(map, "pin"));
	}
	bail_out("stage %s has no map '%s'", stage, name);
}

/* A per-CPU map: the same value for each CPU. */
static void set(const char *name, const void *key, __u64 flags)
{
	_cleanup_close_ int fd = open_map("filter", name);
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ __u64 *values = calloc(cpus, sizeof(*values));

	for (int i = 0; i < cpus; i++)
		values[i] = flags;
	if (bpf_map_update_elem(fd, key, values, BPF_ANY))
		bail_out("setting an entry of %s: %s", name, strerror(errno));
}

static __u64 sum(int fd, const void *key)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ __u64 *values = calloc(cpus, sizeof(*values));
	__u64 n = 0;

	if (bpf_map_lookup_elem(fd, key, values))
		return 0;
	for (int i = 0; i < cpus; i++)
		n += values[i];
	return n;
}

/* How often xdp-filter says that this entry was hit. */
static __u64 hits(const char *name, const void *key, __u64 flags)
{
	_cleanup_close_ int fd = open_map("filter", name);

	return (sum(fd, key) - flags * libbpf_num_possible_cpus()) >> COUNT_SHIFT;
}

static __u64 counter(const char *stage, __u32 index)
{
	_cleanup_close_ int fd = open_map(stage, "counters");

	return sum(fd, &index);
}

static void make(struct pkt *p, const char *source, __u16 port, bool broken)
{
	*p = (struct pkt){};
	pkt_eth(p);
	pkt_ip4(p, source, "198.51.100.2");
	pkt_udp(p, 1000, port);
	pkt_payload(p, "payload", 7);
	pkt_finish(p);
	if (broken)
		((__u8 *)pkt_at(p, PKT_IP4))[10] ^= 1; /* its checksum */
}

/* Return: whether the packet comes out, and unchanged; a follower tells the end. */
static bool passes(const char *source, __u16 port, bool broken)
{
	struct pkt p, follower;
	__u8 got[PKT_SIZE];
	ssize_t size;

	make(&p, source, port, broken);
	make(&follower, FOLLOWER, 65000, false);
	wire_send(in, p.data, p.len);
	wire_send(in, follower.data, follower.len);
	size = wire_recv(out, got, sizeof(got), 20000);
	if (size == (ssize_t)follower.len && !memcmp(got, follower.data, size))
		return false;
	if (size != (ssize_t)p.len || memcmp(got, p.data, size))
		bail_out("something else came out, %zd bytes", size);
	if (wire_recv(out, got, sizeof(got), 20000) != (ssize_t)follower.len)
		bail_out("the follower did not come");
	return true;
}

/* Entries through the pins of the running pipeline: what none of them allows is dropped. */
static void test_filter(const char *how)
{
	__be32 good = inet_addr("192.0.2.66"), follower = inet_addr(FOLLOWER);
	__u32 port = htons(53);
	__u64 seen, broken;

	set("filter_ipv4", &follower, BY_SOURCE);
	ok(!passes("192.0.2.66", 80, false) && !passes("192.0.2.1", 53, false),
	   "%s: without entries for them packets are dropped", how);
	set("filter_ipv4", &good, BY_SOURCE);
	set("filter_ports", &port, BY_DESTINATION | BY_UDP);
	seen = counter("flowstat", 0);
	broken = counter("guard", 5); /* by the IPv4 checksum */
	ok(passes("192.0.2.66", 80, false), "a source address that is allowed");
	ok(passes("192.0.2.1", 53, false), "a UDP port that is allowed");
	ok(!passes("192.0.2.1", 80, false), "neither");
	ok(!passes("192.0.2.66", 80, true), "a broken packet of that address");
	is_int(hits("filter_ipv4", &good, BY_SOURCE), 1,
	       "xdp-filter counts: not the one that guard had dropped before");
	is_int(hits("filter_ports", &port, BY_DESTINATION | BY_UDP), 1, "the port, too");
	is_int(counter("guard", 5) - broken, 1, "guard has dropped one");
	/* each of the four has a follower */
	is_int(counter("flowstat", 0) - seen, 2 + 4, "flowstat sees what both let pass");
}

static const char *manifest(const char *object, const char *strategy)
{
	return live_manifest("m.yaml", live_text(ON_R0 "%s", strategy),
			     live_text("{name: guard, object: %s/guard/guard.bpf.o}, "
				       "{name: filter, object: %s}, "
				       "{name: flowstat, object: %s/flowstat/flowstat.bpf.o}",
				       live_examples, object, live_examples));
}

int main(int argc, char **argv)
{
	const char *object = find_object();
	_cleanup_json_ json_t *j = NULL;

	live_init(argc, argv);
	in = wire_open("left", "l0");
	out = wire_open("right", "r0");
	j = braid_json("apply", manifest(object, AS_FUSED));
	is_str(json_text(j, "strategy"), "fused", "a stock object is fused with others");
	test_filter("fused");
	must_braid("delete", "edge");
	must_braid("apply", manifest(object, AS_TAILS));
	test_filter("tailcall");
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "nothing stays pinned, whatever the object says");
	return done();
}
