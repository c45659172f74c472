/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Headers of the two views are paired: those of one protocol that stand at one place, then, if
 * the start of the packet moved, those that come in the same order, as a header in front moves
 * when something is put behind it. Pairs are compared field by field. What has no partner was
 * pushed or pulled. All other bytes are compared with those that stood there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/change.h"

enum seen { SEEN_NOT, SEEN_HEADER, SEEN_BYTE };

struct comparison {
	const struct view *old, *now;
	struct headers was, is;
	int shift;                 /* byte i now was at i + shift */
	int partner[HEADERS];      /* of headers now: index among those before; -1: none */
	bool taken[HEADERS];       /* of those before */
	char *seen_now, *seen_old; /* bytes that are accounted for: enum seen */
	struct changes *ret;
	bool failed;
};

static char *field_name(const struct header *h, const struct header_field *f)
{
	const char *dot = f ? "." : "", *name = f ? f->name : "";

	if (h->nth > 1)
		return text_fmt("%s[%u]%s%s", header_name(h), h->nth, dot, name);
	return text_fmt("%s%s%s", header_name(h), dot, name);
}

static struct change *add(struct comparison *c, enum change_kind kind, unsigned int at,
			  unsigned int n)
{
	struct change *change = array_push(&c->ret->list);

	if (!change) {
		c->failed = true;
		return NULL;
	}
	change->kind = kind;
	change->at = at;
	change->n = n;
	return change;
}

static char *value_text(const struct header_field *f, const __u8 *header)
{
	struct buf b = {};

	field_text(f, header, &b);
	return buf_take(&b);
}

/* "pcp 0 dei 0 id 10 type 0x0800" */
static char *fields_text(const struct header *h, const __u8 *header)
{
	struct buf b = {};
	size_t n;
	const struct header_field *f = header_fields(h, &n);

	for (size_t i = 0; i < n; i++) {
		buf_fmt(&b, "%s%s ", i ? " " : "", f[i].name);
		field_text(&f[i], header, &b);
	}
	return buf_take(&b);
}

static bool is_in_order(const struct comparison *c, size_t now, size_t old)
{
	for (size_t i = 0; i < c->is.n; i++) {
		if (c->partner[i] < 0)
			continue;
		if (i < now ? c->partner[i] >= (int)old : c->partner[i] <= (int)old)
			return false;
	}
	return true;
}

/* @moved: at any place that keeps the order. */
static void pair_headers(struct comparison *c, bool moved)
{
	for (size_t i = 0; i < c->is.n; i++)
		for (size_t k = 0; k < c->was.n && c->partner[i] < 0; k++) {
			const struct header *is = &c->is.v[i], *was = &c->was.v[k];

			if (c->taken[k] || is->protocol != was->protocol)
				continue;
			if (moved ? !is_in_order(c, i, k) : (int)is->at + c->shift != (int)was->at)
				continue;
			c->partner[i] = k;
			c->taken[k] = true;
		}
}

static void compare_field(struct comparison *c, const struct header *is, const struct header *was,
			  const struct header_field *f)
{
	const __u8 *now = c->now->bytes + is->at, *old = c->old->bytes + was->at;
	unsigned int first = f->at / 8, n = (f->at + f->size - 1) / 8 - first + 1;
	struct change *change;

	if (f->size > 64 ? memcmp(now + first, old + first, n) == 0
			 : field_value(f, now) == field_value(f, old))
		return;
	change = add(c, CHANGE_FIELD, is->at + first, n);
	if (!change)
		return;
	change->now = now + first;
	change->old = old + first;
	change->name = field_name(is, f);
	change->from = value_text(f, old);
	change->to = value_text(f, now);
	c->failed |= !change->name || !change->from || !change->to;
}

/* Bytes of a pair that belong to a field are accounted for, the rest is compared as bytes. */
static void mark_pair(struct comparison *c, const struct header *is, const struct header *was)
{
	size_t n;
	const struct header_field *f = header_fields(is, &n);

	for (size_t i = 0; i < n; i++)
		for (unsigned int k = f[i].at / 8; k <= (f[i].at + f[i].size - 1) / 8; k++)
			c->seen_now[is->at + k] = c->seen_old[was->at + k] = SEEN_HEADER;
}

