/* SPDX-License-Identifier: GPL-2.0-only */
/* The tools of the tests, as far as they need no root: a tool that is wrong proves nothing. */
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "leak.h"
#include "packet.h"
#include "random.h"
#include "run.h"
#include "tap.h"
#include "wait.h"

/* What a program that fails in every way prints; it runs as a child of this test. */
static int fail(void)
{
	ok(1 == 2, "condition");
	is_int(1, 2, "number");
	is_str("a", NULL, "string");
	is_mem("abc", "abd", 3, "memory");
	skip("no \"%s\" here", "flux # capacitor");
	ok(true, "fine\nafter all");
	return done();
}

static void test_tap(const char *self)
{
	static const char *const want[] = {
		"not ok 1 - condition\n",
		"# at ",
		"# does not hold: 1 == 2\n",
		"not ok 2 - number\n",
		"# got  1 (0x1)\n# want 2 (0x2)\n",
		"not ok 3 - string\n",
		"# want (NULL)\n",
		"not ok 4 - memory\n",
		"# byte 2 of 3 differs\n",
		"# got  at    0: 61 62 63\n",
		"ok 5 # SKIP no \"flux  capacitor\" here\n",
		"ok 6 - fine after all\n",
		"1..6\n",
	};
	_cleanup_run_ struct run r = {};
	const char *at;

	is_int(run(&r, self, "fail"), 1, "a program with failures fails");
	at = r.out;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const char *found = strstr(at, want[i]);

		if (!ok(found, "it prints %.*s", (int)strcspn(want[i], "\n"), want[i]))
			diag("%s", r.out);
		else
			at = found;
	}
	is_int(run(&r, self, "nothing"), 1, "a program without subtests fails");
	is_str(r.out, "Bail out! no subtest ran\n", "and says so");
	is_int(run(&r, self, "skip"), 0, "a program that cannot run here does not fail");
	is_str(r.out, "1..0 # SKIP no reason\n", "and says why");
}

static void test_run(void)
{
	_cleanup_run_ struct run r = {};

	is_int(run(&r, "sh", "-c", "echo out; echo err >&2; exit 3"), 3, "status of a command");
	is_str(r.out, "out\n", "its output");
	is_str(r.err, "err\n", "its errors");
	is_int(run(&r, "sh", "-c", "kill -TERM $$"), 128 + SIGTERM, "status after a signal");
	is_int(run(&r, "cat"), 0, "standard input is empty");
	is_int(run(&r, "/nonexistent/command"), 127, "status of a command that is not there");
	ok(strstr(r.err, "No such file"), "and the reason");
	is_int(run(&r, "sh", "-c", "yes | head -c 1000000"), 0, "a command that prints much");
	is_int(strlen(r.out), 1000000, "nothing of it is lost");
}

static void test_wait(void)
{
	long long begin = now_ms();
	int looked = 0;

	ok(wait_until(++looked == 3, 10000), "the third look finds it");
	is_int(looked, 3, "no look after that");
	ok(!wait_until(false, 20), "what never happens is not seen");
	ok(now_ms() - begin >= 20, "before the deadline nothing is given up");
	looked = 0;
	ok(wait_until(++looked, -5), "a deadline that is over still allows one look");
}

static void describe(struct pkt *v)
{
	pkt_eth(&v[0]);
	pkt_ip4(&v[0], "192.0.2.1", "192.0.2.2");
	pkt_udp(&v[0], 1000, 2000);
	pkt_payload(&v[0], "odd", 3);

	pkt_eth(&v[1]);
	pkt_vlan(&v[1], ETH_P_8021AD, 100);
	pkt_vlan(&v[1], ETH_P_8021Q, 200);
	pkt_ip4(&v[1], "192.0.2.1", "192.0.2.2");
	pkt_ip4_options(&v[1], 3);
	pkt_tcp(&v[1], 1000, 80, 0x02);

	pkt_eth(&v[2]);
	pkt_ip6(&v[2], "2001:db8::1", "2001:db8::2");
	pkt_ext(&v[2], IPPROTO_HOPOPTS, 0);
	pkt_ext(&v[2], IPPROTO_DSTOPTS, 2);
	pkt_udp(&v[2], 1000, 2000);
	pkt_payload(&v[2], NULL, 33);

	pkt_eth(&v[3]);
	pkt_ip6(&v[3], "2001:db8::1", "2001:db8::2");
	pkt_icmp(&v[3], 128, 0);
	pkt_payload(&v[3], NULL, 8);

	pkt_eth(&v[4]);
	pkt_ip4(&v[4], "198.51.100.1", "198.51.100.2");
	pkt_ip4(&v[4], "192.0.2.1", "192.0.2.2");
	pkt_icmp(&v[4], 8, 0);
	pkt_payload(&v[4], NULL, 9);
	for (int i = 0; i < 5; i++)
		pkt_finish(&v[i]);
}

