/* SPDX-License-Identifier: GPL-2.0-only */
/* braid top as text and as JSON: numbers that fit their columns, one line per stage. */
#include <string.h>

#include "cli/top.h"

void top_count(char *to, size_t room, double n)
{
	static const char units[] = " kMGTPE";
	size_t unit = 0;

	while (n >= 999.5 && unit + 2 < sizeof(units)) {
		n /= 1000;
		unit++;
	}
	if (!unit)
		snprintf(to, room, "%.0f", n);
	else
		snprintf(to, room, "%.*f%c", n < 9.995 ? 2 : n < 99.95 ? 1 : 0, n, units[unit]);
}

/* @n columns of @history, the newest last; UTF-8 blocks or ASCII. */
static void top_trend(char *to, size_t room, const float *history, size_t n, bool utf8)
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const ascii[] = {" ", ".", ".", ":", "-", "=", "+", "*", "#"};
	float most = 0;

	history += TOP_HISTORY - n;
	for (size_t i = 0; i < n; i++)
		most = history[i] > most ? history[i] : most;
	*to = '\0';
	for (size_t i = 0; i < n; i++) {
		int level = history[i] > 0 ? 1 + (int)(7 * history[i] / most) : 0;
		const char *block = (utf8 ? blocks : ascii)[level];
		size_t used = strlen(to);

		snprintf(to + used, room - used, "%s", block);
	}
}

static void percent(char *to, size_t room, double share)
{
	char many[8];

	top_count(many, sizeof(many), 100 * share);
	if (share > 0 && share < 0.0005)
		snprintf(to, room, "<0.1%%");
	else if (share >= 9.995)
		snprintf(to, room, "%s%%", many);
	else
		snprintf(to, room, "%.1f%%", 100 * share);
}

static bool is_counted(const struct top_pipeline *p)
{
	return !p->rows.n || p->rows.v[0].counted;
}

void top_title(const struct top_pipeline *p, char *to, size_t room)
{
	char pps[16], bps[16], died[16];

	top_count(pps, sizeof(pps), p->pps);
	top_count(bps, sizeof(bps), p->bps);
	percent(died, sizeof(died), p->died);
	if (!is_counted(p))
		snprintf(to, room, "%s (%s) revision %lld: it counts no packets", p->name,
			 p->hook ?: "?", p->revision);
	else if (p->samples < 2)
		snprintf(to, room, "%s (%s) revision %lld: %lld packets so far", p->name,
			 p->hook ?: "?", p->revision, p->packets);
	else
		snprintf(to, room, "%s (%s) revision %lld: %s packets/s, %s bit/s, %s die here",
			 p->name, p->hook ?: "?", p->revision, pps, bps, died);
}

void top_heading(char *to, size_t room)
{
	snprintf(to, room, "  %-20s %6s %6s %6s %6s %6s %6s %6s %s", "STAGE", "PPS", "BIT/S",
		 "LEAVE", "DIE", "NS", "P99", "CPU", "TREND");
}

void top_line(const struct top_row *r, size_t trend, bool utf8, char *to, size_t room)
{
	char pps[16] = "-", bps[16] = "-", left[16] = "-", died[16] = "-";
	char ns[16] = "-", p99[16] = "-", cpu[16] = "-";
	char history[4 * TOP_HISTORY + 1];
	bool few = r->times_n < TOP_TIMED_FEW;

	if (r->counted) {
		top_count(pps, sizeof(pps), r->pps);
		top_count(bps, sizeof(bps), r->bps);
		percent(left, sizeof(left), r->left);
		percent(died, sizeof(died), r->died);
	}
	if (r->times_n) {
		top_count(ns, sizeof(ns), r->mean);
		*p99 = '~';
		top_count(p99 + few, sizeof(p99) - few, r->p99);
	}
	if (r->times_n && r->counted)
		percent(cpu, sizeof(cpu), top_row_load(r));
	top_trend(history, sizeof(history), r->history, trend < TOP_HISTORY ? trend : TOP_HISTORY,
		  utf8);
	snprintf(to, room, "  %-20.20s %6s %6s %6s %6s %6s %6s %6s %s", r->stage, pps, bps, left,
		 died, ns, p99, cpu, history);
}

