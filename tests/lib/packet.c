/* SPDX-License-Identifier: GPL-2.0-only */
#include "packet.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdbool.h>
#include <string.h>

#include "tap.h"

enum {
	ETH_TYPE_AT = 12,
	VLAN_TYPE_AT = 2,
	VLAN_LEN = 4,
	IP4_LEN = 20,
	IP6_LEN = 40,
	FRAG6_LEN = 8,
	IP4_MORE = 0x2000, /* "more fragments", in the word that holds the offset */
};

static __u16 get16(const __u8 *at)
{
	return at[0] << 8 | at[1];
}

static void put16(__u8 *at, __u16 value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/* Room for @size more bytes, zeroed. */
static __u8 *extend(struct pkt *p, size_t size)
{
	__u8 *at = p->data + p->len;

	if (size > sizeof(p->data) - p->len)
		bail_out("packet of more than %zu bytes", sizeof(p->data));
	memset(at, 0, size);
	p->len += size;
	return at;
}

static struct pkt_layer *last(struct pkt *p)
{
	return p->layers ? &p->layer[p->layers - 1] : NULL;
}

/* Tells the header before that @ethertype, or within IP @protocol, comes next; -1: cannot. */
static void announce(struct pkt *p, int ethertype, int protocol)
{
	struct pkt_layer *l = last(p);
	__u8 *h = l ? p->data + l->at : NULL;

	if (l && ethertype >= 0 && l->kind == PKT_ETH)
		put16(h + ETH_TYPE_AT, ethertype);
	else if (l && ethertype >= 0 && l->kind == PKT_VLAN)
		put16(h + VLAN_TYPE_AT, ethertype);
	else if (l && protocol >= 0 && l->kind == PKT_IP4)
		h[9] = protocol;
	else if (l && protocol >= 0 && l->kind == PKT_IP6)
		h[6] = protocol;
	else if (l && protocol >= 0 && l->kind == PKT_EXT)
		h[0] = protocol;
	else
		bail_out("this header cannot stand here");
}

static __u8 *push(struct pkt *p, enum pkt_kind kind, size_t size)
{
	if (p->layers == PKT_LAYERS)
		bail_out("packet of more than %d headers", PKT_LAYERS);
	p->layer[p->layers++] = (struct pkt_layer){.kind = kind, .at = p->len};
	return extend(p, size);
}

void pkt_eth(struct pkt *p)
{
	static const __u8 dst_src[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};

	memcpy(push(p, PKT_ETH, ETH_HLEN), dst_src, sizeof(dst_src));
}

void pkt_vlan(struct pkt *p, __u16 tpid, __u16 vid)
{
	announce(p, tpid, -1);
	put16(push(p, PKT_VLAN, VLAN_LEN), vid);
}

void pkt_ethertype(struct pkt *p, __u16 ethertype)
{
	announce(p, ethertype, -1);
}

static void put_address(int family, const char *text, __u8 *at)
{
	if (inet_pton(family, text, at) != 1)
		bail_out("no address: %s", text);
}

void pkt_ip4(struct pkt *p, const char *src, const char *dst)
{
	__u8 *h;

	announce(p, ETH_P_IP, IPPROTO_IPIP);
	h = push(p, PKT_IP4, IP4_LEN);
	h[0] = 0x45;
	h[8] = 64;
	h[9] = IPPROTO_RAW; /* unless another header follows */
	put_address(AF_INET, src, h + 12);
	put_address(AF_INET, dst, h + 16);
}

void pkt_ip4_options(struct pkt *p, unsigned int words)
{
	struct pkt_layer *l = last(p);

	if (!l || l->kind != PKT_IP4 || p->len != l->at + IP4_LEN || words > 10)
		bail_out("IPv4 options cannot stand here");
	memset(extend(p, 4 * words), IPOPT_NOP, 4 * words);
	p->data[l->at] += words;
}

void pkt_ip6(struct pkt *p, const char *src, const char *dst)
{
	__u8 *h;

	announce(p, ETH_P_IPV6, IPPROTO_IPV6);
	h = push(p, PKT_IP6, IP6_LEN);
	h[0] = 0x60;
	h[6] = IPPROTO_NONE;
	h[7] = 64;
	put_address(AF_INET6, src, h + 8);
	put_address(AF_INET6, dst, h + 24);
}

void pkt_ext(struct pkt *p, __u8 type, unsigned int blocks)
{
	struct pkt_layer *l = last(p);
	size_t size = 8 * (blocks + 1);
	__u8 *h;

	if (!l || (l->kind != PKT_IP6 && l->kind != PKT_EXT) || blocks > 31)
		bail_out("an extension header cannot stand here");
	announce(p, -1, type);
	h = push(p, PKT_EXT, size);
	h[0] = IPPROTO_NONE;
	h[1] = blocks;
	if (type == IPPROTO_ROUTING) {
		h[2] = 253; /* a type for experiments (RFC 4727); no segments are left */
	} else {
		h[2] = 1; /* PadN over all the rest */
		h[3] = size - 4;
	}
}

void pkt_udp(struct pkt *p, __u16 sport, __u16 dport)
{
	__u8 *h;

	announce(p, -1, IPPROTO_UDP);
	h = push(p, PKT_UDP, 8);
	put16(h, sport);
	put16(h + 2, dport);
}

void pkt_tcp(struct pkt *p, __u16 sport, __u16 dport, __u8 flags)
{
	__u8 *h;

	announce(p, -1, IPPROTO_TCP);
	h = push(p, PKT_TCP, 20);
	put16(h, sport);
	put16(h + 2, dport);
	h[12] = 5 << 4;
	h[13] = flags;
	put16(h + 14, 65535);
}

/* The IP header that layer @n is in; NULL: none. */
static const struct pkt_layer *ip_of(const struct pkt *p, size_t n)
{
	while (n-- > 0) {
		if (p->layer[n].kind == PKT_IP4 || p->layer[n].kind == PKT_IP6)
			return &p->layer[n];
	}
	return NULL;
}

void pkt_icmp(struct pkt *p, __u8 type, __u8 code)
{
	const struct pkt_layer *ip = ip_of(p, p->layers);
	__u8 *h;

	announce(p, -1, ip && ip->kind == PKT_IP6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	h = push(p, PKT_ICMP, 8);
	h[0] = type;
	h[1] = code;
}

void pkt_payload(struct pkt *p, const void *data, size_t size)
{
	__u8 *at = extend(p, size);

	if (data)
		memcpy(at, data, size);
	else
		for (size_t i = 0; i < size; i++)
			at[i] = i;
}

void pkt_pad(struct pkt *p, size_t len)
{
	if (len > p->len)
		extend(p, len - p->len);
}

void *pkt_at(struct pkt *p, enum pkt_kind kind)
{
	for (size_t n = p->layers; n-- > 0;) {
		if (p->layer[n].kind == kind)
			return p->data + p->layer[n].at;
	}
	return NULL;
}

/* RFC 1071: the sum of 16-bit words, an odd byte padded with zero; folded by sum_fold(). */
static __u32 sum_add(__u32 sum, const __u8 *at, size_t size)
{
	for (size_t i = 0; i + 1 < size; i += 2)
		sum += get16(at + i);
	if (size % 2)
		sum += at[size - 1] << 8;
	return sum;
}

static __u16 sum_fold(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static size_t ip4_len(const __u8 *h)
{
	return 4 * (h[0] & 15);
}

static void ip4_finish(struct pkt *p, size_t at)
{
	__u8 *h = p->data + at;

	put16(h + 2, p->len - at);
	put16(h + 10, 0);
	put16(h + 10, sum_fold(sum_add(0, h, ip4_len(h))));
}

/* Checksum of the transport layer @n, at @sum_at in its header. */
static __u16 transport_sum(struct pkt *p, size_t n, size_t sum_at, __u8 protocol)
{
	size_t at = p->layer[n].at, size = p->len - at;
	const struct pkt_layer *ip = ip_of(p, n);
	__u32 sum = 0;

	put16(p->data + at + sum_at, 0);
	if (protocol != IPPROTO_ICMP) { /* the pseudo header */
		const __u8 *h = p->data + ip->at;

		sum = ip->kind == PKT_IP4 ? sum_add(0, h + 12, 8) : sum_add(0, h + 8, 32);
		sum += size + protocol;
	}
	return sum_fold(sum_add(sum, p->data + at, size));
}

static void layer_finish(struct pkt *p, size_t n)
{
	size_t at = p->layer[n].at;
	__u8 *h = p->data + at;
	__u16 sum;

	switch (p->layer[n].kind) {
	case PKT_IP4:
		ip4_finish(p, at);
		break;
	case PKT_IP6:
		put16(h + 4, p->len - at - IP6_LEN);
		break;
	case PKT_UDP:
		put16(h + 4, p->len - at);
		sum = transport_sum(p, n, 6, IPPROTO_UDP);
		put16(h + 6, sum ?: 0xffff); /* 0 would mean "no checksum" */
		break;
	case PKT_TCP:
		put16(h + 16, transport_sum(p, n, 16, IPPROTO_TCP));
		break;
	case PKT_ICMP:
		put16(h + 2,
		      transport_sum(p, n, 2,
				    ip_of(p, n)->kind == PKT_IP6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP));
		break;
	}
}

void pkt_finish(struct pkt *p)
{
	/* From the inside out: an outer transport's checksum covers the inner ones. */
	for (size_t n = p->layers; n-- > 0;)
		layer_finish(p, n);
}

/* @whole's bytes up to @head, then those from @from to @to; layers within the head stay known. */
static void cut(const struct pkt *whole, size_t head, size_t from, size_t to, struct pkt *ret)
{
	if (from >= to || to > whole->len)
		bail_out("packet too short to be split there");
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->data, whole->data, head);
	memcpy(ret->data + head, whole->data + from, to - from);
	ret->len = head + to - from;
	while (ret->layers < whole->layers && whole->layer[ret->layers].at < head) {
		ret->layer[ret->layers] = whole->layer[ret->layers];
		ret->layers++;
	}
}

static void fragment4(const struct pkt *whole, size_t ip, size_t at, struct pkt *first,
		      struct pkt *rest)
{
	size_t head = ip + ip4_len(whole->data + ip);

	cut(whole, head, head, head + at, first);
	cut(whole, head, head + at, whole->len, rest);
	put16(first->data + ip + 6, IP4_MORE);
	put16(rest->data + ip + 6, at / 8);
	ip4_finish(first, ip);
	ip4_finish(rest, ip);
}

/* Puts a fragment header behind @head; @next is where the header before it names its successor. */
static void insert_frag6(struct pkt *p, size_t ip, size_t head, size_t next, __u16 word)
{
	__u8 *h = p->data + head;

	extend(p, FRAG6_LEN);
	memmove(h + FRAG6_LEN, h, p->len - FRAG6_LEN - head);
	memset(h, 0, FRAG6_LEN);
	h[0] = p->data[next];
	put16(h + 2, word);
	h[7] = 1; /* the identification, the same for both */
	p->data[next] = IPPROTO_FRAGMENT;
	put16(p->data + ip + 4, p->len - ip - IP6_LEN);
	/* The last layer, so that pkt_at(PKT_EXT) finds it although others lie further in. */
	if (p->layers == PKT_LAYERS)
		bail_out("packet of more than %d headers", PKT_LAYERS);
	p->layer[p->layers++] = (struct pkt_layer){.kind = PKT_EXT, .at = head};
}

static void fragment6(const struct pkt *whole, size_t n, size_t at, struct pkt *first,
		      struct pkt *rest)
{
	size_t ip = whole->layer[n].at, next = ip + 6, head = ip + IP6_LEN;

	/* Headers that routers look at stay in front, in each fragment. */
	while (++n < whole->layers && whole->layer[n].kind == PKT_EXT) {
		next = whole->layer[n].at;
		head = next + 8 * (whole->data[next + 1] + 1);
	}
	cut(whole, head, head, head + at, first);
	cut(whole, head, head + at, whole->len, rest);
	insert_frag6(first, ip, head, next, 1);
	insert_frag6(rest, ip, head, next, at);
}

void pkt_fragment(const struct pkt *whole, size_t at, struct pkt *first, struct pkt *rest)
{
	size_t n = 0;

	while (n < whole->layers && whole->layer[n].kind != PKT_IP4 &&
	       whole->layer[n].kind != PKT_IP6)
		n++;
	if (n == whole->layers || at % 8)
		bail_out("no packet that can be split at %zu", at);
	if (whole->layer[n].kind == PKT_IP4)
		fragment4(whole, whole->layer[n].at, at, first, rest);
	else
		fragment6(whole, n, at, first, rest);
}
