/* SPDX-License-Identifier: GPL-2.0-only */
/* What a preflight comes to. */
#include <string.h>

#include "base/text.h"
#include "cli/preflight.h"
#include "cli/show.h"

static void show_verdicts(const json_t *report)
{
	static const char *const headings[] = {"OLD", "NEW", ">PACKETS", ""};
	struct table *t = table_new(headings, 4);
	json_t *pair;
	size_t i;

	json_array_foreach (json_object_get(report, "verdicts"), i, pair) {
		_cleanup_free_ char *n = text_fmt("%lld", number(pair, "packets"));
		bool same = strcmp(member(pair, "old"), member(pair, "new")) == 0;

		table_row(t, member(pair, "old"), member(pair, "new"), n, same ? "" : "differ");
	}
	table_print(t);
}

static bool has_one(const json_t *list, const char *name, const char *word)
{
	json_t *j;
	size_t i;

	json_array_foreach (list, i, j)
		if (strcmp(member(j, name), word) == 0)
			return true;
	return false;
}

/* Stages that only one of the two has. */
static void show_stages(const json_t *report, const char *in)
{
	const json_t *stages = json_object_get(report, "stages");
	const char *between = "";
	json_t *stage;
	size_t i;

	if (!has_one(stages, "in", in))
		return;
	printf("stages    only in the %s one: ", in);
	json_array_foreach (stages, i, stage)
		if (strcmp(member(stage, "in"), in) == 0) {
			printf("%s%s", between, member(stage, "stage"));
			between = ", ";
		}
	putchar('\n');
}

static double real(const json_t *j, const char *name)
{
	return json_real_value(json_object_get(j, name));
}

static void show_cost(const json_t *report)
{
	const json_t *cost = json_object_get(report, "cost");

	if (!cost)
		return;
	printf("cost      %.1f ns -> %.1f ns per packet, %.2f times (%.2f to %.2f), measured with "
	       "%lld of them%s\n",
	       real(cost, "old-ns"), real(cost, "new-ns"), real(cost, "ratio"),
	       real(cost, "ratio-p10"), real(cost, "ratio-p90"), number(cost, "packets"),
	       strcmp(member(cost, "how"), "repeated") == 0 ? ""
							    : ", run one by one as they change");
}

static long long sum(const json_t *side, const char *name)
{
	long long n = 0;
	json_t *program;
	size_t i;

	json_array_foreach (json_object_get(side, "programs"), i, program)
		n += number(program, name);
	return n;
}

static void show_side(const char *label, const json_t *side)
{
	long long states = sum(side, "states");

	printf("%-9s ", label);
	if (json_object_get(side, "revision"))
		printf("revision %lld, ", number(side, "revision"));
	printf("%s, %zu program%s, %lld instructions as loaded; the verifier went through %lld",
	       member(side, "strategy"), json_array_size(json_object_get(side, "programs")),
	       json_array_size(json_object_get(side, "programs")) == 1 ? "" : "s",
	       sum(side, "instructions"), sum(side, "verified-instructions"));
	if (states)
		printf(", %lld states", states);
	putchar('\n');
}

static void show_maps(const char *label, const json_t *side, const char *how)
{
	const json_t *maps = json_object_get(side, "maps");
	json_t *map;
	size_t i;

	json_array_foreach (maps, i, map) {
		const char *stage = member(map, "stage");

		if (strcmp(member(map, "how"), how) == 0)
			printf("map       %s of the %s one%s%s: %s%s%s\n", member(map, "name"),
			       label, *stage ? ", stage " : "", stage,
			       strcmp(how, "not-copied") ? how : "not copied",
			       *member(map, "why") ? ": " : "", member(map, "why"));
	}
}

static void show_text(const struct preflight *s, const json_t *report)
{
	const json_t *was = json_object_get(report, "old"), *is = json_object_get(report, "new");

	if (s->listed > s->own->limit)
		printf("        and %llu more that differ\n", s->listed - s->own->limit);
	printf("%s%llu packets, %llu skipped, %lld differ: %lld by verdict, %lld by bytes", //
	       s->n ? "\n" : "", s->n, s->skipped, number(report, "differ"),
	       number(report, "differ-verdict"), number(report, "differ-bytes"));
	if (s->allowed)
		printf("; %llu of them as allowed", s->allowed);
	puts("\n");
	show_verdicts(report);
	putchar('\n');
	show_side("old", was);
	show_side("new", is);
	show_stages(report, "new");
	show_stages(report, "old");
	show_maps("old", was, "not-copied");
	show_maps("new", is, "not-copied");
	show_maps("new", is, "migrated");
	show_maps("new", is, "anew");
	show_cost(report);
	if (s->save.dump)
		printf("saved     %s: %llu packets\n", s->own->save, s->unexpected);
}

void preflight_show_report(const struct preflight *s, json_t *report)
{
	if (!s->o->json) {
		show_text(s, report);
		return;
	}
	json_object_set_new(report, "read", json_integer(s->n));
	json_object_set_new(report, "skipped", json_integer(s->skipped));
	json_object_set_new(report, "allowed", json_integer(s->allowed));
	json_object_set_new(report, "unexpected", json_integer(s->unexpected));
	json_object_set(report, "list", s->list);
	if (s->cut_off)
		json_object_set_new(report, "cut-off", json_string(s->cut_off));
	json_dumpf(report, stdout, JSON_INDENT(2));
	putchar('\n');
}
