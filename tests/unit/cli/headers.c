/* SPDX-License-Identifier: GPL-2.0-only */
/* Headers and fields of packets, and packets in one line. */
#include "cli/headers.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lib/packet.h"
#include "lib/random.h"
#include "lib/tap.h"

static void raw(struct pkt *p, const void *bytes, size_t n)
{
	if (n)
		memcpy(p->data + p->len, bytes, n);
	p->len += n;
}

/* "eth@0 vlan@14 ip@18 tcp@38" */
static char *names(const struct pkt *p, size_t size)
{
	struct headers all;
	struct buf b = {};

	headers_find(p->data, size, &all);
	for (size_t i = 0; i < all.n; i++)
		buf_fmt(&b, "%s%s@%u+%u", i ? " " : "", header_name(&all.v[i]), all.v[i].at,
			all.v[i].size);
	buf_fmt(&b, " end %u", all.end);
	return buf_take(&b);
}

static void is_names(const struct pkt *p, size_t size, const char *want)
{
	_cleanup_free_ char *got = names(p, size);

	is_str(got, want, "%zu bytes: %s", size, want);
}

static void is_summary(const struct pkt *p, const char *want)
{
	_cleanup_free_ char *got = packet_summary(p->data, p->len);

	is_str(got, want, "%s", want);
}

static void test_plain(void)
{
	struct pkt p = {};

	pkt_eth(&p);
	pkt_ip4(&p, "10.0.0.1", "192.0.2.10");
	pkt_tcp(&p, 1000, 80, 0x12);
	pkt_payload(&p, "hello", 5);
	pkt_finish(&p);
	is_names(&p, p.len, "eth@0+14 ip@14+20 tcp@34+20 end 54");
	is_names(&p, 54, "eth@0+14 ip@14+20 tcp@34+20 end 54");
	is_names(&p, 53, "eth@0+14 ip@14+20 end 34");
	is_names(&p, 33, "eth@0+14 end 14");
	is_names(&p, 13, " end 0");
	is_summary(&p, "10.0.0.1:1000 > 192.0.2.10:80 tcp SYN,ACK");
	p.data[47] = 0;
	is_summary(&p, "10.0.0.1:1000 > 192.0.2.10:80 tcp none");
	p.len = 40;
	is_summary(&p, "10.0.0.1 > 192.0.2.10 protocol 6");
	p.len = 3;
	is_summary(&p, "3 bytes, no Ethernet header");
}

static void test_tags(void)
{
	struct pkt p = {};

	pkt_eth(&p);
	pkt_vlan(&p, ETH_P_8021AD, 100);
	pkt_vlan(&p, ETH_P_8021Q, 7);
	pkt_ip6(&p, "2001:db8::1", "2001:db8::2");
	pkt_udp(&p, 5353, 53);
	pkt_finish(&p);
	is_names(&p, p.len, "eth@0+14 vlan@14+4 vlan@18+4 ip6@22+40 udp@62+8 end 70");
	is_summary(&p, "vlan 100 vlan 7 [2001:db8::1]:5353 > [2001:db8::2]:53 udp");
	p.len = 22;
	p.data[20] = 0x88, p.data[21] = 0xb5;
	is_summary(&p, "vlan 100 vlan 7 type 0x88b5");
	p.len = 14;
	p.data[12] = 0x88, p.data[13] = 0xb5;
	is_summary(&p, "02:00:00:00:00:01 > 02:00:00:00:00:02 type 0x88b5");
}

static void test_extensions(void)
{
	struct pkt p = {}, whole = {}, first, rest;

	pkt_eth(&p);
	pkt_ip6(&p, "fe80::1", "ff02::1");
	pkt_ext(&p, IPPROTO_HOPOPTS, 0);
	pkt_ext(&p, IPPROTO_DSTOPTS, 2);
	pkt_icmp(&p, 135, 0);
	pkt_finish(&p);
	is_names(&p, p.len, "eth@0+14 ip6@14+40 hop-by-hop@54+8 options@62+24 icmp6@86+8 end 94");
	is_summary(&p, "fe80::1 > ff02::1 icmp6 neighbour solicitation");
	is_names(&p, 70, "eth@0+14 ip6@14+40 hop-by-hop@54+8 options@62+8 end 70");

	pkt_eth(&whole);
	pkt_ip4(&whole, "10.0.0.1", "10.0.0.2");
	pkt_ip4_options(&whole, 2);
	pkt_udp(&whole, 1, 2);
	pkt_payload(&whole, NULL, 100);
	pkt_finish(&whole);
	is_names(&whole, whole.len, "eth@0+14 ip@14+28 udp@42+8 end 50");
	pkt_fragment(&whole, 48, &first, &rest);
	is_summary(&first, "10.0.0.1:1 > 10.0.0.2:2 udp fragment 0+");
	is_summary(&rest, "10.0.0.1 > 10.0.0.2 protocol 17 fragment 48");
}

