/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet that differs, for people and as JSON. */
#include <string.h>

#include "base/text.h"
#include "cli/change.h"
#include "cli/preflight.h"

#define LINES 12 /* of changes that are shown of a packet */

const char *preflight_verdict(const struct preflight *s, uint32_t verdict, char room[16])
{
	const char *name = braid_verdict_name(s->hook, verdict);

	if (name)
		return name;
	snprintf(room, 16, "%u", verdict);
	return room;
}

static void find_changes(const struct braid_preflight_packet *p, struct changes *ret)
{
	struct view old = {.bytes = p->was.bytes,
			   .captured = p->was.size,
			   .length = p->was.size,
			   .head = p->was.head};
	struct view now = {.bytes = p->is.bytes,
			   .captured = p->is.size,
			   .length = p->is.size,
			   .head = p->is.head};

	if (changes_find(&old, &now, ret)) {
		fputs("braid: out of memory\n", stderr);
		exit(EXIT_FAILED);
	}
}

static void add_hex(struct buf *b, const unsigned char *bytes, unsigned int n)
{
	for (unsigned int i = 0; i < n && i < 32; i++)
		buf_fmt(b, "%02x", bytes[i]);
	buf_str(b, n > 32 ? "…" : "");
}

/* Its value in the words of the header, or the bytes. */
static char *value_text(const char *text, const unsigned char *bytes, unsigned int n)
{
	struct buf b = {};

	buf_str(&b, "");
	if (text)
		buf_str(&b, text);
	else if (bytes)
		add_hex(&b, bytes, n);
	return buf_take(&b);
}

static void print_change(const struct change *c)
{
	_cleanup_free_ char *from = value_text(c->from, c->old, c->n);
	_cleanup_free_ char *to = value_text(c->to, c->now, c->n);

	printf("        %4u  %-16s ", c->at, c->name ?: "bytes");
	if (c->kind == CHANGE_PUSHED)
		printf("only new: %s\n", to);
	else if (c->kind == CHANGE_PULLED)
		printf("only old: %s\n", from);
	else
		printf("%s -> %s\n", from, to);
}

static void print_changes(const struct braid_preflight_packet *p)
{
	struct changes changes = {};
	size_t n = 0;

	find_changes(p, &changes);
	array_foreach (c, &changes.list)
		if (n++ < LINES)
			print_change(c);
	if (n > LINES)
		printf("              and %zu more\n", n - LINES);
	if (p->was.size != p->is.size)
		printf("              %zu bytes -> %zu bytes\n", p->was.size, p->is.size);
	changes_done(&changes);
}

static const char *stage_text(const struct braid_preflight_step *step)
{
	return step->stage ?: "the end";
}

static void print_step(const struct preflight *s, const struct braid_preflight_outcome *out)
{
	char room[16];

	if (!out->parts)
		printf("not known");
	else
		printf("%s%s", preflight_verdict(s, out->at.verdict, room),
		       out->at.leaves ? ", leaves" : "");
}

static bool same_stage(const struct braid_preflight_packet *p)
{
	return p->was.parts && p->is.parts &&
	       strcmp(stage_text(&p->was.at), stage_text(&p->is.at)) == 0;
}

static void print_parting(const struct preflight *s, const struct braid_preflight_packet *p)
{
	if (same_stage(p)) {
		printf("        they part at %s: ", stage_text(&p->is.at));
		print_step(s, &p->was);
		printf(" -> ");
		print_step(s, &p->is);
	} else {
		printf("        they part: old at %s (",
		       p->was.parts ? stage_text(&p->was.at) : "?");
		print_step(s, &p->was);
		printf("), new at %s (", p->is.parts ? stage_text(&p->is.at) : "?");
		print_step(s, &p->is);
		putchar(')');
	}
	if (same_stage(p) && p->was.at.verdict == p->is.at.verdict && p->was.at.bytes &&
	    (p->was.at.size != p->is.at.size ||
	     memcmp(p->was.at.bytes, p->is.at.bytes, p->is.at.size)))
		printf("; the packet is another one behind it");
	putchar('\n');
}

static json_t *step_to_json(const struct preflight *s, const struct braid_preflight_outcome *out)
{
	char room[16];
	json_t *j;

	if (!out->parts)
		return json_null();
	j = json_pack("{s:s?, s:s, s:b, s:I}", "stage", out->at.stage, "verdict",
		      preflight_verdict(s, out->at.verdict, room), "leaves", out->at.leaves, "size",
		      (json_int_t)out->at.size);
	return j;
}

static json_t *changes_to_json(const struct braid_preflight_packet *p)
{
	struct changes changes = {};
	json_t *list = json_array();

	find_changes(p, &changes);
	array_foreach (c, &changes.list) {
		_cleanup_free_ char *from = value_text(c->from, c->old, c->n);
		_cleanup_free_ char *to = value_text(c->to, c->now, c->n);
		json_t *j = json_pack("{s:I, s:I, s:s?}", "offset", (json_int_t)c->at, "bytes",
				      (json_int_t)c->n, "field", c->name);

		if (c->kind != CHANGE_PUSHED)
			json_object_set_new(j, "old", json_string(from));
		if (c->kind != CHANGE_PULLED)
			json_object_set_new(j, "new", json_string(to));
		json_array_append_new(list, j);
	}
	changes_done(&changes);
	return list;
}

static json_t *packet_to_json(const struct preflight *s, const struct pcap_pkthdr *h,
			      const char *summary, const struct braid_preflight_packet *p)
{
	char was[16], is[16];
	json_t *j = json_pack("{s:I, s:I, s:s, s:s, s:s, s:o, s:o, s:I, s:I}", "packet",
			      (json_int_t)s->n, "size", (json_int_t)h->caplen, "summary", summary,
			      "old", preflight_verdict(s, p->was.verdict, was), "new",
			      preflight_verdict(s, p->is.verdict, is), "old-part",
			      step_to_json(s, &p->was), "new-part", step_to_json(s, &p->is),
			      "old-size", (json_int_t)p->was.size, "new-size",
			      (json_int_t)p->is.size);

	if (p->differs & BRAID_DIFFERS_BYTES)
		json_object_set_new(j, "differences", changes_to_json(p));
	return j;
}

void preflight_show_packet(struct preflight *s, const struct pcap_pkthdr *h,
			   const unsigned char *bytes, const struct braid_preflight_packet *p)
{
	_cleanup_free_ char *summary = packet_summary(bytes, h->caplen);
	char was[16], is[16];

	if (s->listed++ >= s->own->limit)
		return;
	if (s->o->json) {
		json_array_append_new(s->list, packet_to_json(s, h, summary ?: "", p));
		return;
	}
	printf("%6llu  %5u bytes  %s\n        %s -> %s%s\n", s->n, h->caplen, summary ?: "",
	       preflight_verdict(s, p->was.verdict, was), preflight_verdict(s, p->is.verdict, is),
	       p->differs & BRAID_DIFFERS_BYTES ? ", and the packets that come out differ" : "");
	print_parting(s, p);
	if (p->differs & BRAID_DIFFERS_BYTES)
		print_changes(p);
}

void preflight_show_skipped(struct preflight *s, const struct pcap_pkthdr *h, const char *why)
{
	s->skipped++;
	if (s->o->json)
		return;
	if (s->skipped <= s->own->limit)
		printf("%6llu  %5u bytes  skipped: %s\n", s->n, h->caplen, why);
}