/* Are these bytes where they were, and only taken for something else now? */
static bool is_the_same(const struct comparison *c, const struct view *a, unsigned int at,
			unsigned int n, const struct view *b, int shift)
{
	int there = (int)at + shift;

	return there >= 0 && there + n <= b->captured &&
	       memcmp(a->bytes + at, b->bytes + there, n) == 0;
}

static void add_header(struct comparison *c, enum change_kind kind, const struct header *h)
{
	bool pushed = kind == CHANGE_PUSHED;
	const __u8 *bytes = (pushed ? c->now : c->old)->bytes + h->at;
	struct change *change = add(c, kind, h->at, h->size);

	if (!change)
		return;
	*(pushed ? &change->now : &change->old) = bytes;
	change->name = field_name(h, NULL);
	*(pushed ? &change->to : &change->from) = fields_text(h, bytes);
	c->failed |= !change->name || !(pushed ? change->to : change->from);
	memset((pushed ? c->seen_now : c->seen_old) + h->at, SEEN_HEADER, h->size);
}

static void find_pulled(struct comparison *c)
{
	for (size_t k = 0; k < c->was.n && c->shift; k++) {
		const struct header *h = &c->was.v[k];

		if (!c->taken[k] && !is_the_same(c, c->old, h->at, h->size, c->now, -c->shift))
			add_header(c, CHANGE_PULLED, h);
	}
}

static void compare_headers(struct comparison *c)
{
	size_t n;

	for (size_t i = 0; i < c->is.n; i++) {
		const struct header *h = &c->is.v[i];
		const struct header_field *f = header_fields(h, &n);

		if (c->partner[i] < 0) {
			if (c->shift && !is_the_same(c, c->now, h->at, h->size, c->old, c->shift))
				add_header(c, CHANGE_PUSHED, h);
			continue;
		}
		for (size_t k = 0; k < n; k++)
			compare_field(c, h, &c->was.v[c->partner[i]], &f[k]);
		mark_pair(c, h, &c->was.v[c->partner[i]]);
	}
}

/* Where byte @i of now stood; below 0, or behind the end: nowhere. */
static int place_of(const struct comparison *c, unsigned int i, int payload_shift)
{
	for (size_t k = 0; k < c->is.n; k++) {
		const struct header *h = &c->is.v[k];

		if (i < h->at || i >= h->at + h->size || c->partner[k] < 0)
			continue;
		return i - h->at + c->was.v[c->partner[k]].at;
	}
	return (int)i + (i >= c->is.end ? payload_shift : c->shift);
}

static unsigned int differences(const struct comparison *c, int payload_shift)
{
	unsigned int n = 0;

	for (unsigned int i = c->is.end; i < c->now->captured; i++) {
		int was = (int)i + payload_shift;

		if (was >= 0 && was < (int)c->old->captured)
			n += c->now->bytes[i] != c->old->bytes[was];
	}
	return n;
}

/* The payload stands where it was, or behind the headers as before: what explains more. */
static int shift_of_payload(const struct comparison *c)
{
	int with_headers = (int)c->was.end - (int)c->is.end;

	if (with_headers == c->shift || !c->shift ||
	    differences(c, c->shift) <= differences(c, with_headers))
		return c->shift;
	return with_headers;
}

/* The header that byte @i is in, for its name; NULL: payload. */
static const struct header *header_at(const struct headers *all, unsigned int i)
{
	for (size_t k = 0; k < all->n; k++)
		if (i >= all->v[k].at && i < all->v[k].at + all->v[k].size)
			return &all->v[k];
	return NULL;
}

static void add_bytes(struct comparison *c, enum change_kind kind, unsigned int at, unsigned int n,
		      int was)
{
	const struct header *h = header_at(kind == CHANGE_PULLED ? &c->was : &c->is, at);
	struct change *change = add(c, kind, at, n);

	if (!change)
		return;
	if (kind != CHANGE_PULLED)
		change->now = c->now->bytes + at;
	if (kind != CHANGE_PUSHED)
		change->old = c->old->bytes + was;
	if (h) {
		change->name = field_name(h, NULL);
		c->failed |= !change->name;
	}
}

#define NEAR 4 /* equal bytes between two runs that are told as one at most */

static bool differs(const struct comparison *c, unsigned int i, int was)
{
	return !c->seen_now[i] && was >= 0 && was < (int)c->old->captured &&
	       c->now->bytes[i] != c->old->bytes[was];
}