static void test_others(void)
{
	static const __u8 arp[28] = {0,  1, 8, 0, 6, 4, 0, 1, 2, 0, 0,  0, 0, 1,
				     10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2};
	static const __u8 mpls[] = {0, 1, 0x00, 64, 0, 2, 0x01, 64};
	struct pkt p = {}, icmp = {};

	pkt_eth(&p);
	pkt_ethertype(&p, ETH_P_ARP);
	raw(&p, arp, sizeof(arp));
	is_summary(&p, "arp who-has 10.0.0.2 tell 10.0.0.1");
	p.data[14 + 7] = 2;
	is_summary(&p, "arp 10.0.0.1 is-at 02:00:00:00:00:01");
	p.data[14 + 7] = 9;
	is_summary(&p, "arp op 9");

	p = (struct pkt){};
	pkt_eth(&p);
	pkt_ethertype(&p, ETH_P_MPLS_UC);
	raw(&p, mpls, sizeof(mpls));
	is_names(&p, p.len, "eth@0+14 mpls@14+4 mpls@18+4 end 22");
	is_summary(&p, "mpls 16 mpls 32");

	pkt_eth(&icmp);
	pkt_ip4(&icmp, "10.0.0.1", "10.0.0.2");
	pkt_icmp(&icmp, 8, 0);
	pkt_finish(&icmp);
	icmp.data[14 + 20 + 5] = 3;
	icmp.data[14 + 20 + 7] = 4;
	is_summary(&icmp, "10.0.0.1 > 10.0.0.2 icmp echo request id 3 seq 4");
	icmp.data[14 + 20] = 3;
	icmp.data[14 + 21] = 1;
	is_summary(&icmp, "10.0.0.1 > 10.0.0.2 icmp unreachable code 1");
	icmp.data[14 + 20] = 42;
	is_summary(&icmp, "10.0.0.1 > 10.0.0.2 icmp type 42 code 1");
}

/* @inner in something behind @outer's headers: what stands in a tunnel. */
static struct pkt around(const struct pkt *outer, const void *header, size_t n,
			 const struct pkt *inner, size_t skip)
{
	struct pkt p = *outer;

	raw(&p, header, n);
	raw(&p, inner->data + skip, inner->len - skip);
	return p;
}

static void test_tunnels(void)
{
	static const __u8 vxlan[8] = {8, 0, 0, 0, 0, 0, 42},
			  geneve[12] = {1, 0, 0x65, 0x58, 0, 0, 7};
	static const __u8 gre[8] = {0x20, 0, 8, 0, 0, 0, 0, 9};
	struct pkt inner = {}, udp = {}, ip = {}, p;

	pkt_eth(&inner);
	pkt_ip4(&inner, "10.0.0.1", "10.0.0.2");
	pkt_udp(&inner, 1, 2);
	pkt_finish(&inner);
	pkt_eth(&udp);
	pkt_ip4(&udp, "192.0.2.1", "192.0.2.2");
	ip = udp;
	pkt_udp(&udp, 1000, 4789);
	pkt_finish(&udp);
	p = around(&udp, vxlan, sizeof(vxlan), &inner, 0);
	is_names(&p, p.len,
		 "eth@0+14 ip@14+20 udp@34+8 vxlan@42+8 eth@50+14 ip@64+20 udp@84+8 end 92");
	is_summary(&p, "192.0.2.1:1000 > 192.0.2.2:4789 udp vxlan 42: 10.0.0.1:1 > 10.0.0.2:2 udp");
	udp.data[36] = 6081 >> 8, udp.data[37] = 6081 & 255;
	p = around(&udp, geneve, sizeof(geneve), &inner, 0);
	is_summary(&p, "192.0.2.1:1000 > 192.0.2.2:6081 udp geneve 7: 10.0.0.1:1 > 10.0.0.2:2 udp");
	pkt_finish(&ip);
	ip.data[14 + 9] = IPPROTO_GRE;
	p = around(&ip, gre, sizeof(gre), &inner, ETH_HLEN);
	is_names(&p, p.len, "eth@0+14 ip@14+20 gre@34+8 ip@42+20 udp@62+8 end 70");
	is_summary(&p, "192.0.2.1 > 192.0.2.2 gre: 10.0.0.1:1 > 10.0.0.2:2 udp");
	ip.data[14 + 9] = IPPROTO_IPIP;
	p = around(&ip, NULL, 0, &inner, ETH_HLEN);
	is_summary(&p, "192.0.2.1 > 192.0.2.2: 10.0.0.1:1 > 10.0.0.2:2 udp");
}

static void test_fields(void)
{
	static const __u8 tci[4] = {0xb0, 0x0a, 0x08, 0x00};
	static const struct header_field bits[] = {
		{"pcp", 0, 3}, {"dei", 3, 1}, {"id", 4, 12}, {"type", 16, 16, FIELD_HEX}};
	static const __u64 want[] = {5, 1, 10, 0x800};
	struct buf b = {};

	for (int i = 0; i < 4; i++)
		is_int(field_value(&bits[i], tci), want[i], "bits: %s", bits[i].name);
	field_text(&bits[3], tci, &b);
	is_str(b.v, "0x0800", "hexadecimal, as wide as the field");
	buf_done(&b);
}

/* Whatever it is given, it stays inside; ASan looks. */
static void test_any_bytes(void)
{
	struct rng r = {7};
	size_t headers = 0, broken = 0;

	for (int i = 0; i < 20000; i++) {
		struct pkt p = {};
		_cleanup_free_ __u8 *bytes = NULL;
		_cleanup_free_ char *text = NULL;
		struct headers all;
		size_t size;

		pkt_random_broken(&r, &p);
		size = rng_chance(&r, 50) ? rng_below(&r, p.len + 1) : p.len;
		bytes = malloc(size ?: 1); /* its end is where ASan sees it */
		memcpy(bytes, p.data, size);
		headers_find(bytes, size, &all);
		headers += all.n;
		text = packet_summary(bytes, size);
		broken += all.end > size || !text || !*text;
	}
	is_int(broken, 0, "headers end within the packet, and there is always a summary");
	ok(headers > 30000, "%zu headers in packets of all kinds", headers);
}

int main(void)
{
	test_plain();
	test_tags();
	test_extensions();
	test_others();
	test_tunnels();
	test_fields();
	test_any_bytes();
	return done();
}
