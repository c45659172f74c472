/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocks of a pcapng file, as draft-ietf-opsawg-pcapng has them, in the byte order of this
 * machine. Each function appends one whole block; who writes whole blocks has a readable file at
 * every moment. Pure: bytes in a buffer, whose .failed says that memory ran out.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* Texts: NULL is none; what is longer than 65535 bytes is cut. */
struct pcapng_section {
	const char *hardware, *os, *application, *comment;
};

void pcapng_section(struct buf *out, const struct pcapng_section *s);

/* Interfaces are numbered from 0 in the order of their blocks. Ethernet; time in nanoseconds. */
struct pcapng_interface {
	const char *name, *description, *filter; /* the filter: as libpcap takes it */
	uint32_t snap;                           /* 0: no limit */
};

void pcapng_interface(struct buf *out, const struct pcapng_interface *i);

enum pcapng_direction { PCAPNG_UNKNOWN, PCAPNG_INBOUND, PCAPNG_OUTBOUND };
enum pcapng_verdict { PCAPNG_NO_VERDICT = -1, PCAPNG_TC = 1, PCAPNG_XDP = 2 };

struct pcapng_packet {
	uint32_t interface;
	uint64_t time_ns; /* since 1970 */
	const void *bytes;
	uint32_t captured, length;
	const char *comment;
	enum pcapng_direction direction;
	uint64_t dropped; /* since the packet before: 0: none */
	uint64_t id;
	uint32_t queue;
	enum pcapng_verdict verdict_kind;
	uint64_t verdict;
};

void pcapng_packet(struct buf *out, const struct pcapng_packet *p);

struct pcapng_statistics {
	uint32_t interface;
	uint64_t time_ns, start_ns, end_ns; /* since 1970 */
	uint64_t received, dropped;
	const char *comment;
};

void pcapng_statistics(struct buf *out, const struct pcapng_statistics *s);
