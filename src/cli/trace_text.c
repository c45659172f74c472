/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet on its way, as a block of lines. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/change.h"
#include "cli/trace.h"

#define SHOWN_BYTES 16 /* of each side of a change */

enum paint { PLAIN, BOLD, DIM, RED, GREEN, YELLOW };

static const char *paint(bool colour, enum paint p)
{
	static const char *const escapes[] = {"\033[0m",  "\033[1m",  "\033[2m",
					      "\033[31m", "\033[32m", "\033[33m"};

	return colour ? escapes[p] : "";
}

/* "04:25:11.123456789": of the day, local. */
static void print_time(const struct names *n, uint64_t monotonic_ns)
{
	uint64_t ns = monotonic_ns + n->wall_ns;
	time_t seconds = ns / 1000000000;
	struct tm tm;

	localtime_r(&seconds, &tm);
	printf("%02d:%02d:%02d.%09d", tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ns % 1000000000));
}

static void print_summary(const struct braid_event *e, bool colour)
{
	_cleanup_free_ char *text = packet_summary(e->bytes, e->captured);

	printf("%s%s%s\n", paint(colour, BOLD), text ?: "", paint(colour, PLAIN));
}

static void print_verdict(const struct names *n, uint32_t verdict, int width, bool colour)
{
	const char *word = names_verdict(n, verdict);

	printf("%s%-*s%s", paint(colour, is_drop(word) ? RED : GREEN), width, word,
	       paint(colour, PLAIN));
}

static void print_interface(const struct names *n, const struct braid_event *e)
{
	const char *name = names_interface(n, e->ifindex);

	if (*name)
		printf("  %s queue %u", name, e->queue);
	else
		printf("  ifindex %u queue %u", e->ifindex, e->queue);
}

static void print_head(const struct names *n, const struct journey *j, bool colour)
{
	const struct braid_event *first = &j->events.v[0];

	print_time(n, first->time_ns);
	printf("  cpu %u", first->cpu);
	print_interface(n, first);
	printf("  %u bytes  ", first->length);
	print_summary(first, colour);
}

static void print_bytes(const __u8 *bytes, unsigned int n)
{
	for (unsigned int i = 0; i < n && i < SHOWN_BYTES; i++)
		printf("%02x", bytes[i]);
	if (n > SHOWN_BYTES)
		printf("...");
}

/* Of a number its bytes are shown, too: an address says as much as they do. */
static void print_values(const struct change *c)
{
	bool text = c->from && c->to,
	     bytes = !text || (c->n <= 4 && !text_has_prefix(c->from, "0x"));

	if (text)
		printf("%s -> %s", c->from, c->to);
	if (!bytes)
		return;
	printf("%s", text ? " (" : "");
	print_bytes(c->old, c->n);
	printf(" -> ");
	print_bytes(c->now, c->n);
	printf("%s", text ? ")" : "");
}

static void print_change(const struct change *c, bool colour)
{
	printf("      %s[%u]%s ", paint(colour, YELLOW), c->at, paint(colour, PLAIN));
	if (c->kind == CHANGE_PUSHED || c->kind == CHANGE_PULLED) {
		printf("%s %s%s", c->kind == CHANGE_PUSHED ? "pushed" : "pulled", c->name ?: "",
		       c->name ? ": " : "");
		print_bytes(c->kind == CHANGE_PUSHED ? c->now : c->old, c->n);
		if (c->from || c->to)
			printf(" (%s)", c->from ?: c->to);
	} else {
		printf("%s%s", c->name ?: "", c->name ? " " : "");
		print_values(c);
	}
	if (c->n > SHOWN_BYTES)
		printf(" %u bytes", c->n);
	putchar('\n');
}

static void print_moves(const struct changes *c)
{
	if (c->front)
		printf("      %d bytes %s in front\n", c->front < 0 ? -c->front : c->front,
		       c->front < 0 ? "pulled" : "pushed");
	if (c->end)
		printf("      %d bytes %s at the end\n", c->end < 0 ? -c->end : c->end,
		       c->end < 0 ? "cut off" : "added");
}

