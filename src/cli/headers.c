/* SPDX-License-Identifier: GPL-2.0-only */
/* The protocols: what fields they have, how long they are, what follows them. */
#include <endian.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "cli/headers.h"

struct protocol {
	const char *name;
	unsigned int size; /* without options */
	const struct header_field *fields;
	size_t n_fields;
	/*
	 * What follows, NULL: payload. @p: at least @size bytes. *size is the fixed size; one
	 * with options writes its own.
	 */
	const struct protocol *(*next)(const __u8 *p, unsigned int *size);
};

static const struct header_field eth_fields[] = {
	{"dst", 0, 48, FIELD_MAC},
	{"src", 48, 48, FIELD_MAC},
	{"type", 96, 16, FIELD_HEX},
};
static const struct header_field vlan_fields[] = {
	{"pcp", 0, 3},
	{"dei", 3, 1},
	{"id", 4, 12},
	{"type", 16, 16, FIELD_HEX},
};
static const struct header_field mpls_fields[] = {
	{"label", 0, 20},
	{"tc", 20, 3},
	{"bottom", 23, 1},
	{"ttl", 24, 8},
};
static const struct header_field arp_fields[] = {
	{"hardware", 0, 16},
	{"protocol", 16, 16, FIELD_HEX},
	{"hardware-size", 32, 8},
	{"protocol-size", 40, 8},
	{"op", 48, 16},
	{"sender-mac", 64, 48, FIELD_MAC},
	{"sender-ip", 112, 32, FIELD_IP4},
	{"target-mac", 144, 48, FIELD_MAC},
	{"target-ip", 192, 32, FIELD_IP4},
};
static const struct header_field ip_fields[] = {
	{"version", 0, 4},
	{"header-length", 4, 4},
	{"dscp", 8, 6},
	{"ecn", 14, 2},
	{"length", 16, 16},
	{"id", 32, 16, FIELD_HEX},
	{"flags", 48, 3, FIELD_HEX},
	{"fragment", 51, 13},
	{"ttl", 64, 8},
	{"protocol", 72, 8},
	{"checksum", 80, 16, FIELD_HEX},
	{"src", 96, 32, FIELD_IP4},
	{"dst", 128, 32, FIELD_IP4},
};
static const struct header_field ip6_fields[] = {
	{"version", 0, 4},
	{"dscp", 4, 6},
	{"ecn", 10, 2},
	{"flow", 12, 20, FIELD_HEX},
	{"length", 32, 16},
	{"next", 48, 8},
	{"hop-limit", 56, 8},
	{"src", 64, 128, FIELD_IP6},
	{"dst", 192, 128, FIELD_IP6},
};
/* Of hop-by-hop options, routing and destination options. */
static const struct header_field ext_fields[] = {
	{"next", 0, 8},
	{"length", 8, 8},
};
static const struct header_field fragment_fields[] = {
	{"next", 0, 8},
	{"offset", 16, 13},
	{"more", 31, 1},
	{"id", 32, 32, FIELD_HEX},
};
static const struct header_field ah_fields[] = {
	{"next", 0, 8},
	{"length", 8, 8},
	{"spi", 32, 32, FIELD_HEX},
	{"sequence", 64, 32},
};
static const struct header_field esp_fields[] = {
	{"spi", 0, 32, FIELD_HEX},
	{"sequence", 32, 32},
};
static const struct header_field tcp_fields[] = {
	{"sport", 0, 16},
	{"dport", 16, 16},
	{"seq", 32, 32},
	{"ack", 64, 32},
	{"header-length", 96, 4},
	{"reserved", 100, 4, FIELD_HEX},
	{"flags", 104, 8, FIELD_TCP_FLAGS},
	{"window", 112, 16},
	{"checksum", 128, 16, FIELD_HEX},
	{"urgent", 144, 16},
};
static const struct header_field udp_fields[] = {
	{"sport", 0, 16},
	{"dport", 16, 16},
	{"length", 32, 16},
	{"checksum", 48, 16, FIELD_HEX},
};
static const struct header_field sctp_fields[] = {
	{"sport", 0, 16},
	{"dport", 16, 16},
	{"tag", 32, 32, FIELD_HEX},
	{"checksum", 64, 32, FIELD_HEX},
};
static const struct header_field icmp_fields[] = {
	{"type", 0, 8}, {"code", 8, 8},  {"checksum", 16, 16, FIELD_HEX},
	{"id", 32, 16}, {"seq", 48, 16},
};
static const struct header_field gre_fields[] = {
	{"flags", 0, 16, FIELD_HEX},
	{"protocol", 16, 16, FIELD_HEX},
};
static const struct header_field vxlan_fields[] = {
	{"flags", 0, 8, FIELD_HEX},
	{"reserved", 8, 24, FIELD_HEX},
	{"vni", 32, 24},
	{"reserved2", 56, 8, FIELD_HEX},
};
static const struct header_field geneve_fields[] = {
	{"version", 0, 2},
	{"options-length", 2, 6},
	{"flags", 8, 8, FIELD_HEX},
	{"protocol", 16, 16, FIELD_HEX},
	{"vni", 32, 24},
	{"reserved", 56, 8, FIELD_HEX},
};

