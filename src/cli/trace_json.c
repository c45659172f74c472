/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet on its way, as a line of JSON. */
#include <string.h>

#include "base/text.h"
#include "cli/change.h"
#include "cli/trace.h"

static void print_line(json_t *j)
{
	json_dumpf(j, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(j);
}

static json_t *hex_to_json(const __u8 *bytes, unsigned int n)
{
	struct buf b = {};
	json_t *j;

	if (!bytes)
		return NULL;
	for (unsigned int i = 0; i < n; i++)
		buf_fmt(&b, "%02x", bytes[i]);
	j = json_string(b.v);
	buf_done(&b);
	return j;
}

static json_t *change_to_json(const struct change *c)
{
	static const char *const kinds[] = {
		[CHANGE_FIELD] = "field",
		[CHANGE_BYTES] = "bytes",
		[CHANGE_PUSHED] = "pushed",
		[CHANGE_PULLED] = "pulled",
	};

	return json_pack("{s:s, s:I, s:I, s:s*, s:o*, s:o*, s:s*, s:s*}", "kind", kinds[c->kind],
			 "offset", (json_int_t)c->at, "size", (json_int_t)c->n, "name", c->name,
			 "old", hex_to_json(c->old, c->n), "new", hex_to_json(c->now, c->n), "from",
			 c->from, "to", c->to);
}

static void add_changes(json_t *j, const struct braid_event *old, const struct braid_event *now)
{
	struct view was = {old->bytes, old->captured, old->length, old->head};
	struct view is = {now->bytes, now->captured, now->length, now->head};
	json_t *list = json_array();
	struct changes c;

	if (!changes_find(&was, &is, &c)) {
		json_object_set_new(j, "front", json_integer(c.front));
		json_object_set_new(j, "end", json_integer(c.end));
		array_foreach (change, &c.list)
			json_array_append_new(list, change_to_json(change));
		changes_done(&c);
	}
	json_object_set_new(j, "changes", list);
}

static json_t *stage_to_json(const struct names *n, const struct journey *j, size_t i)
{
	const struct braid_event *e = &j->events.v[i];
	json_t *stage;

	stage = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b}", "stage",
			  names_stage(n, e->point), "program", names_program(n, e->point),
			  "verdict", names_verdict(n, e->verdict), "cpu", (json_int_t)e->cpu, "ns",
			  (json_int_t)e->spent_ns, "since-entry",
			  (json_int_t)(e->time_ns - j->events.v[0].time_ns), "length",
			  (json_int_t)e->length, "leaves", (int)e->leaves);
	if (i)
		add_changes(stage, e - 1, e);
	return stage;
}

/* What is the same for packets and drops. */
static json_t *head_to_json(const struct names *n, const struct braid_event *e)
{
	_cleanup_free_ char *summary = packet_summary(e->bytes, e->captured);

	return json_pack("{s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:s}", "time-ns",
			 (json_int_t)(e->time_ns + n->wall_ns), "packet", (json_int_t)e->packet,
			 "cpu", (json_int_t)e->cpu, "interface", names_interface(n, e->ifindex),
			 "ifindex", (json_int_t)e->ifindex, "queue", (json_int_t)e->queue, "length",
			 (json_int_t)e->length, "revision", (json_int_t)n->revision, "summary",
			 summary ?: "");
}

void trace_json(const struct names *n, const struct journey *j)
{
	const struct braid_event *first = &j->events.v[0], *last = first + j->events.n - 1;
	json_t *line = head_to_json(n, first), *stages = json_array();

	for (size_t i = 0; i < j->events.n; i++)
		if (j->events.v[i].point != BRAID_EVENT_ENTRY)
			json_array_append_new(stages, stage_to_json(n, j, i));
	json_object_set_new(line, "stages", stages);
	json_object_set_new(line, "whole",
			    json_boolean(j->left && first->point == BRAID_EVENT_ENTRY));
	if (j->left) {
		json_object_set_new(line, "verdict", json_string(names_verdict(n, last->verdict)));
		json_object_set_new(line, "stage", json_string(names_stage(n, last->point)));
	}
	print_line(line);
}

void trace_json_drop(const struct names *n, const struct braid_event *e)
{
	json_t *line = head_to_json(n, e);

	json_object_set_new(line, "verdict", json_string(names_verdict(n, e->verdict)));
	json_object_set_new(line, "stage", json_string(names_stage(n, e->point)));
	print_line(line);
}

void trace_json_gap(const struct names *n, uint64_t ns)
{
	print_line(json_pack("{s:{s:f, s:I}}", "gap", "seconds", ns / 1e9, "revision",
			     (json_int_t)n->revision));
}

void trace_json_totals(const struct trace_totals *t, bool drops)
{
	json_t *j = json_pack("{s:I, s:I, s:I}", "looked-at", (json_int_t)t->looked_at, "shown",
			      (json_int_t)t->shown, "missed", (json_int_t)t->missed);
	json_t *list = json_array();

	look_gaps_add(t->observer, j);
	array_foreach (d, &t->drops)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:I}", "stage", d->stage, "verdict",
						d->verdict, "packets", (json_int_t)d->packets));
	if (drops)
		json_object_set_new(j, "drops", list);
	else
		json_decref(list);
	print_line(json_pack("{s:o}", "totals", j));
}
