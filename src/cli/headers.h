/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is in a packet: protocol headers and their fields, from tables. Pure: bytes in, places
 * and text out. Bytes that are not there (a snap length) end the walk.
 */
#pragma once

#include <linux/types.h>
#include <stddef.h>

#include "base/text.h"

enum field_kind {
	FIELD_NUMBER, /* big-endian, decimal */
	FIELD_HEX,    /* the same, hexadecimal */
	FIELD_MAC,
	FIELD_IP4,
	FIELD_IP6,
	FIELD_TCP_FLAGS,
};

/* Place and size in bits, from the start of the header; size 64 at most but for FIELD_IP6. */
struct header_field {
	const char *name;
	__u16 at, size;
	__u8 kind; /* enum field_kind */
};

struct protocol;

/* One header of a packet. */
struct header {
	const struct protocol *protocol;
	unsigned int at, size; /* bytes; @size with options, as far as they were captured */
	unsigned int nth;      /* of this protocol in this packet, from 1 */
};

#define HEADERS 16 /* in one packet; what is deeper is payload */

struct headers {
	struct header v[HEADERS];
	size_t n;
	unsigned int end; /* where the payload begins */
};

/* @bytes: an Ethernet frame, as far as it was captured. */
void headers_find(const void *bytes, size_t size, struct headers *ret);

/* "ip"; a constant. */
const char *header_name(const struct header *h);
/* Fields in their order, with those that share a byte; *ret_n of them. */
const struct header_field *header_fields(const struct header *h, size_t *ret_n);

/* A number; of a field of 64 bits at most. @header: its first byte. */
__u64 field_value(const struct header_field *f, const __u8 *header);
/* "02:00:00:00:00:01", "10.0.0.1", "64". */
void field_text(const struct header_field *f, const __u8 *header, struct buf *out);

/*
 * "vlan 10 10.0.0.1:1000 > 192.0.2.10:80 tcp SYN": one line; never empty. Caller frees.
 * NULL: no memory.
 */
char *packet_summary(const void *bytes, size_t size);
