/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filters of classic BPF, compiled, say the same of packets as libpcap does: expressions as
 * people write them, and programs that no compiler would make.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cbpf_pcap.h"
#include "graph_common.h"
#include "object/cbpf.h"
#include "random.h"

#define LARGE 9000

static struct braid_error err;

/* How a packet comes to the filter. */
static const struct way {
	const char *name;
	enum bpf_prog_type type;
	struct cbpf_opts opts;
} ways[] = {
	{"XDP", BPF_PROG_TYPE_XDP, {}},
	{"XDP, several buffers", BPF_PROG_TYPE_XDP, {.several_buffers = true}},
	{"TC", BPF_PROG_TYPE_SCHED_CLS, {.skb = true, .several_buffers = true}},
};

static int load(const struct way *w, const struct braid_filter *filter, size_t n)
{
	static char log[1 << 20];
	bool frags = w->opts.several_buffers && w->type == BPF_PROG_TYPE_XDP;
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = frags ? 1u << 5 : 0);
	struct func f = {};
	int fd;

	if (cbpf_compile(filter, n, &w->opts, &f, &err))
		bail_out("%s: %s (%s)", w->name, err.what, err.why ?: "");
	fd = bpf_prog_load(w->type, "filter", "GPL", f.insns.v, f.insns.n, &opts);
	if (fd < 0) {
		opts.log_buf = log;
		opts.log_size = sizeof(log);
		opts.log_level = 1;
		bpf_prog_load(w->type, "filter", "GPL", f.insns.v, f.insns.n, &opts);
		diag("%s", log + (strlen(log) > 3000 ? strlen(log) - 3000 : 0));
	}
	array_done(&f.insns);
	return fd;
}

/* false: the kernel makes no skb of it, as its headers are not all there. */
static bool run(const struct way *w, int fd, const void *packet, size_t size, __u32 *ret)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = size);
	int r = bpf_prog_test_run_opts(fd, &opts);

	if (r && (r != -EINVAL || w->type == BPF_PROG_TYPE_XDP))
		bail_out("a packet of %zu bytes cannot be run", size);
	*ret = opts.retval;
	return !r;
}

struct packet {
	__u8 *bytes;
	size_t n;
};

static struct packet packets[400];
static size_t n_packets;

static void keep(const void *bytes, size_t n)
{
	struct packet *p = &packets[n_packets++];

	p->bytes = malloc(n);
	p->n = n;
	if (!p->bytes || n_packets == COUNT(packets))
		bail_out("too many packets");
	memcpy(p->bytes, bytes, n);
}

static void keep_cuts(packet_maker *make)
{
	static const size_t cuts[] = {0, 1, 7, 20, 33, 60};
	struct pkt p = {};

	make(&p);
	for (size_t i = 0; i < COUNT(cuts); i++)
		if (p.len >= ETH_HLEN + cuts[i])
			keep(p.data, p.len - cuts[i]);
}

static void icmp4(struct pkt *p)
{
	pkt_eth(p);
	pkt_ip4(p, "192.0.2.77", "198.51.100.9");
	pkt_icmp(p, 8, 0);
	pkt_finish(p);
}

static void options4(struct pkt *p)
{
	pkt_eth(p);
	pkt_ip4(p, "10.9.8.7", "10.0.0.2");
	pkt_ip4_options(p, 5);
	pkt_tcp(p, 443, 50000, 0x12);
	pkt_payload(p, "hello", 5);
	pkt_finish(p);
}

static void keep_noise(struct rng *r, size_t n, __u16 ethertype)
{
	static __u8 bytes[LARGE];

	for (size_t k = 0; k < n; k++)
		bytes[k] = rng_next(r);
	bytes[12] = ethertype >> 8;
	bytes[13] = ethertype;
	if (ethertype == ETH_P_IP)
		bytes[14] = 0x40 | (rng_below(r, 11) + 5);
	keep(bytes, n);
}

static void make_packets(struct rng *r)
{
	static packet_maker *const makers[] = {udp4,  udp6, tcp4,      tcp4_tagged, sctp4,
					       icmp6, arp,  fragment4, icmp4,       options4};
	static const __u16 types[] = {ETH_P_IP, ETH_P_IPV6, ETH_P_8021Q, ETH_P_ARP};

	for (size_t i = 0; i < COUNT(makers); i++)
		keep_cuts(makers[i]);
	for (int i = 0; i < 60; i++) {
		struct pkt p = {};

		pkt_random(r, &p);
		keep(p.data, p.len);
		pkt_random_broken(r, &p);
		keep(p.data, p.len);
	}
	for (int i = 0; i < 20; i++)
		keep_noise(r, ETH_HLEN + rng_below(r, 200), types[i % COUNT(types)]);
	/* of several buffers: these take a program that knows them */
	for (size_t n = 4000; n <= LARGE; n += 1000)
		keep_noise(r, n, types[n / 1000 % 2]);
}

