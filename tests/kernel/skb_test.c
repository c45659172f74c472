/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Real packets at TC hooks, as the stack has them: headers that are not linear, tags beside the
 * packet, packets without an Ethernet header, and what XDP has left in front of them.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/text.h"
#include "graph_common.h"
#include "net.h"
#include "run.h"
#include "skb_tun.h"
#include "wait.h"

#define COUNT_STAGE(name) "{name: " name ", object: skb_count.bpf.o}"

/* A stage for each answer. */
#define FIELDS                                                                                                                                          \
	"[" SWITCH("by-type", "ethertype", WHEN("ipv4", COUNT_STAGE("ipv4")) ", " WHEN("ipv6", COUNT_STAGE("ipv6")), COUNT_STAGE("other")) ", " SWITCH( \
		"by-proto", "protocol",                                                                                                                 \
		WHEN("tcp", COUNT_STAGE("tcp")) ", " WHEN("udp", COUNT_STAGE("udp")),                                                                   \
		COUNT_STAGE(                                                                                                                            \
			"none")) ", " SWITCH("by-port", "destination-port",                                                                             \
					     WHEN("53", COUNT_STAGE("dns")) ", " WHEN(                                                                  \
						     "443", COUNT_STAGE("https")),                                                                      \
					     "") ", " SWITCH("by-vlan", "vlan",                                                                         \
							     WHEN("7", COUNT_STAGE("seven")),                                                           \
							     "") ", " SWITCH("by-dscp", "dscp",                                                         \
									     WHEN("ef",                                                                 \
										  COUNT_STAGE(                                                          \
											  "ef")),                                                       \
									     "") "]"

static __u64 met(const struct seams *s, const char *stage)
{
	_cleanup_free_ char *symbol = text_fmt("%s__met", stage);
	int fd = loaded_map(s->loaded, symbol);
	__u32 zero = 0;
	__u64 n;

	if (fd < 0 || bpf_map_lookup_elem(fd, &zero, &n))
		bail_out("cannot read %s", symbol);
	return n;
}

/* The stages that the packet met, by @want: each of these one more, all others as before. */
static bool has_met(const struct seams *s, const __u64 *before, const char *want, struct buf *got)
{
	bool same = true;

	buf_done(got);
	for (size_t k = 0; k < s->plan->stages.n; k++) {
		const struct plan_stage *ps = &s->plan->stages.v[k];
		const char *name = ps->stage->name, *at = strstr(want, name);
		bool wanted = at && (!at[strlen(name)] || at[strlen(name)] == ' ');
		__u64 more;

		if (ps->internal)
			continue;
		more = met(s, name) - before[k];
		same &= more == wanted;
		if (more)
			buf_fmt(got, "%s%s", got->n ? " " : "", name);
	}
	return same;
}

/* @send: how the packet gets on its way. */
static void check_way(const struct seams *s, int fd, void (*send)(int fd, const struct pkt *p),
		      packet_maker *make, const char *want, const char *what)
{
	_cleanup_(buf_done) struct buf got = {};
	__u64 before[64];
	struct pkt p = {};

	for (size_t k = 0; k < s->plan->stages.n; k++)
		before[k] = s->plan->stages.v[k].internal
				    ? 0
				    : met(s, s->plan->stages.v[k].stage->name);
	make(&p);
	send(fd, &p);
	if (!ok(wait_until(has_met(s, before, want, &got), 20000), "%s: %s", what, want))
		diag("it met: %s", got.v ?: "nobody");
}

static void attach(const struct seams *s, const char *ns, const char *ifname,
		   enum bpf_tc_attach_point point)
{
	_net_in_(there, ns);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex(ifname), .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = s->program, .handle = 1, .priority = 1,
		    .flags = BPF_TC_F_REPLACE);
	int r = bpf_tc_hook_create(&hook);

	if ((r && r != -EEXIST) || bpf_tc_attach(&hook, &opts))
		bail_out("cannot attach to %s", ifname);
}

/* Without its process the program would find its array of segments empty. */
static void detach(const char *ns, const char *ifname, enum bpf_tc_attach_point point)
{
	_net_in_(there, ns);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex(ifname), .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1);

	if (bpf_tc_detach(&hook, &opts))
		bail_out("cannot detach from %s", ifname);
}

static void send_wire(int fd, const struct pkt *p)
{
	wire_send(fd, p->data, p->len);
}

enum { LONG_FRAME = 6000 };

