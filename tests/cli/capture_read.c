/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tap.h"

static __u32 u32(const __u8 *p)
{
	__u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static __u64 u64(const __u8 *p)
{
	__u64 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The value of option @code; NULL: there is none. */
static const __u8 *option(const __u8 *p, const __u8 *end, __u16 code, __u16 *ret_size)
{
	while (p + 4 <= end) {
		__u16 this = u32(p) & 0xffff, size = u32(p) >> 16;

		if (this == code) {
			*ret_size = size;
			return p + 4;
		}
		if (!this)
			break;
		p += 4 + ((size + 3) & ~3);
	}
	return NULL;
}

static void text(const __u8 *p, const __u8 *end, __u16 code, char *ret)
{
	__u16 size = 0;
	const __u8 *v = option(p, end, code, &size);

	snprintf(ret, CAP_TEXT, "%.*s", size, v ? (const char *)v : "");
}

static __u64 number(const __u8 *p, const __u8 *end, __u16 code)
{
	__u16 size = 0;
	const __u8 *v = option(p, end, code, &size);

	return !v ? 0 : size == 8 ? u64(v) : u32(v);
}

static void take_interface(struct cap *c, const __u8 *p, const __u8 *end)
{
	if (c->n_seams == CAP_SEAMS)
		bail_out("too many interfaces");
	text(p + 16, end, 2, c->seams[c->n_seams].name);
	c->seams[c->n_seams].snap = u32(p + 12);
	c->n_seams++;
}

static void take_packet(struct cap *c, const __u8 *p, const __u8 *end)
{
	struct cap_packet *packet = &c->packets[c->n];
	__u32 captured = u32(p + 20);
	const __u8 *options = p + 28 + ((captured + 3) & ~3u), *verdict;
	__u16 size = 0;

	if (c->n == CAP_PACKETS || captured > CAP_BYTES || u32(p + 8) >= c->n_seams)
		bail_out("packet %zu: too many, too large, or of no interface", c->n);
	*packet = (struct cap_packet){
		.seam = u32(p + 8),
		.time_ns = (__u64)u32(p + 12) << 32 | u32(p + 16),
		.captured = captured,
		.length = u32(p + 24),
		.flags = number(options, end, 2),
		.dropped = number(options, end, 4),
		.id = number(options, end, 5),
		.queue = number(options, end, 6),
		.verdict_kind = -1,
	};
	memcpy(packet->bytes, p + 28, captured);
	text(options, end, 1, packet->comment);
	verdict = option(options, end, 7, &size);
	if (verdict) {
		packet->verdict_kind = verdict[0];
		packet->verdict = u64(verdict + 1);
	}
	c->seams[packet->seam].packets++;
	c->n++;
}

static void take_statistics(struct cap *c, const __u8 *p, const __u8 *end)
{
	__u32 seam = u32(p + 8);

	if (seam >= c->n_seams)
		bail_out("statistics of no interface");
	c->seams[seam].received = number(p + 20, end, 4);
	c->seams[seam].dropped = number(p + 20, end, 5);
	c->n_statistics++;
}

static void take_block(struct cap *c, const __u8 *p, __u32 length)
{
	const __u8 *end = p + length - 4;

	if (u32(end) != length)
		bail_out("the two lengths of a block differ");
	switch (u32(p)) {
	case 0x0a0d0d0a:
		if (u32(p + 8) != 0x1a2b3c4d)
			bail_out("another byte order");
		break;
	case 1:
		take_interface(c, p, end);
		break;
	case 5:
		take_statistics(c, p, end);
		break;
	case 6:
		take_packet(c, p, end);
		break;
	default:
		bail_out("a block of type %#x", u32(p));
	}
}

void cap_read(struct cap *ret, const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ __u8 *all = malloc(32 << 20);
	size_t at = 0;

	*ret = (struct cap){.packets = calloc(CAP_PACKETS + 1, sizeof(*ret->packets))};
	if (!f || !all || !ret->packets)
		bail_out("%s: cannot be read", path);
	ret->size = fread(all, 1, 32 << 20, f);
	while (at + 12 <= ret->size) {
		__u32 length = u32(all + at + 4);

		if (length % 4 || length < 12 || at + length > ret->size)
			bail_out("%s: a block at %zu is cut", path, at);
		take_block(ret, all + at, length);
		at += length;
	}
	if (at != ret->size)
		bail_out("%s: %zu bytes behind the last block", path, ret->size - at);
}

void cap_done(struct cap *c)
{
	free(c->packets);
}

unsigned int cap_seam(const struct cap *c, const char *name)
{
	for (size_t i = 0; i < c->n_seams; i++)
		if (strcmp(c->seams[i].name, name) == 0)
			return i;
	bail_out("no interface '%s'", name);
}

const struct cap_packet *cap_packet(const struct cap *c, const char *seam, size_t i)
{
	unsigned int index = cap_seam(c, seam);

	for (size_t k = 0; k < c->n; k++)
		if (c->packets[k].seam == index && !i--)
			return &c->packets[k];
	return NULL;
}