/* Return: packets of which it says another thing. @ret_runs: more. */
static size_t compare(const struct way *w, const struct braid_filter *filter, size_t n,
		      size_t *ret_runs)
{
	int fd = load(w, filter, n);
	size_t wrong = fd < 0;

	for (size_t i = 0; i < n_packets && fd >= 0; i++) {
		const struct packet *p = &packets[i];
		bool large = p->n > 3500;
		__u32 want = pcap_says(filter, p->bytes, p->n), got;

		if (large && (w->type != BPF_PROG_TYPE_XDP || !w->opts.several_buffers))
			continue;
		if (run(w, fd, p->bytes, p->n, &got) && ++*ret_runs && got != want && !wrong++)
			diag("%s: packet %zu of %zu bytes: %#x instead of %#x", w->name, i, p->n,
			     got, want);
	}
	if (fd >= 0)
		close(fd);
	return wrong;
}

static void test_expressions(void)
{
	static const char *const expressions[] = {
		"ip",
		"ip6",
		"arp",
		"not ip",
		"tcp",
		"udp port 53",
		"tcp port 80 or tcp port 443",
		"host 10.0.0.1",
		"src host 10.0.0.1 and dst port 80",
		"net 10.0.0.0/8",
		"ip6 host 2001:db8::1",
		"ip6 net 2001:db8::/32",
		"portrange 1-1023",
		"tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
		"tcp[13] = 0x12",
		"ip[8] < 5",
		"ip[0] & 0xf != 5",
		"ip[6:2] & 0x1fff != 0",
		"icmp[icmptype] = icmp-echo",
		"icmp6",
		"len > 200",
		"less 64",
		"greater 4500",
		"vlan",
		"vlan 7",
		"vlan 7 and tcp port 443",
		"vlan and vlan",
		"ether host 02:00:00:00:00:01",
		"ether[0] & 1 = 0 and ip[16] >= 224",
		"ether broadcast",
		"ip proto 132",
		"tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x68656c6c",
		"udp[4:2] - 8 > 64",
		"ip[2:2] * 3 / 2 % 7 = 3",
		"(ip[2:2] / ip[8]) > 1",
		"ip[ip[9]] = 0",
		"ether[5000:4] & 1 = 1",
		"ether[4090:4] > 0x40000000",
		"ether[8999] >= 0",
		"mpls",
		"pppoes",
		"llc",
		"atalk",
		("(tcp or udp) and (port 53 or port 80 or port 443 or port 22 or port 25) and not "
		 "(net 192.168.0.0/16 or net 172.16.0.0/12 or host 8.8.8.8)"),
	};

	for (size_t i = 0; i < COUNT(expressions); i++) {
		_cleanup_free_ struct braid_filter *filter = NULL;
		size_t n = pcap_filter(expressions[i], &filter), wrong = 0, runs = 0;

		for (size_t w = 0; w < COUNT(ways); w++)
			wrong += compare(&ways[w], filter, n, &runs);
		is_int(wrong, 0, "%s: %zu instructions, %zu packets", expressions[i], n, runs);
	}
}

/* Any instruction at place @i of @n; the last returns. */
static struct braid_filter make_insn(struct rng *r, size_t i, size_t n)
{
	static const __u16 alu[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_MOD,
				    BPF_AND, BPF_OR,  BPF_XOR, BPF_LSH, BPF_RSH};
	static const __u16 jumps[] = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
	static const __u16 sizes[] = {BPF_W, BPF_H, BPF_B};
	__u32 k = rng_chance(r, 70) ? rng_below(r, 80) : rng_next(r), left = n - i - 1;
	__u16 by = rng_chance(r, 40) ? BPF_X : BPF_K, op;

