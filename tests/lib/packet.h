/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets, header by header from the outside in. Each header tells the one before it what
 * follows; pkt_finish() fills in lengths and checksums.
 *
 *	struct pkt p = {};
 *
 *	pkt_eth(&p);
 *	pkt_ip4(&p, "10.0.0.1", "10.0.0.2");
 *	pkt_udp(&p, 1000, 53);
 *	pkt_payload(&p, "hello", 5);
 *	pkt_finish(&p);
 *
 * A packet that grows too large, or a header where none can stand, is a mistake in the
 * test and bails out.
 */
#pragma once

#include <linux/types.h>
#include <stddef.h>

enum { PKT_SIZE = 2048, PKT_LAYERS = 16 };

enum pkt_kind { PKT_ETH, PKT_VLAN, PKT_IP4, PKT_IP6, PKT_EXT, PKT_UDP, PKT_TCP, PKT_ICMP };

/* Start with {}. */
struct pkt {
	__u8 data[PKT_SIZE];
	size_t len;
	struct pkt_layer {
		__u8 kind;
		__u16 at; /* offset in @data */
	} layer[PKT_LAYERS];
	size_t layers;
};

void pkt_eth(struct pkt *p); /* 02:00:00:00:00:01 -> 02:00:00:00:00:02 */
/* @tpid: ETH_P_8021Q, or ETH_P_8021AD outside of another one. */
void pkt_vlan(struct pkt *p, __u16 tpid, __u16 vid);
/* What follows is no IP: the payload of another protocol. */
void pkt_ethertype(struct pkt *p, __u16 ethertype);
void pkt_ip4(struct pkt *p, const char *src, const char *dst);
/* Directly behind pkt_ip4(): @words times 4 bytes of no-operation options, at most 10. */
void pkt_ip4_options(struct pkt *p, unsigned int words);
void pkt_ip6(struct pkt *p, const char *src, const char *dst);
/* Hop-by-hop, routing or destination options, 8 * (@blocks + 1) bytes. */
void pkt_ext(struct pkt *p, __u8 type, unsigned int blocks);
void pkt_udp(struct pkt *p, __u16 sport, __u16 dport);
void pkt_tcp(struct pkt *p, __u16 sport, __u16 dport, __u8 flags);
/* ICMP or, within IPv6, ICMPv6; the rest of the header is zero. */
void pkt_icmp(struct pkt *p, __u8 type, __u8 code);
/* @data may be NULL: 0, 1, 2, … */
void pkt_payload(struct pkt *p, const void *data, size_t size);
/* What pkt_payload() and changes through pkt_at() have left wrong. Every header once more. */
void pkt_finish(struct pkt *p);
/* Zeroes behind a finished packet, as a link adds to reach its shortest frame. */
void pkt_pad(struct pkt *p, size_t len);

/* The innermost header of that kind; NULL: there is none. */
void *pkt_at(struct pkt *p, enum pkt_kind kind);
/*
 * Splits a finished packet at @at bytes behind the headers of its outermost IP, a multiple
 * of 8. @first and @rest are overwritten, and finished already.
 */
void pkt_fragment(const struct pkt *whole, size_t at, struct pkt *first, struct pkt *rest);

/* As pcap files, microseconds apart by one. */
void pkt_write_pcap(const char *path, const struct pkt *v, size_t n);
/* Only @data and @len of what is read are filled; longer packets are cut. Free the result. */
struct pkt *pkt_read_pcap(const char *path, size_t *ret_n);
