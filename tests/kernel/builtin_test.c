// SPDX-License-Identifier: GPL-2.0-only
/* The programs that braid links in itself, on packets: fields, keys, counts. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/builtin.h"
#include "compose/rollout_abi.h"
#include "kernel/testrun.h"
#include "manifest/hook.h"
#include "net.h"
#include "packet.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define NONE         0xffffffffu
#define FLOWS        100000

/* Offsets in the IP header. */
enum { IP4_TOS = 1, IP4_PROTOCOL = 9, IP4_SOURCE = 12 };

static struct braid_error err;
static enum hook hook; /* HOOK_XDP, or for all of TC one of it */

static struct bpf_object *open_bytes(const void *bytes, size_t size)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "builtin");
	struct bpf_object *o = bpf_object__open_mem(bytes, size, &opts);

	if (!o)
		bail_out("cannot open the object");
	return o;
}

/* As the library has it: read, and written again as a pipeline's object is. */
static struct bpf_object *open_builtin(enum builtin which)
{
	_cleanup_(unit_freep) struct unit *u = NULL;
	_cleanup_free_ void *bytes = NULL;
	size_t size;

	if (builtin_unit(builtin_for(which, hook), &u, &err) || unit_write(u, &bytes, &size, &err))
		bail_out("%s", err.what);
	return open_bytes(bytes, size);
}

static void set_rodata(struct bpf_object *o, __u32 offset, __u32 value)
{
	struct bpf_map *map = bpf_object__find_map_by_name(o, ".rodata");
	size_t size;
	/* libbpf hands out what it loads later, and calls it constant */
	char *bytes = map ? (char *)bpf_map__initial_value(map, &size) : NULL;

	if (!bytes || offset + 4 > size)
		bail_out("no .rodata to set");
	memcpy(bytes + offset, &value, 4);
}

static void load(struct bpf_object *o)
{
	if (bpf_object__load(o))
		bail_out("the kernel refuses the object");
}

static int program(struct bpf_object *o, const char *name)
{
	struct bpf_program *p = bpf_object__find_program_by_name(o, name);

	if (!p)
		bail_out("there is no program %s", name);
	return bpf_program__fd(p);
}

static __u32 run_bytes(int prog, const void *packet, size_t size)
{
	struct testrun_result result = {};

	if (testrun_packet(prog, &(struct testrun){.packet = packet, .size = size}, &result, &err))
		bail_out("%s: %s", err.what, err.why ?: "");
	return result.verdict;
}

static __u32 run_packet(int prog, const struct pkt *p)
{
	return run_bytes(prog, p->data, p->len);
}

/* What a packet is made of, and its fields in the order of enum field. */
struct fields {
	const char *name;
	void (*make)(struct pkt *p);
	__u32 want[5];
};

static void udp4(struct pkt *p)
{
	pkt_eth(p);
	pkt_ip4(p, "10.0.0.1", "10.0.0.2");
	pkt_udp(p, 1000, 53);
	pkt_payload(p, NULL, 64);
	pkt_finish(p);
}

static void tcp4_marked(struct pkt *p)
{
	pkt_eth(p);
	pkt_vlan(p, ETH_P_8021Q, 7);
	pkt_ip4(p, "10.0.0.1", "10.0.0.2");
	pkt_ip4_options(p, 3);
	pkt_tcp(p, 1000, 443, 2);
	((__u8 *)pkt_at(p, PKT_IP4))[IP4_TOS] = 46 << 2 | 1;
	pkt_finish(p);
}

static void sctp4(struct pkt *p)
{
	udp4(p);
	((__u8 *)pkt_at(p, PKT_IP4))[IP4_PROTOCOL] = IPPROTO_SCTP;
}

static void udp6_twice_tagged(struct pkt *p)
{
	__u8 *ip;

	pkt_eth(p);
	pkt_vlan(p, ETH_P_8021AD, 4000);
	pkt_vlan(p, ETH_P_8021Q, 9);
	pkt_ip6(p, "2001:db8::1", "2001:db8::2");
	pkt_ext(p, IPPROTO_HOPOPTS, 2);
	pkt_ext(p, IPPROTO_DSTOPTS, 0);
	pkt_udp(p, 5, 65535);
	pkt_finish(p);
	ip = pkt_at(p, PKT_IP6);
	ip[0] = 0x60 | 0x2; /* 10 of the traffic class' 8 bits, 0x28: DSCP 10, no ECN */
	ip[1] |= 0x80;
}

static void icmp6(struct pkt *p)
{
	pkt_eth(p);
	pkt_ip6(p, "2001:db8::1", "2001:db8::2");
	pkt_icmp(p, 128, 0);
	pkt_finish(p);
}