	if (!left)
		return (struct braid_filter){BPF_RET | BPF_A};
	switch (rng_below(r, 16)) {
	case 0:
	case 1:
	case 2:
		return (struct braid_filter){BPF_LD | sizes[rng_below(r, 3)] | BPF_ABS, 0, 0,
					     k & 0x7fffffff};
	case 3:
	case 4:
		return (struct braid_filter){BPF_LD | sizes[rng_below(r, 3)] | BPF_IND, 0, 0, k};
	case 5:
		return (struct braid_filter){BPF_LDX | BPF_B | BPF_MSH, 0, 0, k & 0x7fffffff};
	case 6:
		return (struct braid_filter){BPF_LD | BPF_IMM, 0, 0, k};
	case 7:
		return (struct braid_filter){BPF_LDX | (by ? BPF_IMM : BPF_W | BPF_LEN), 0, 0, k};
	case 8:
		return (struct braid_filter){(by ? BPF_LD : BPF_LDX) | BPF_MEM, 0, 0, k % 16};
	case 9:
		return (struct braid_filter){by ? BPF_ST : BPF_STX, 0, 0, k % 16};
	case 10:
		return (struct braid_filter){BPF_MISC | (by ? BPF_TAX : BPF_TXA)};
	case 11:
		return (struct braid_filter){rng_chance(r, 50) ? BPF_ALU | BPF_NEG
							       : BPF_LD | BPF_W | BPF_LEN};
	case 12:
		if (rng_chance(r, 10))
			return (struct braid_filter){BPF_JMP | BPF_JA, 0, 0, k % left};
		if (rng_chance(r, 10))
			return (struct braid_filter){BPF_RET | BPF_K, 0, 0, k};
		/* fall through */
	case 13:
		return (struct braid_filter){BPF_JMP | jumps[rng_below(r, 4)] | by,
					     rng_below(r, left), rng_below(r, left), k};
	default:
		op = alu[rng_below(r, COUNT(alu))];
		if (op == BPF_LSH || op == BPF_RSH)
			k %= 32;
		return (struct braid_filter){BPF_ALU | op | by, 0, 0, k ?: 1};
	}
}

/* libpcap leaves memory as it is: it is filled first. */
#define FILL 16

static void test_random(struct rng *r)
{
	size_t wrong = 0, n_programs = 250, runs = 0;

	for (size_t i = 0; i < n_programs; i++) {
		struct braid_filter filter[FILL + 60];
		size_t n = FILL + 2 + rng_below(r, 58);

		for (__u32 k = 0; k < FILL; k++)
			filter[k] = (struct braid_filter){BPF_ST, 0, 0, k};
		for (size_t k = FILL; k < n; k++)
			filter[k] = make_insn(r, k, n);
		if (cbpf_check(filter, n, &err))
			bail_out("program %zu: %s", i, err.what);
		for (size_t w = 0; w < COUNT(ways); w++)
			wrong += compare(&ways[w], filter, n, &runs);
	}
	is_int(wrong, 0, "%zu programs of chance, %zu packets", n_programs, runs);
	ok(runs > n_programs * n_packets * 2, "most packets run in all ways");
}

static __u32 run_once(const struct way *w, const struct braid_filter *filter, size_t n)
{
	int fd = load(w, filter, n);
	__u32 got = 0;

	if (fd < 0 || !run(w, fd, packets[0].bytes, packets[0].n, &got))
		diag("%s: does not run", w->name);
	if (fd >= 0)
		close(fd);
	return got;
}

/* What needs no packet to tell: words that nobody stored, and the longest program. */
static void test_edges(void)
{
	static const struct braid_filter words[] = {
		{BPF_LD | BPF_MEM, 0, 0, 15},
		{BPF_LDX | BPF_MEM, 0, 0, 0},
		{BPF_ALU | BPF_ADD | BPF_X},
		{BPF_ALU | BPF_ADD | BPF_K, 0, 0, 7},
		{BPF_RET | BPF_A},
	};
	static struct braid_filter longest[CBPF_LIMIT];

	for (size_t i = 0; i + 1 < COUNT(longest); i++)
		longest[i] = (struct braid_filter){BPF_ALU | BPF_ADD | BPF_K, 0, 0, 1};
	longest[COUNT(longest) - 1] = (struct braid_filter){BPF_RET | BPF_A};
	for (size_t w = 0; w < COUNT(ways); w++) {
		is_int(run_once(&ways[w], words, COUNT(words)), 7, "%s: what nobody stored is 0",
		       ways[w].name);
		is_int(run_once(&ways[w], longest, COUNT(longest)), CBPF_LIMIT - 1,
		       "%s: as long as they may be", ways[w].name);
	}
}

int main(void)
{
	struct rng r = {20};

	make_packets(&r);
	test_expressions();
	test_random(&r);
	test_edges();
	for (size_t i = 0; i < n_packets; i++)
		free(packets[i].bytes);
	braid_error_clear(&err);
	return done();
}
