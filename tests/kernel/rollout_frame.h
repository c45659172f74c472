/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Frames of many flows: UDP over IPv4, with the flow's number behind the headers. */
#pragma once

#include <linux/types.h>

enum {
	ROLLOUT_FLOWS = 100000,
	/* what the versions of a stage note of a flow */
	ROLLOUT_SEEN_OLD = 1,
	ROLLOUT_SEEN_NEW = 2,
	ROLLOUT_SEEN_BACK = 4, /* by the old version after the new one */
};

struct rollout_frame {
	__u8 destination_mac[6], source_mac[6];
	__be16 ethertype;
	__u8 version, tos;
	__be16 length, id, fragment;
	__u8 ttl, protocol;
	__be16 ip_check;
	__be32 source, destination;
	__be16 source_port, destination_port, udp_length, udp_check;
	__u32 flow;
	__u8 rest[18];
} __attribute__((packed));