static void arp(struct pkt *p)
{
	pkt_eth(p);
	pkt_ethertype(p, ETH_P_ARP);
	pkt_payload(p, NULL, 46);
	pkt_finish(p);
}

static void length_frame(struct pkt *p)
{
	pkt_eth(p);
	pkt_ethertype(p, 100);
	pkt_payload(p, NULL, 100);
	pkt_finish(p);
}

static void fragment4(struct pkt *p)
{
	struct pkt whole = {}, first = {};

	udp4(&whole);
	pkt_fragment(&whole, 16, &first, p);
}

static void first_fragment6(struct pkt *p)
{
	struct pkt whole = {}, rest = {};

	pkt_eth(&whole);
	pkt_ip6(&whole, "2001:db8::1", "2001:db8::2");
	pkt_udp(&whole, 5, 6);
	pkt_payload(&whole, NULL, 64);
	pkt_finish(&whole);
	pkt_fragment(&whole, 16, p, &rest);
}

static void cut_in_ip(struct pkt *p)
{
	udp4(p);
	p->len = ETH_HLEN + 12;
}

static void cut_in_ports(struct pkt *p)
{
	udp4(p);
	p->len = ETH_HLEN + 20 + 3;
}

static void cut_in_tag(struct pkt *p)
{
	tcp4_marked(p);
	p->len = ETH_HLEN + 2;
}

static void endless_extensions(struct pkt *p)
{
	pkt_eth(p);
	pkt_ip6(p, "2001:db8::1", "2001:db8::2");
	for (int i = 0; i < 10; i++)
		pkt_ext(p, IPPROTO_DSTOPTS, 0);
	pkt_udp(p, 5, 6);
	pkt_finish(p);
}

static void test_fields(void)
{
	static const struct fields packets[] = {
		{"UDP", udp4, {0x0800, 0, 17, 0, 53}},
		{"TCP, tagged, options, DSCP", tcp4_marked, {0x0800, 7, 6, 46, 443}},
		{"SCTP", sctp4, {0x0800, 0, 132, 0, 53}},
		{"UDP6, two tags, extensions", udp6_twice_tagged, {0x86dd, 4000, 17, 10, 65535}},
		{"ICMPv6", icmp6, {0x86dd, 0, 58, 0, 0}},
		{"ARP", arp, {0x0806, 0, NONE, NONE, 0}},
		{"802.3", length_frame, {NONE, 0, NONE, NONE, 0}},
		{"fragment", fragment4, {0x0800, 0, 17, 0, 0}},
		{"first fragment", first_fragment6, {0x86dd, 0, 17, 0, 6}},
		{"cut in the IP header", cut_in_ip, {0x0800, 0, NONE, NONE, 0}},
		{"cut in the ports", cut_in_ports, {0x0800, 0, 17, 0, 0}},
		{"cut in the tag", cut_in_tag, {NONE, NONE, NONE, NONE, 0}},
		{"ten extension headers", endless_extensions, {0x86dd, 0, NONE, 0, 0}},
	};
	struct bpf_object *o = open_builtin(BUILTIN_CLASSIFY);

	load(o);
	for (size_t i = 0; i < COUNT(packets); i++) {
		struct pkt p = {};

		/* a TC program is not run on a part of an IP header */
		if (hook != HOOK_XDP && packets[i].make == cut_in_ip)
			continue;
		packets[i].make(&p);
		for (enum field f = 0; f < FIELD_RESULT; f++)
			is_int(run_packet(program(o, builtin_classifiers[f]), &p),
			       packets[i].want[f], "%s: %s: %s", hook_names[hook], packets[i].name,
			       field_names[f]);
	}
	bpf_object__close(o);
}

/* Flow number @n: neighbours differ in few bits, as those of real hosts do. */
static void set_flow(struct pkt *p, __u32 n)
{
	__be32 address = htonl(0x0a000000 + n % 1000);
	__be16 port = htons(1024 + n / 1000);

	memcpy((__u8 *)pkt_at(p, PKT_IP4) + IP4_SOURCE, &address, sizeof(address));
	memcpy(pkt_at(p, PKT_UDP), &port, sizeof(port));
}

/* Of @n flows those below each percent; false: one of them is more than 1 % off. */
static bool is_uniform(int prog, __u32 n, void (*set)(struct pkt *, __u32))
{
	static __u32 values[FLOWS];
	struct pkt p = {};
	bool held = true;

	udp4(&p);
	for (__u32 i = 0; i < n; i++) {
		set(&p, i);
		values[i] = run_packet(prog, &p);
		held &= values[i] < ROLLOUT_WHOLE;
	}
	for (__u32 percent = 1; percent < 100; percent++) {
		__u32 below = 0, want = n / 100 * percent;

		for (__u32 i = 0; i < n; i++)
			below += values[i] < ROLLOUT_WHOLE * percent / 100;
		if (below + n / 100 < want || below > want + n / 100) {
			diag("%u %%: %u of %u", percent, below, n);
			held = false;
		}
	}
	return held;
}

