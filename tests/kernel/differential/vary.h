/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "random.h"

/*
 * Fields that a pipeline may choose by get values from small pools (tree.c has the same): VLAN
 * ids, DSCP, SCTP. Checksums stay right. @p: from pkt_random(), before it is broken.
 */
void vary_packet(struct rng *r, struct pkt *p);