static void print_changes(const struct braid_event *old, const struct braid_event *now, bool colour)
{
	struct view was = {old->bytes, old->captured, old->length, old->head};
	struct view is = {now->bytes, now->captured, now->length, now->head};
	struct changes c;

	if (changes_find(&was, &is, &c)) {
		puts("      out of memory: changes are not shown");
		return;
	}
	print_moves(&c);
	array_foreach (change, &c.list)
		print_change(change, colour);
	changes_done(&c);
}

static void print_stage(const struct names *n, const struct journey *j, size_t i, bool colour)
{
	const struct braid_event *e = &j->events.v[i], *before = i ? e - 1 : NULL;
	const char *program = names_program(n, e->point);

	if (before && before->cpu != e->cpu)
		printf("  on cpu %u\n", e->cpu);
	if (before && *program && *names_program(n, before->point) &&
	    !text_eq(program, names_program(n, before->point)))
		printf("  %s %s\n", n->components ? "component" : "tail call into", program);
	printf("  %-16s ", names_stage(n, e->point));
	print_verdict(n, e->verdict, 8, colour);
	if (e->point < BRAID_EVENT_BEFORE)
		printf("  %s%6u ns%s", paint(colour, DIM), e->spent_ns, paint(colour, PLAIN));
	else
		printf("  %9s", "");
	if (before)
		printf("  %s+%" PRIu64 " ns%s", paint(colour, DIM),
		       e->time_ns - j->events.v[0].time_ns, paint(colour, PLAIN));
	putchar('\n');
	if (before)
		print_changes(before, e, colour);
}

static void print_end(const struct names *n, const struct journey *j, bool colour)
{
	const struct braid_event *last = &j->events.v[j->events.n - 1];
	uint64_t spent = 0;

	array_foreach (e, &j->events)
		spent += e->spent_ns;
	if (!j->left) {
		printf("  = unknown: %sits last events were missed\n",
		       n->components ? "it did not come to the next component, or " : "");
		return;
	}
	printf("  = ");
	print_verdict(n, last->verdict, 0, colour);
	if (last->point == BRAID_EVENT_LOST)
		printf(", as a tail call failed");
	else if (last->point == BRAID_EVENT_END)
		printf(", behind the last stage");
	else
		printf(" by %s", names_stage(n, last->point));
	printf(", %" PRIu64 " ns\n", spent);
}

void trace_text(const struct names *n, const struct journey *j, bool colour)
{
	print_head(n, j, colour);
	if (j->events.v[0].point != BRAID_EVENT_ENTRY)
		puts("  its first events were missed");
	for (size_t i = 0; i < j->events.n; i++)
		if (j->events.v[i].point != BRAID_EVENT_ENTRY)
			print_stage(n, j, i, colour);
	print_end(n, j, colour);
}

void trace_text_drop(const struct names *n, const struct braid_event *e, bool colour)
{
	print_time(n, e->time_ns);
	printf("  %-16s ", names_stage(n, e->point));
	print_verdict(n, e->verdict, 8, colour);
	printf("  ");
	print_summary(e, colour);
}

static void print_drops(const struct trace_totals *t)
{
	static const char *const headings[] = {"STAGE", "VERDICT", ">PACKETS"};
	struct table *table;

	if (!t->drops.n)
		return;
	putchar('\n');
	table = table_new(headings, 3);
	array_foreach (d, &t->drops) {
		_cleanup_free_ char *packets = text_fmt("%" PRIu64, d->packets);

		table_row(table, d->stage, d->verdict, packets);
	}
	table_print(table);
}

void trace_text_gap(const struct names *n, bool is_new, uint64_t ns)
{
	_cleanup_free_ char *gap = look_gap_text(ns);

	if (is_new)
		printf("revision %u runs now; ", n->revision);
	printf("%s\n", gap ?: "");
}

void trace_text_totals(const struct trace_totals *t, bool drops)
{
	_cleanup_free_ char *gaps = look_gaps_text(t->observer);

	if (drops)
		print_drops(t);
	printf("\n%" PRIu64 " packets looked at, %" PRIu64 " %s, %" PRIu64 " events missed%s\n",
	       t->looked_at, t->shown, drops ? "dropped" : "shown", t->missed, gaps ?: "");
	if (t->missed)
		puts("  there were more than could be read: a filter, or --sample, makes them "
		     "fewer");
}