static bool no_complaint(const char *tcpdump)
{
	static const char *const words[] = {"bad", "wrong", "incorrect", "invalid", "truncated"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strstr(tcpdump, words[i]))
			return false;
	}
	return true;
}

/* tcpdump was written by others: what it takes for right, others do too. */
static void test_headers(const char *file)
{
	static const char *const want[] = {
		"192.0.2.1.1000 > 192.0.2.2.2000: [udp sum ok]",
		"vlan 100, p 0, ethertype 802.1Q (0x8100), vlan 200, p 0, ethertype IPv4",
		"options (NOP,NOP,NOP,NOP,NOP,NOP,NOP,NOP,NOP,NOP,NOP,NOP)",
		"192.0.2.1.1000 > 192.0.2.2.80: Flags [S], cksum",
		"(correct), seq 0",
		"2001:db8::1 > 2001:db8::2: HBH (padn) DSTOPT (padn) 1000 > 2000: [udp sum ok]",
		"2001:db8::1 > 2001:db8::2: [icmp6 sum ok] ICMP6, echo request",
		"198.51.100.1 > 198.51.100.2: ",
		"192.0.2.1 > 192.0.2.2: ICMP echo request",
	};
	_cleanup_run_ struct run r = {};
	struct pkt v[5] = {};
	const char *at;

	describe(v);
	pkt_write_pcap(file, v, 5);
	is_int(run(&r, "tcpdump", "-nnvve", "-r", file), 0, "tcpdump reads the file");
	at = r.out;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const char *found = at ? strstr(at, want[i]) : NULL;

		if (ok(found, "tcpdump sees: %s", want[i]))
			at = found;
		else
			diag("%s%s", r.out, r.err);
	}
	ok(no_complaint(r.out), "and complains of nothing");
}

static void test_fragments(const char *file)
{
	_cleanup_run_ struct run r = {};
	struct pkt v[2] = {}, part[4];

	pkt_eth(&v[0]);
	pkt_ip4(&v[0], "192.0.2.1", "192.0.2.2");
	pkt_udp(&v[0], 1000, 2000);
	pkt_payload(&v[0], NULL, 40);
	pkt_finish(&v[0]);
	pkt_fragment(&v[0], 16, &part[0], &part[1]);
	is_mem(part[0].data + 34, v[0].data + 34, 16, "first fragment: the first 16 bytes");
	is_mem(part[1].data + 34, v[0].data + 50, 32, "second fragment: all others");
	is_int(part[0].len + part[1].len, v[0].len + 34, "nothing else in them");

	pkt_eth(&v[1]);
	pkt_ip6(&v[1], "2001:db8::1", "2001:db8::2");
	pkt_ext(&v[1], IPPROTO_HOPOPTS, 0);
	pkt_udp(&v[1], 1000, 2000);
	pkt_payload(&v[1], NULL, 40);
	pkt_finish(&v[1]);
	pkt_fragment(&v[1], 16, &part[2], &part[3]);
	is_mem(part[2].data + 70, v[1].data + 62, 16, "IPv6, first fragment");
	is_mem(part[3].data + 70, v[1].data + 78, 32, "IPv6, second fragment");

	pkt_write_pcap(file, part, 4);
	is_int(run(&r, "tcpdump", "-nnvv", "-r", file), 0, "tcpdump reads the fragments");
	ok(strstr(r.out, "offset 0, flags [+], proto UDP") && strstr(r.out, "offset 16, flags"),
	   "the two of IPv4");
	ok(strstr(r.out, "frag (0x00000001:0|16)") && strstr(r.out, "frag (0x00000001:16|32)"),
	   "the two of IPv6");
	if (!ok(no_complaint(r.out), "and complains of nothing"))
		diag("%s", r.out);
}