static __u16 be16_at(const __u8 *p)
{
	return p[0] << 8 | p[1];
}

static const struct protocol *by_ethertype(__u16 type);
static const struct protocol *by_ip_protocol(__u8 number);

static const struct protocol *eth_next(const __u8 *p, unsigned int *size)
{
	return by_ethertype(be16_at(p + 12));
}

static const struct protocol *vlan_next(const __u8 *p, unsigned int *size)
{
	return by_ethertype(be16_at(p + 2));
}

static const struct protocol *mpls_next(const __u8 *p, unsigned int *size);

static const struct protocol *ip_next(const __u8 *p, unsigned int *size)
{
	unsigned int stated = (p[0] & 15) * 4;

	if (p[0] >> 4 != 4 || stated < *size)
		return NULL;
	*size = stated;
	return be16_at(p + 6) & 0x1fff ? NULL : by_ip_protocol(p[9]);
}

static const struct protocol *ip6_next(const __u8 *p, unsigned int *size)
{
	return p[0] >> 4 == 6 ? by_ip_protocol(p[6]) : NULL;
}

static const struct protocol *ext_next(const __u8 *p, unsigned int *size)
{
	*size = (p[1] + 1) * 8;
	return by_ip_protocol(p[0]);
}

static const struct protocol *fragment_next(const __u8 *p, unsigned int *size)
{
	return be16_at(p + 2) & 0xfff8 ? NULL : by_ip_protocol(p[0]);
}

static const struct protocol *ah_next(const __u8 *p, unsigned int *size)
{
	unsigned int stated = (p[1] + 2) * 4;

	if (stated < *size)
		return NULL;
	*size = stated;
	return by_ip_protocol(p[0]);
}

static const struct protocol *tcp_next(const __u8 *p, unsigned int *size)
{
	unsigned int stated = (p[12] >> 4) * 4;

	*size = stated < *size ? *size : stated;
	return NULL;
}

static const struct protocol *udp_next(const __u8 *p, unsigned int *size);

static const struct protocol *gre_next(const __u8 *p, unsigned int *size)
{
	__u16 flags = be16_at(p);

	if (flags & 0x4007) /* routing, which nobody uses; another version */
		return NULL;
	/* Checksum, key, sequence number: four bytes each. */
	*size += 4 * (!!(flags & 0x8000) + !!(flags & 0x2000) + !!(flags & 0x1000));
	return by_ethertype(be16_at(p + 2));
}

static const struct protocol *vxlan_next(const __u8 *p, unsigned int *size)
{
	return by_ethertype(ETH_P_TEB);
}

static const struct protocol *geneve_next(const __u8 *p, unsigned int *size)
{
	*size += (p[0] & 0x3f) * 4;
	return by_ethertype(be16_at(p + 2));
}

#define FIELDS(f) f, sizeof(f) / sizeof(*(f))