/* Only the Ethernet header is linear. */
static void send_scattered(int fd, const struct pkt *p)
{
	static const __u8 padding[LONG_FRAME];
	struct virtio_net_hdr head = {.hdr_len = ETH_HLEN};
	struct iovec parts[] = {
		{&head, sizeof(head)},
		{(void *)p->data, p->len},
		{(void *)padding, LONG_FRAME - p->len},
	};

	if (writev(fd, parts, 3) != (ssize_t)sizeof(head) + LONG_FRAME)
		bail_out("cannot send: %s", strerror(errno));
}

static int open_scattered(const char *ns, const char *ifname)
{
	const int yes = 1;
	int fd = wire_open(ns, ifname);

	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &yes, sizeof(yes)))
		bail_out("PACKET_VNET_HDR: %s", strerror(errno));
	return fd;
}

static void test_egress(const struct seams_way *way)
{
	_cleanup_close_ int wire = wire_open("left", "l0"),
			    scattered = open_scattered("left", "l0");
	const struct {
		const char *what;
		int fd;
		void (*send)(int fd, const struct pkt *p);
	} senders[] = {
		{"linear", wire, send_wire},
		{"only Ethernet is linear", scattered, send_scattered},
	};
	_cleanup_seams_ struct seams s = {};

	seams_hook = "tc-egress";
	seams_start(&s, way, "", FIELDS);
	attach(&s, "left", "l0", BPF_TC_EGRESS);
	for (size_t i = 0; i < COUNT(senders); i++) {
		_cleanup_free_ char *what = text_fmt("egress, %s, %s", senders[i].what, way->name);

		check_way(&s, senders[i].fd, senders[i].send, udp4, "ipv4 udp dns", what);
		check_way(&s, senders[i].fd, senders[i].send, udp6, "ipv6 udp https", what);
		check_way(&s, senders[i].fd, senders[i].send, tcp4_tagged,
			  "ipv4 tcp https seven ef", what);
		check_way(&s, senders[i].fd, senders[i].send, icmp6, "ipv6 none", what);
		check_way(&s, senders[i].fd, senders[i].send, arp, "other none", what);
		check_way(&s, senders[i].fd, senders[i].send, fragment4, "ipv4 udp", what);
	}
	check_way(&s, wire, send_wire, cut4, "ipv4 none", "egress, cut in the IP header");
	detach("left", "l0", BPF_TC_EGRESS);
}

/* The kernel takes the outer tag out of the packet before that. */
static void test_ingress(const struct seams_way *way)
{
	_cleanup_free_ char *what = text_fmt("ingress, %s", way->name);
	_cleanup_close_ int wire = wire_open("left", "l0");
	_cleanup_seams_ struct seams s = {};

	seams_hook = "tc-ingress";
	seams_start(&s, way, "", FIELDS);
	attach(&s, "right", "r0", BPF_TC_INGRESS);
	check_way(&s, wire, send_wire, tcp4_tagged, "ipv4 tcp https seven ef", what);
	check_way(&s, wire, send_wire, tcp4, "ipv4 tcp", what);
	check_way(&s, wire, send_wire, arp, "other none", what);
	check_way(&s, wire, send_wire, cut4, "ipv4 none", what);
	detach("right", "r0", BPF_TC_INGRESS);
}

static void send_bare(int fd, const struct pkt *p)
{
	if (write(fd, p->data + ETH_HLEN, p->len - ETH_HLEN) < 0)
		bail_out("cannot write: %s", strerror(errno));
}

static void test_bare(const struct seams_way *way)
{
	_cleanup_close_ int tun = tun_open("left", "t0");
	_cleanup_free_ char *what = text_fmt("no Ethernet, %s", way->name);
	_cleanup_seams_ struct seams s = {};

	if (tun < 0) {
		skip("no tun devices here: %s", strerror(-tun));
		return;
	}
	seams_hook = "tc-ingress";
	seams_start(&s, way, "", FIELDS);
	attach(&s, "left", "t0", BPF_TC_INGRESS);
	check_way(&s, tun, send_bare, udp4, "ipv4 udp dns", what);
	check_way(&s, tun, send_bare, udp6, "ipv6 udp https", what);
	check_way(&s, tun, send_bare, icmp6, "ipv6 none", what);
	check_way(&s, tun, send_bare, fragment4, "ipv4 udp", what);
}

struct seen {
	__u64 xdp, tc, unmarked;
};

