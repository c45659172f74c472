/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/pcapng.h"

#include <string.h>

enum block { INTERFACE = 1, STATISTICS = 5, PACKET = 6, SECTION = 0x0a0d0d0a };

#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define LINK_ETHERNET    1
#define VERDICT_BYTES    9

/* Options of all blocks; of sections, interfaces, packets, statistics. */
enum { OPT_END, OPT_COMMENT };
enum { SHB_HARDWARE = 2, SHB_OS, SHB_APPLICATION };
enum { IF_NAME = 2, IF_DESCRIPTION, IF_TSRESOL = 9, IF_FILTER = 11 };
enum { EPB_FLAGS = 2, EPB_DROPCOUNT = 4, EPB_PACKETID, EPB_QUEUE, EPB_VERDICT };
enum { ISB_STARTTIME = 2, ISB_ENDTIME, ISB_IFRECV, ISB_IFDROP };

static void put32(struct buf *out, uint32_t v)
{
	buf_add(out, &v, sizeof(v));
}

static void put16(struct buf *out, uint16_t v)
{
	buf_add(out, &v, sizeof(v));
}

/* A time: the upper half first, whatever the byte order. */
static void put_time(struct buf *out, uint64_t ns)
{
	put32(out, ns >> 32);
	put32(out, ns);
}

/* Bytes, and zeroes up to a multiple of four. */
static void put_padded(struct buf *out, const void *bytes, size_t n)
{
	if (n)
		buf_add(out, bytes, n);
	buf_fill(out, 0, -n & 3);
}

static void option(struct buf *out, uint16_t code, const void *value, uint16_t n)
{
	put16(out, code);
	put16(out, n);
	put_padded(out, value, n);
}

static void option_text(struct buf *out, uint16_t code, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	if (text)
		option(out, code, text, n < 65535 ? n : 65535);
}

static void option_time(struct buf *out, uint16_t code, uint64_t ns)
{
	uint32_t halves[2] = {ns >> 32, ns};

	option(out, code, halves, sizeof(halves));
}

/* Return: where it starts, for end(). */
static size_t begin(struct buf *out, enum block type)
{
	size_t at = out->n;

	put32(out, type);
	put32(out, 0); /* its length, when it is known */
	return at;
}

static void end(struct buf *out, size_t at)
{
	uint32_t length;

	option(out, OPT_END, NULL, 0);
	length = out->n + sizeof(length) - at;
	put32(out, length);
	if (!out->failed)
		memcpy(out->v + at + 4, &length, sizeof(length));
}

void pcapng_section(struct buf *out, const struct pcapng_section *s)
{
	size_t at = begin(out, SECTION);

	put32(out, BYTE_ORDER_MAGIC);
	put16(out, 1); /* version 1.0 */
	put16(out, 0);
	put32(out, -1); /* how long the section is, is not known: 64 bits */
	put32(out, -1);
	option_text(out, OPT_COMMENT, s->comment);
	option_text(out, SHB_HARDWARE, s->hardware);
	option_text(out, SHB_OS, s->os);
	option_text(out, SHB_APPLICATION, s->application);
	end(out, at);
}

/* Its first byte says what the rest is: 0, a text. */
static void option_filter(struct buf *out, const char *filter)
{
	struct buf value = {};

	if (!filter)
		return;
	buf_add(&value, "", 1);
	buf_str(&value, filter);
	out->failed |= value.failed;
	if (!value.failed)
		option(out, IF_FILTER, value.v, value.n < 65535 ? value.n : 65535);
	buf_done(&value);
}

void pcapng_interface(struct buf *out, const struct pcapng_interface *i)
{
	static const uint8_t nanoseconds = 9; /* 10^-9 */
	size_t at = begin(out, INTERFACE);

	put16(out, LINK_ETHERNET);
	put16(out, 0);
	put32(out, i->snap);
	option_text(out, IF_NAME, i->name);
	option_text(out, IF_DESCRIPTION, i->description);
	option(out, IF_TSRESOL, &nanoseconds, sizeof(nanoseconds));
	option_filter(out, i->filter);
	end(out, at);
}

static void option_verdict(struct buf *out, uint8_t kind, uint64_t verdict)
{
	uint8_t value[VERDICT_BYTES] = {kind};

	memcpy(value + 1, &verdict, sizeof(verdict));
	option(out, EPB_VERDICT, value, sizeof(value));
}

void pcapng_packet(struct buf *out, const struct pcapng_packet *p)
{
	size_t at = begin(out, PACKET);
	uint32_t flags = p->direction;

	put32(out, p->interface);
	put_time(out, p->time_ns);
	put32(out, p->captured);
	put32(out, p->length);
	put_padded(out, p->bytes, p->captured);
	option_text(out, OPT_COMMENT, p->comment);
	option(out, EPB_FLAGS, &flags, sizeof(flags));
	if (p->dropped)
		option(out, EPB_DROPCOUNT, &p->dropped, sizeof(p->dropped));
	option(out, EPB_PACKETID, &p->id, sizeof(p->id));
	option(out, EPB_QUEUE, &p->queue, sizeof(p->queue));
	if (p->verdict_kind != PCAPNG_NO_VERDICT)
		option_verdict(out, p->verdict_kind, p->verdict);
	end(out, at);
}

void pcapng_statistics(struct buf *out, const struct pcapng_statistics *s)
{
	size_t at = begin(out, STATISTICS);

	put32(out, s->interface);
	put_time(out, s->time_ns);
	option_text(out, OPT_COMMENT, s->comment);
	option_time(out, ISB_STARTTIME, s->start_ns);
	option_time(out, ISB_ENDTIME, s->end_ns);
	option(out, ISB_IFRECV, &s->received, sizeof(s->received));
	option(out, ISB_IFDROP, &s->dropped, sizeof(s->dropped));
	end(out, at);
}