static void test_pcap(const char *file)
{
	struct rng r = {.state = 1};
	struct pkt *v = calloc(200, sizeof(*v)), *back;
	size_t n, same = 0;

	if (!v)
		bail_out("out of memory");
	for (int i = 0; i < 200; i++)
		pkt_random(&r, &v[i]);
	pkt_write_pcap(file, v, 200);
	back = pkt_read_pcap(file, &n);
	is_int(n, 200, "all packets come back from a capture file");
	for (size_t i = 0; i < n; i++)
		same += back[i].len == v[i].len && memcmp(back[i].data, v[i].data, v[i].len) == 0;
	is_int(same, 200, "as they were");
	free(back);
	free(v);
}

/* Lengths of all headers fit, seen from the outside in. */
static bool ip_lengths_fit(const struct pkt *p)
{
	for (size_t n = 0; n < p->layers; n++) {
		const __u8 *h = p->data + p->layer[n].at;
		size_t left = p->len - p->layer[n].at;
		bool first = n == 0 || p->layer[n - 1].kind <= PKT_VLAN;

		if (first && p->layer[n].kind == PKT_IP4 && (size_t)(h[2] << 8 | h[3]) > left)
			return false;
		if (first && p->layer[n].kind == PKT_IP6 && (size_t)(h[4] << 8 | h[5]) + 40 > left)
			return false;
	}
	return true;
}

static void test_random(void)
{
	enum { PACKETS = 20000 };
	struct rng a = {.state = 7}, b = {.state = 7}, c = {.state = 8};
	size_t same = 0, other = 0, fitting = 0, broken = 0, kinds = 0, shortest = PKT_SIZE;
	bool seen[PKT_ICMP + 1] = {};

	for (int i = 0; i < PACKETS; i++) {
		struct pkt p, q, s;

		pkt_random(&a, &p);
		pkt_random(&b, &q);
		pkt_random(&c, &s);
		same += p.len == q.len && memcmp(p.data, q.data, p.len) == 0;
		other += p.len != s.len || memcmp(p.data, s.data, p.len) != 0;
		fitting += ip_lengths_fit(&p);
		for (size_t n = 0; n < p.layers; n++)
			seen[p.layer[n].kind] = true;
		pkt_random_broken(&a, &p);
		pkt_random(&b, &q);
		b = a;
		broken += p.len != q.len || memcmp(p.data, q.data, p.len) != 0;
		shortest = p.len < shortest ? p.len : shortest;
	}
	for (size_t k = 0; k <= PKT_ICMP; k++)
		kinds += seen[k];
	is_int(same, PACKETS, "one seed, one sequence");
	ok(other > PACKETS * 9 / 10, "another seed, another one");
	is_int(fitting, PACKETS, "lengths of well-formed packets fit");
	is_int(kinds, PKT_ICMP + 1, "every kind of header occurs");
	ok(broken > PACKETS * 9 / 10, "broken ones differ from what they were: %zu", broken);
	is_int(shortest, ETH_HLEN, "down to the bare Ethernet header");
}

static void test_leak(void)
{
	struct leak_snapshot before, back;
	_cleanup_fclose_ FILE *f = tmpfile();
	bool same = true;
	int error;

	error = leak_take(&before);
	if (error == -EPERM) {
		skip("needs root: ids of BPF objects");
		return;
	}
	if (error || !f)
		bail_out("snapshot: %s", strerror(errno));
	is_int(leak_write(&before, f), 0, "a snapshot is written");
	rewind(f);
	is_int(leak_read(&back, f), 0, "and read");
	for (int k = 0; k < LEAK_KINDS; k++) {
		size_t n = before.ids[k].n;

		same &= back.ids[k].n == n;
		same &= !n || memcmp(back.ids[k].v, before.ids[k].v, n * sizeof(__u32)) == 0;
	}
	ok(same, "the same ids");
	leak_done(&before);
	leak_done(&back);
	rewind(f);
	fputs("program 1\nspoon 2\n", f);
	rewind(f);
	is_int(leak_read(&back, f), -EINVAL, "what is no snapshot is refused");
}

int main(int argc, char **argv)
{
	char file[] = "/tmp/braid-self-test-XXXXXX";
	int fd;

	if (argc == 2 && strcmp(argv[1], "fail") == 0)
		return fail();
	if (argc == 2 && strcmp(argv[1], "nothing") == 0)
		return done();
	if (argc == 2 && strcmp(argv[1], "skip") == 0)
		skip_all("no %s", "reason");
	fd = mkstemp(file);
	if (fd < 0)
		bail_out("%s: %s", file, strerror(errno));
	close(fd);
	test_tap(argv[0]);
	test_run();
	test_wait();
	test_headers(file);
	test_fragments(file);
	test_pcap(file);
	test_random();
	test_leak();
	unlink(file);
	return done();
}