/* Class 0 and 1 of the map, all CPUs together. */
static void read_seen(int map, struct seen ret[2])
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct seen *each = calloc(cpus, sizeof(*each));

	memset(ret, 0, 2 * sizeof(*ret));
	for (__u32 class = 0; class < 2; class ++) {
		if (!each || bpf_map_lookup_elem(map, &class, each))
			bail_out("cannot read the map");
		for (int i = 0; i < cpus; i++) {
			ret[class].xdp += each[i].xdp;
			ret[class].tc += each[i].tc;
			ret[class].unmarked += each[i].unmarked;
		}
	}
}

static bool has_seen(int map, __u64 marked, __u64 unmarked)
{
	struct seen seen[2];

	read_seen(map, seen);
	return seen[1].xdp == marked && seen[1].tc == marked && seen[0].unmarked == unmarked;
}

#define MARKING                                                                                    \
	"[{name: mark, object: mark.bpf.o, maps: {classes: {entries: [{key: 10.0.0.1/32, value: "  \
	"1}]}}}]"

/* The example: what XDP says of a packet TC finds in front of it. */
static void test_meta(const char *folder, const struct seams_way *way, __u32 flags)
{
	const char *mode = flags == XDP_FLAGS_DRV_MODE ? "native" : "generic";
	_cleanup_close_ int wire = wire_open("left", "l0");
	_cleanup_seams_ struct seams xdp = {}, tc = {};
	const char *tests = seams_folder;
	struct load_reuse reuse;
	struct pkt p = {}, q = {};

	seams_folder = folder;
	seams_hook = "xdp";
	seams_start(&xdp, way, "", MARKING);
	reuse = (struct load_reuse){"mark__seen", loaded_map(xdp.loaded, "mark__seen")};
	seams_hook = "tc-ingress";
	if (seams_plan(&tc, way, "", "[{name: mark, object: mark_tc.bpf.o}]") ||
	    seams_load(&tc, way, &reuse, 1))
		bail_out("%s", seams_error());
	seams_folder = tests;
	attach(&tc, "right", "r0", BPF_TC_INGRESS);
	{
		_net_in_(there, "right");

		if (bpf_xdp_attach(if_nametoindex("r0"), xdp.program, flags, NULL))
			bail_out("cannot attach to r0");
	}
	udp4(&p);  /* from 10.0.0.1 */
	icmp6(&q); /* of no class */
	for (int i = 0; i < 10; i++)
		wire_send(wire, p.data, p.len);
	for (int i = 0; i < 5; i++)
		wire_send(wire, q.data, q.len);
	ok(wait_until(has_seen(reuse.fd, 10, 5), 20000), "%s, %s: ten are marked, five are not",
	   mode, way->name);
	{
		_net_in_(there, "right");

		bpf_xdp_detach(if_nametoindex("r0"), flags, NULL);
	}
	wire_send(wire, p.data, p.len);
	ok(wait_until(has_seen(reuse.fd, 10, 6), 20000), "without XDP it comes without");
	detach("right", "r0", BPF_TC_INGRESS);
}

static void test_meta_alone(void)
{
	_cleanup_free_ char *path = text_fmt("%s/skb_meta.bpf.o", seams_folder);
	struct bpf_object *o = bpf_object__open_file(path, NULL);
	struct pkt p = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.data, .repeat = 1);

	if (!o || bpf_object__load(o))
		bail_out("cannot load %s", path);
	udp4(&p);
	opts.data_size_in = p.len;
	is_int(bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(o, "meta")),
				      &opts),
	       0, "values in front of a packet");
	is_int(opts.retval, 0, "line of skb_meta.bpf.c where something is wrong");
	bpf_object__close(o);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		bail_out("usage: skb_test FOLDER EXAMPLES");
	seams_folder = argv[1];
	net_init();
	libbpf_set_print(NULL); /* it complains when clsact is there already */
	net_add("left");
	net_add("right");
	net_veth("left", "l0", "right", "r0");
	must_run("ip -n left link set l0 mtu 9000");
	must_run("ip -n right link set r0 mtu 9000");
	for (int i = 0; i < 3; i++) {
		test_egress(&seams_ways[i]);
		test_ingress(&seams_ways[i]);
		test_bare(&seams_ways[i]);
	}
	must_run("ip -n left link set l0 mtu 1500");
	must_run("ip -n right link set r0 mtu 1500");
	test_meta_alone();
	for (int i = 0; i < 2; i++) {
		_cleanup_free_ char *folder = text_fmt("%s/mark", argv[2]);

		test_meta(folder, &seams_ways[i], XDP_FLAGS_DRV_MODE);
		test_meta(folder, &seams_ways[i], XDP_FLAGS_SKB_MODE);
	}
	return done();
}