/* Without blanks at the end. */
static void put(const char *line)
{
	size_t n = strlen(line);

	while (n && line[n - 1] == ' ')
		n--;
	printf("%.*s\n", (int)n, line);
}

static void print_pipeline(const struct top_pipeline *p, const struct top_view *v, bool utf8)
{
	_cleanup_free_ const struct top_row **rows = calloc(p->rows.n + 1, sizeof(*rows));
	size_t n = rows ? top_select(p, v, rows) : 0;
	char line[512];

	top_title(p, line, sizeof(line));
	put(line);
	if (top_note(p))
		printf("  %s\n", top_note(p));
	top_heading(line, sizeof(line));
	put(line);
	for (size_t i = 0; i < n; i++) {
		top_line(rows[i], 8, utf8, line, sizeof(line));
		put(line);
	}
}

void top_print(const struct top *t, const struct top_view *v, bool utf8)
{
	array_foreach (p, &t->pipelines) {
		if (p != t->pipelines.v)
			putchar('\n');
		print_pipeline(p, v, utf8);
	}
}

static json_t *counts_to_json(const struct top_row *r)
{
	json_t *verdicts = json_object();

	array_foreach (v, &r->verdicts)
		json_object_set_new(verdicts, v->name,
				    json_pack("{s:I, s:f, s:b}", "packets", (json_int_t)v->packets,
					      "packets-per-second", v->pps, "leaves", v->leaves));
	return json_pack("{s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:o}", "packets",
			 (json_int_t)r->packets, "bytes", (json_int_t)r->bytes, "bypassed",
			 (json_int_t)r->bypassed, "packets-per-second", r->pps, "bits-per-second",
			 r->bps, "leave", r->left, "die", r->died, "verdicts", verdicts);
}

static json_t *row_to_json(const struct top_row *r)
{
	json_t *j = json_pack("{s:s}", "stage", r->stage);

	if (r->counted)
		json_object_update_new(j, counts_to_json(r));
	if (r->times_n) {
		json_object_set_new(j, "timed", json_integer((json_int_t)r->times_n));
		json_object_set_new(j, "nanoseconds", json_real(r->mean));
		json_object_set_new(j, "p99", json_real(r->p99));
	}
	if (r->times_n && r->counted)
		json_object_set_new(j, "cpus", json_real(top_row_load(r)));
	return j;
}

json_t *top_to_json(const struct top *t, const struct top_view *v)
{
	json_t *list = json_array();

	array_foreach (p, &t->pipelines) {
		_cleanup_free_ const struct top_row **rows = calloc(p->rows.n + 1, sizeof(*rows));
		size_t n = rows ? top_select(p, v, rows) : 0;
		json_t *stages = json_array(), *cpus = json_array(), *j;

		for (size_t i = 0; i < n; i++)
			json_array_append_new(stages, row_to_json(rows[i]));
		array_foreach (c, &p->cpus)
			json_array_append_new(cpus,
					      json_pack("{s:I, s:f}", "cpu", (json_int_t)c->cpu,
							"packets-per-second", c->pps));
		j = json_pack("{s:s, s:s, s:I, s:s*, s:o, s:o}", "pipeline", p->name, "hook",
			      p->hook ?: "", "revision", (json_int_t)p->revision, "note",
			      top_note(p), "stages", stages, "cpus", cpus);
		if (is_counted(p))
			json_object_update_new(
				j, json_pack("{s:I, s:f, s:f, s:f}", "packets",
					     (json_int_t)p->packets, "packets-per-second", p->pps,
					     "bits-per-second", p->bps, "die", p->died));
		json_array_append_new(list, j);
	}
	return json_pack("{s:o}", "pipelines", list);
}
