/* SPDX-License-Identifier: GPL-2.0-only */
#include "random.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>

/* SplitMix64 (Steele, Lea, Flood, 2014): every seed is as good as any other. */
__u64 rng_next(struct rng *r)
{
	__u64 z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

__u32 rng_below(struct rng *r, __u32 n)
{
	return rng_next(r) % n;
}

bool rng_chance(struct rng *r, unsigned int percent)
{
	return rng_below(r, 100) < percent;
}

#define PICK(r, array) ((array)[rng_below(r, sizeof(array) / sizeof((array)[0]))])

/* Some of them are bogons, on purpose. */
static const char *const net4[] = {"10.0.0",    "192.0.2", "198.51.100",
				   "203.0.113", "127.0.0", "224.0.0"};
static const char *const net6[] = {"2001:db8:", "2001:db8:1:", "fd00:", "fe80:", "ff02:", ":"};
static const __u16 ports[] = {0, 22, 53, 80, 443, 1024, 8080, 65535};

static void random_ip4(struct rng *r, struct pkt *p)
{
	char src[16], dst[16];

	snprintf(src, sizeof(src), "%s.%u", PICK(r, net4), rng_below(r, 8));
	snprintf(dst, sizeof(dst), "%s.%u", PICK(r, net4), rng_below(r, 8));
	pkt_ip4(p, src, dst);
	if (rng_chance(r, 10))
		pkt_ip4_options(p, 1 + rng_below(r, 10));
}

static void random_ip6(struct rng *r, struct pkt *p)
{
	static const __u8 types[] = {IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS};
	char src[40], dst[40];

	snprintf(src, sizeof(src), "%s:%x", PICK(r, net6), rng_below(r, 8));
	snprintf(dst, sizeof(dst), "%s:%x", PICK(r, net6), rng_below(r, 8));
	pkt_ip6(p, src, dst);
	for (int n = 0; n < 3 && rng_chance(r, 25); n++)
		pkt_ext(p, PICK(r, types), rng_below(r, 4));
}

static void random_transport(struct rng *r, struct pkt *p)
{
	__u16 sport = PICK(r, ports), dport = PICK(r, ports);

	switch (rng_below(r, 8)) {
	case 0 ... 2:
		pkt_udp(p, sport, dport);
		break;
	case 3 ... 5:
		pkt_tcp(p, sport, dport, rng_below(r, 256));
		break;
	case 6:
		pkt_icmp(p, rng_below(r, 256), rng_below(r, 16));
		break;
	case 7: /* none: the IP header keeps the protocol that it began with */
		break;
	}
}

void pkt_random(struct rng *r, struct pkt *ret)
{
	struct pkt whole = {}, first, rest;
	struct pkt *p = &whole;
	bool ip = rng_chance(r, 94);

	pkt_eth(p);
	if (rng_chance(r, 10))
		pkt_vlan(p, ETH_P_8021AD, rng_below(r, 4096));
	if (rng_chance(r, 20))
		pkt_vlan(p, ETH_P_8021Q, rng_below(r, 4096));
	if (ip) {
		for (int depth = rng_chance(r, 10) ? 2 : 1; depth > 0; depth--) {
			if (rng_chance(r, 50))
				random_ip4(r, p);
			else
				random_ip6(r, p);
		}
		random_transport(r, p);
	} else {
		pkt_ethertype(p, rng_chance(r, 50) ? ETH_P_ARP : rng_below(r, 65536));
	}
	pkt_payload(p, NULL, rng_chance(r, 80) ? rng_below(r, 64) : rng_below(r, 1200));
	pkt_finish(p);
	if (ip && p->len >= 300 && rng_chance(r, 20)) { /* longer than all headers and the cut */
		pkt_fragment(p, 8 * (1 + rng_below(r, 8)), &first, &rest);
		p = rng_chance(r, 50) ? &first : &rest;
	}
	*ret = *p;
	if (rng_chance(r, 20))
		pkt_pad(ret, ETH_ZLEN);
}

static void truncate_to(struct pkt *p, size_t len)
{
	if (len < ETH_HLEN)
		len = ETH_HLEN;
	if (len < p->len)
		p->len = len;
}

static void flip(struct rng *r, struct pkt *p)
{
	for (int n = 1 + rng_below(r, 8); n > 0; n--)
		p->data[rng_below(r, p->len)] ^= 1 << rng_below(r, 8);
}

/*
 * Spoils one field that a parser must not trust. For each kind of header: the bytes that
 * hold lengths, versions and the name of what follows.
 */
static void spoil_field(struct rng *r, struct pkt *p)
{
	static const struct {
		__u8 n, at[6];
	} fields[] = {
		[PKT_ETH] = {2, {12, 13}},
		[PKT_VLAN] = {2, {2, 3}},
		[PKT_IP4] = {6, {0, 2, 3, 6, 7, 9}},
		[PKT_IP6] = {4, {0, 4, 5, 6}},
		[PKT_EXT] = {2, {0, 1}},
		[PKT_UDP] = {4, {4, 5, 6, 7}},
		[PKT_TCP] = {4, {12, 13, 16, 17}},
		[PKT_ICMP] = {3, {0, 2, 3}},
	};
	static const __u8 extremes[] = {0x00, 0x01, 0x0f, 0x40, 0x44, 0x4f, 0x60, 0x7f, 0x80, 0xff};
	const struct pkt_layer *l = &p->layer[rng_below(r, p->layers)];
	size_t at = l->at + fields[l->kind].at[rng_below(r, fields[l->kind].n)];
	__u8 was;

	if (at >= p->len) {
		flip(r, p);
		return;
	}
	was = p->data[at];
	while (p->data[at] == was)
		p->data[at] = rng_chance(r, 50) ? PICK(r, extremes) : rng_below(r, 256);
}

void pkt_random_broken(struct rng *r, struct pkt *ret)
{
	size_t edge;

	pkt_random(r, ret);
	switch (rng_below(r, 6)) {
	case 0:
		truncate_to(ret, rng_below(r, ret->len));
		break;
	case 1: /* one byte before a header's edge, at it, or behind it */
		edge = ret->layer[rng_below(r, ret->layers)].at + rng_below(r, 3);
		truncate_to(ret, edge ? edge - 1 : 0);
		break;
	case 2 ... 3:
		spoil_field(r, ret);
		break;
	case 4:
		flip(r, ret);
		break;
	case 5:
		for (size_t i = 2 * ETH_ALEN; i < ret->len; i++)
			ret->data[i] = rng_below(r, 256);
		break;
	}
}