/* From @from: as long as bytes differ, and stood side by side. Return: how many. */
static unsigned int run_of_bytes(const struct comparison *c, unsigned int from, int payload_shift)
{
	unsigned int end = from + 1;
	int distance = place_of(c, from, payload_shift) - (int)from;

	for (unsigned int i = end; i < c->now->captured && i - end < NEAR; i++) {
		int was = place_of(c, i, payload_shift);

		if (c->seen_now[i] || was - (int)i != distance)
			break;
		if (differs(c, i, was))
			end = i + 1;
	}
	return end - from;
}

/*
 * Bytes that the view before had not: in front of its start; behind its end, if it was whole; or
 * where a header was that moved.
 */
static bool is_new(const struct comparison *c, unsigned int i, int was)
{
	if (c->seen_now[i])
		return false;
	if (was < 0 || was >= (int)c->old->captured)
		return was < 0 || c->old->captured == c->old->length;
	return c->seen_old[was] == SEEN_HEADER;
}

static void compare_bytes(struct comparison *c, int payload_shift)
{
	for (unsigned int i = 0, n; i < c->now->captured; i += n) {
		int was = place_of(c, i, payload_shift);

		n = 1;
		if (is_new(c, i, was)) {
			while (i + n < c->now->captured &&
			       is_new(c, i + n, place_of(c, i + n, payload_shift)))
				n++;
			add_bytes(c, CHANGE_PUSHED, i, n, 0);
			continue;
		}
		if (differs(c, i, was)) {
			n = run_of_bytes(c, i, payload_shift);
			add_bytes(c, CHANGE_BYTES, i, n, was);
		}
		if (was < 0 || c->seen_now[i])
			continue;
		for (unsigned int k = 0; k < n && was + k < c->old->captured; k++)
			c->seen_old[was + k] = SEEN_BYTE;
	}
}

/* Bytes that are nowhere now, but for those at the end: the packet, or the view, ends before. */
static void find_lost_bytes(struct comparison *c)
{
	for (unsigned int i = 0, n; i < c->old->captured; i += n) {
		n = 1;
		if (c->seen_old[i])
			continue;
		while (i + n < c->old->captured && !c->seen_old[i + n])
			n++;
		if (i + n < c->old->captured)
			add_bytes(c, CHANGE_PULLED, i, n, i);
	}
}

static int by_place(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	int pulled = (y->kind == CHANGE_PULLED) - (x->kind == CHANGE_PULLED);

	return pulled ?: (x->at > y->at) - (x->at < y->at);
}

/* Most stages change nothing. */
static bool is_unchanged(const struct view *old, const struct view *now)
{
	return old->head == now->head && old->length == now->length &&
	       old->captured == now->captured &&
	       (!now->captured || memcmp(old->bytes, now->bytes, now->captured) == 0);
}

static int compare(const struct view *old, const struct view *now, struct changes *ret)
{
	_cleanup_free_ char *seen_now = calloc(1, now->captured + 1);
	_cleanup_free_ char *seen_old = calloc(1, old->captured + 1);
	struct comparison c = {.old = old,
			       .now = now,
			       .shift = now->head - old->head,
			       .seen_now = seen_now,
			       .seen_old = seen_old,
			       .ret = ret};

	ret->front = -c.shift;
	ret->end = (int)now->length - (int)old->length + c.shift;
	if (!seen_now || !seen_old)
		return -ENOMEM;
	memset(c.partner, -1, sizeof(c.partner));
	headers_find(old->bytes, old->captured, &c.was);
	headers_find(now->bytes, now->captured, &c.is);
	pair_headers(&c, false);
	if (c.shift)
		pair_headers(&c, true);
	find_pulled(&c);
	compare_headers(&c);
	compare_bytes(&c, shift_of_payload(&c));
	if (c.shift)
		find_lost_bytes(&c);
	if (ret->list.n)
		qsort(ret->list.v, ret->list.n, sizeof(*ret->list.v), by_place);
	if (c.failed)
		changes_done(ret);
	return c.failed ? -ENOMEM : 0;
}

int changes_find(const struct view *old, const struct view *now, struct changes *ret)
{
	*ret = (struct changes){};
	return is_unchanged(old, now) ? 0 : compare(old, now, ret);
}

void changes_done(struct changes *c)
{
	array_foreach (change, &c->list) {
		free(change->name);
		free(change->from);
		free(change->to);
	}
	array_done(&c->list);
}
