/* SPDX-License-Identifier: GPL-2.0-only */
/* Chance that can be repeated: the same seed gives the same packets, on every machine. */
#pragma once

#include <stdbool.h>

#include "packet.h"

/* Start with any seed. */
struct rng {
	__u64 state;
};

__u64 rng_next(struct rng *r);
/* 0 <= result < @n; the bias of the remainder does not matter here. */
__u32 rng_below(struct rng *r, __u32 n);
bool rng_chance(struct rng *r, unsigned int percent);

/*
 * A well-formed packet: 0 to 2 VLAN tags; IPv4 with and without options, IPv6 with up to 3
 * extension headers, tunnels of one in the other, or another protocol; UDP, TCP, ICMP;
 * fragments. Addresses and ports come from small pools, so that flows and tables meet.
 */
void pkt_random(struct rng *r, struct pkt *ret);
/*
 * The same with one thing wrong: cut at or beside a header's edge or anywhere, impossible
 * lengths, versions, checksums, flipped bytes, noise behind the addresses.
 * Both keep at least ETH_HLEN bytes: BPF_PROG_TEST_RUN takes no less.
 */
void pkt_random_broken(struct rng *r, struct pkt *ret);