static const struct protocol eth = {"eth", 14, FIELDS(eth_fields), eth_next};
static const struct protocol vlan = {"vlan", 4, FIELDS(vlan_fields), vlan_next};
static const struct protocol mpls = {"mpls", 4, FIELDS(mpls_fields), mpls_next};
static const struct protocol arp = {"arp", 28, FIELDS(arp_fields)};
static const struct protocol ip = {"ip", 20, FIELDS(ip_fields), ip_next};
static const struct protocol ip6 = {"ip6", 40, FIELDS(ip6_fields), ip6_next};
static const struct protocol hop = {"hop-by-hop", 8, FIELDS(ext_fields), ext_next};
static const struct protocol routing = {"routing", 8, FIELDS(ext_fields), ext_next};
static const struct protocol options = {"options", 8, FIELDS(ext_fields), ext_next};
static const struct protocol fragment = {"fragment", 8, FIELDS(fragment_fields), fragment_next};
static const struct protocol ah = {"ah", 12, FIELDS(ah_fields), ah_next};
static const struct protocol esp = {"esp", 8, FIELDS(esp_fields)};
static const struct protocol tcp = {"tcp", 20, FIELDS(tcp_fields), tcp_next};
static const struct protocol udp = {"udp", 8, FIELDS(udp_fields), udp_next};
static const struct protocol sctp = {"sctp", 12, FIELDS(sctp_fields)};
static const struct protocol icmp = {"icmp", 8, FIELDS(icmp_fields)};
static const struct protocol icmp6 = {"icmp6", 8, FIELDS(icmp_fields)};
static const struct protocol gre = {"gre", 4, FIELDS(gre_fields), gre_next};
static const struct protocol vxlan = {"vxlan", 8, FIELDS(vxlan_fields), vxlan_next};
static const struct protocol geneve = {"geneve", 8, FIELDS(geneve_fields), geneve_next};

static const struct protocol *by_ethertype(__u16 type)
{
	switch (type) {
	case ETH_P_IP:
		return &ip;
	case ETH_P_IPV6:
		return &ip6;
	case ETH_P_ARP:
		return &arp;
	case ETH_P_8021Q:
	case ETH_P_8021AD:
	case ETH_P_QINQ1:
		return &vlan;
	case ETH_P_MPLS_UC:
	case ETH_P_MPLS_MC:
		return &mpls;
	case ETH_P_TEB: /* a whole frame, in a tunnel */
		return &eth;
	default:
		return NULL;
	}
}

static const struct protocol *by_ip_protocol(__u8 number)
{
	static const struct protocol *const known[256] = {
		[IPPROTO_HOPOPTS] = &hop,     [IPPROTO_ICMP] = &icmp,
		[IPPROTO_IPIP] = &ip,         [IPPROTO_TCP] = &tcp,
		[IPPROTO_UDP] = &udp,         [IPPROTO_IPV6] = &ip6,
		[IPPROTO_ROUTING] = &routing, [IPPROTO_FRAGMENT] = &fragment,
		[IPPROTO_GRE] = &gre,         [IPPROTO_ESP] = &esp,
		[IPPROTO_AH] = &ah,           [IPPROTO_ICMPV6] = &icmp6,
		[IPPROTO_DSTOPTS] = &options, [IPPROTO_SCTP] = &sctp,
	};

	return known[number];
}

static const struct protocol *mpls_next(const __u8 *p, unsigned int *size)
{
	if (!(p[2] & 1))
		return &mpls;
	/* Nobody says what is below the last label; the first byte of IP does. */
	return p[4] >> 4 == 4 ? &ip : p[4] >> 4 == 6 ? &ip6 : NULL;
}

static const struct protocol *udp_next(const __u8 *p, unsigned int *size)
{
	switch (be16_at(p + 2)) {
	case 4789:
		return &vxlan;
	case 6081:
		return &geneve;
	default:
		return NULL;
	}
}

static unsigned int how_many(const struct headers *all, const struct protocol *p)
{
	unsigned int n = 0;

	for (size_t i = 0; i < all->n; i++)
		n += all->v[i].protocol == p;
	return n;
}

void headers_find(const void *bytes, size_t size, struct headers *ret)
{
	const struct protocol *p = &eth;

	*ret = (struct headers){};
	while (p && ret->n < HEADERS && size - ret->end >= p->size) {
		struct header *h = &ret->v[ret->n];
		unsigned int length = p->size, room = size - ret->end;
		const struct protocol *next = NULL;

		/* mpls_next() looks at one byte more */
		if (p->next && (p != &mpls || room > p->size))
			next = p->next((const __u8 *)bytes + ret->end, &length);
		*h = (struct header){p, ret->end, length < room ? length : room,
				     how_many(ret, p) + 1};
		ret->n++;
		ret->end += h->size;
		p = next;
	}
}

const char *header_name(const struct header *h)
{
	return h->protocol->name;
}

const struct header_field *header_fields(const struct header *h, size_t *ret_n)
{
	*ret_n = h->protocol->n_fields;
	return h->protocol->fields;
}