static void set_source(struct pkt *p, __u32 n)
{
	__be32 address = htonl(0x0a000000 + n);

	memcpy((__u8 *)pkt_at(p, PKT_IP4) + IP4_SOURCE, &address, sizeof(address));
}

static void set_nothing(struct pkt *p, __u32 n)
{
}

static void test_flow(int flow, int source)
{
	struct pkt p = {}, whole = {}, first = {}, rest = {};
	__u32 key, from;

	udp4(&p);
	key = run_packet(flow, &p);
	from = run_packet(source, &p);
	p.data[p.len - 1]++;
	is_int(run_packet(flow, &p), key, "another payload is the same flow");
	((__u8 *)pkt_at(&p, PKT_UDP))[1]++;
	ok(run_packet(flow, &p) != key, "another port is another one");
	is_int(run_packet(source, &p), from, "and the same source");

	udp4(&whole);
	pkt_fragment(&whole, 16, &first, &rest);
	is_int(run_packet(flow, &first), run_packet(flow, &rest), "fragments stay together");
	ok(run_packet(flow, &first) != key, "apart from what is whole");

	memset(&p, 0, sizeof(p));
	arp(&p);
	key = run_packet(flow, &p);
	p.data[p.len - 1]++;
	is_int(run_packet(flow, &p), key, "ARP: by its MAC addresses");
	p.data[11]++;
	ok(run_packet(flow, &p) != key, "another source is another flow");

	memset(&p, 0, sizeof(p));
	icmp6(&p);
	key = run_packet(flow, &p);
	from = run_packet(source, &p);
	((__u8 *)pkt_at(&p, PKT_IP6))[39]++;
	ok(run_packet(flow, &p) != key, "IPv6: another destination is another flow");
	is_int(run_packet(source, &p), from, "and the same source");
	((__u8 *)pkt_at(&p, PKT_IP6))[8 + 15]++;
	ok(run_packet(source, &p) != from, "IPv6: another source");
}

/* Truncated at every length: an answer in range each time. */
static void test_cut(int prog, const char *name)
{
	struct pkt p = {};
	bool held = true;

	udp6_twice_tagged(&p);
	for (size_t n = ETH_HLEN; n <= p.len; n++)
		held &= run_bytes(prog, p.data, n) < ROLLOUT_WHOLE;
	ok(held, "%s: cut at each length", name);
}

static void test_keys(void)
{
	struct bpf_object *o = open_builtin(BUILTIN_ROLLOUT), *other;
	struct pkt p = {};
	__u32 same = 0;
	int flow, source;

	load(o);
	flow = program(o, builtin_keys[ROLLOUT_FLOW]);
	source = program(o, builtin_keys[ROLLOUT_SOURCE]);
	ok(is_uniform(flow, FLOWS, set_flow), "flows: each share is within 1 %%");
	ok(is_uniform(source, FLOWS, set_source), "sources: each share is within 1 %%");
	ok(is_uniform(program(o, builtin_keys[ROLLOUT_RANDOM]), FLOWS, set_nothing),
	   "random: each share is within 1 %%");
	test_flow(flow, source);
	for (enum rollout_key k = ROLLOUT_FLOW; k <= ROLLOUT_RANDOM; k++)
		test_cut(program(o, builtin_keys[k]), builtin_keys[k]);

	/* Of two rollouts with 1 % each, the same flow is in both by chance only. */
	other = open_builtin(BUILTIN_ROLLOUT);
	set_rodata(other, 0, 12345);
	set_rodata(other, 4, 12345);
	load(other);
	udp4(&p);
	for (__u32 i = 0; i < FLOWS; i++) {
		set_flow(&p, i);
		if (run_packet(flow, &p) < ROLLOUT_WHOLE / 100)
			same += run_packet(program(other, builtin_keys[ROLLOUT_FLOW]), &p) <
				ROLLOUT_WHOLE / 100;
	}
	ok(same < 50, "another seed chooses other flows: %u of some 1000", same);
	bpf_object__close(other);
	bpf_object__close(o);
}

