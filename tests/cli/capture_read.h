/* SPDX-License-Identifier: GPL-2.0-only */
/* pcapng files, block by block, as a test wants them. Broken ones bail out. */
#pragma once

#include <linux/types.h>
#include <stddef.h>

enum { CAP_PACKETS = 4096, CAP_SEAMS = 64, CAP_TEXT = 96, CAP_BYTES = 1600 };

struct cap_packet {
	unsigned int seam; /* index of the interface */
	__u64 time_ns, dropped, id;
	__u32 captured, length, flags, queue;
	char comment[CAP_TEXT];
	int verdict_kind; /* -1: none */
	__u64 verdict;
	__u8 bytes[CAP_BYTES];
};

struct cap {
	size_t size; /* of the file */
	struct {
		char name[CAP_TEXT];
		__u32 snap;
		__u64 received, dropped; /* by its statistics */
		size_t packets;          /* in the file */
	} seams[CAP_SEAMS];
	size_t n_seams, n_statistics, n;
	struct cap_packet *packets; /* owned */
};

void cap_read(struct cap *ret, const char *path);
void cap_done(struct cap *c);
#define _cleanup_cap_ __attribute__((cleanup(cap_done)))
/* Index of the seam "lb (after)"; bails out if there is none. */
unsigned int cap_seam(const struct cap *c, const char *name);
/* Packet @i of a seam; NULL: there are fewer. */
const struct cap_packet *cap_packet(const struct cap *c, const char *seam, size_t i);
