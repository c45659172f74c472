/* SPDX-License-Identifier: GPL-2.0-only */
#include "vary.h"

#include <netinet/in.h>

#define PICK(r, array) ((array)[rng_below(r, sizeof(array) / sizeof((array)[0]))])

/* Offsets in the IPv4 header. */
enum { IP4_TOS = 1, IP4_PROTOCOL = 9, IP4_CHECKSUM = 10 };

static __u16 get16(const __u8 *at)
{
	return at[0] << 8 | at[1];
}

static void put16(__u8 *at, __u16 value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/* RFC 1624: the checksum follows the word that changes. */
static void change_ip4(__u8 *ip, size_t at, __u8 value)
{
	__u8 *word = ip + (at & ~1ul);
	__u32 sum = (__u16)~get16(ip + IP4_CHECKSUM) + (__u16)~get16(word);

	ip[at] = value;
	sum += get16(word);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + IP4_CHECKSUM, ~((sum & 0xffff) + (sum >> 16)));
}

static void change_dscp(__u8 *ip, enum pkt_kind kind, __u8 dscp)
{
	if (kind == PKT_IP4) {
		change_ip4(ip, IP4_TOS, dscp << 2);
		return;
	}
	ip[0] = (ip[0] & 0xf0) | dscp >> 2;
	ip[1] = (ip[1] & 0x3f) | dscp << 6;
}

void vary_packet(struct rng *r, struct pkt *p)
{
	static const __u16 vlans[] = {0, 7, 8, 4095};
	static const __u8 dscps[] = {0, 10, 46, 63};

	for (size_t i = 0; i < p->layers; i++) {
		__u8 *at = p->data + p->layer[i].at;
		enum pkt_kind kind = p->layer[i].kind;

		if (kind == PKT_VLAN)
			put16(at, PICK(r, vlans));
		if (kind != PKT_IP4 && kind != PKT_IP6)
			continue;
		if (rng_chance(r, 40))
			change_dscp(at, kind, PICK(r, dscps));
		if (kind == PKT_IP4 && at[IP4_PROTOCOL] == IPPROTO_UDP && rng_chance(r, 15))
			change_ip4(at, IP4_PROTOCOL, IPPROTO_SCTP);
		return; /* only the outer one is looked at */
	}
}