/* A flow has the same key at every hook. */
static void test_same(void)
{
	void (*const makes[])(struct pkt *) = {udp4, tcp4_marked, udp6_twice_tagged,
					       arp,  fragment4,   length_frame};
	struct bpf_object *objects[2];

	for (int tc = 0; tc < 2; tc++) {
		hook = tc ? HOOK_TC_EGRESS : HOOK_XDP;
		objects[tc] = open_builtin(BUILTIN_ROLLOUT);
		load(objects[tc]);
	}
	for (size_t i = 0; i < COUNT(makes); i++)
		for (enum rollout_key k = ROLLOUT_FLOW; k <= ROLLOUT_SOURCE; k++) {
			struct pkt p = {};

			makes[i](&p);
			is_int(run_packet(program(objects[1], builtin_keys[k]), &p),
			       run_packet(program(objects[0], builtin_keys[k]), &p),
			       "packet %zu: %s is the same for XDP and TC", i, builtin_keys[k]);
		}
	bpf_object__close(objects[0]);
	bpf_object__close(objects[1]);
}

static void sum_counters(struct bpf_object *o, struct rollout_counters *ret)
{
	int map = bpf_object__find_map_fd_by_name(o, ROLLOUT_MAP),
	    cpus = libbpf_num_possible_cpus();
	struct rollout_counters *each = calloc(cpus, sizeof(*each));
	__u32 zero = 0;

	if (!each || bpf_map_lookup_elem(map, &zero, each))
		bail_out("cannot read the counters");
	memset(ret, 0, sizeof(*ret));
	for (int cpu = 0; cpu < cpus; cpu++) {
		const __u64 *from = (const void *)&each[cpu];

		for (size_t i = 0; i < sizeof(*ret) / 8; i++)
			((__u64 *)ret)[i] += from[i];
	}
	free(each);
}

/* What a verdict is counted as. TC: ok, reclassify and pipe pass, shot drops, stolen is another. */
static void check_verdicts(const struct rollout_counters *all)
{
	const __u64 *old = all->version[ROLLOUT_OLD].verdicts;

	is_int(all->version[ROLLOUT_NEW].verdicts[ROLLOUT_VERDICT_DROP], 26, "its drops");
	is_int(old[ROLLOUT_VERDICT_PASS], hook == HOOK_XDP ? 103 : 308, "accepted counts as pass");
	is_int(old[ROLLOUT_VERDICT_OTHER], hook == HOOK_XDP ? 1 : 104, "unknown verdicts");
}

static void test_counts(const char *path)
{
	struct bpf_object *o = bpf_object__open_file(path, NULL);
	struct rollout_counters all;
	__u8 packet[64] = {};
	__u64 in_buckets = 0;
	int prog;

	if (!o)
		bail_out("cannot open %s", path);
	load(o);
	prog = program(o, "count_version");
	for (int i = 0; i < 640; i++) {
		packet[14] = i % 5;
		packet[15] = i < 128;
		if (run_bytes(prog, packet, sizeof(packet)) != packet[14])
			break;
	}
	packet[14] = 200;
	is_int(run_bytes(prog, packet, sizeof(packet)), 200, "the verdict comes back");
	packet[14] = 255;
	is_int(run_bytes(prog, packet, sizeof(packet)), 0x42524402, "braid_accept() too");

	sum_counters(o, &all);
	is_int(all.version[ROLLOUT_NEW].packets, 128, "packets of the new version");
	is_int(all.version[ROLLOUT_OLD].packets, 514, "of the old one");
	check_verdicts(&all);
	/* One of 64 on each CPU, the first of them included. */
	ok(all.version[ROLLOUT_OLD].samples + all.version[ROLLOUT_NEW].samples >= 10,
	   "times are taken");
	ok(all.version[ROLLOUT_OLD].samples <= 10 + libbpf_num_possible_cpus(), "of some");
	for (int i = 0; i < ROLLOUT_BUCKETS; i++)
		in_buckets += all.version[ROLLOUT_OLD].latency[i];
	is_int(in_buckets, all.version[ROLLOUT_OLD].samples, "each is in a bucket");
	bpf_object__close(o);
}

static void test_buckets(void)
{
	bool held = true;

	for (__u32 i = 0; i < ROLLOUT_BUCKETS; i++)
		held &= rollout_bucket(rollout_bucket_ns(i)) == i &&
			(!i || rollout_bucket(rollout_bucket_ns(i) - 1) == i - 1);
	ok(held, "each bucket begins where it says");
	is_int(rollout_bucket(~0ULL), ROLLOUT_BUCKETS - 1, "the last one is open");
	is_int(rollout_bucket_ns(rollout_bucket(1000)), 960, "1000 ns are in 960 to 1023");
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: builtin_test FOLDER");
	net_init();
	for (int tc = 0; tc < 2; tc++) {
		_cleanup_free_ char *count = text_fmt("%s/rollout_count%s.bpf.o", argv[1],
						      tc ? "_tc" : "");

		hook = tc ? HOOK_TC_EGRESS : HOOK_XDP;
		test_fields();
		test_keys();
		test_counts(count);
	}
	test_same();
	test_buckets();
	braid_error_clear(&err);
	return done();
}
