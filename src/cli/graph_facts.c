/* SPDX-License-Identifier: GPL-2.0-only */
/* What there is to say of a stage beside its picture. */
#include <string.h>

#include "cli/graph.h"

struct facts {
	const struct graph *g;
	const struct part *p;
	put_fact put;
	void *ctx;
};

static void put(const struct facts *f, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void put(const struct facts *f, const char *name, const char *fmt, ...)
{
	struct buf b = {};
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	if (b.n)
		f->put(f->ctx, name, graph_must(b.v));
	buf_done(&b);
}

/* Instructions of a program that are no stage's: seams, choices, signals. */
static long long seams_of(const struct graph *g, const json_t *segment)
{
	const json_t *stages = json_object_get(segment, "stages");
	long long all = number(segment, "instructions");
	json_t *name;
	size_t i;

	json_array_foreach (stages, i, name)
		all -= number(graph_find(json_object_get(g->plan, "stages"), "name",
					 json_string_value(name)),
			      "instructions");
	return all;
}

static void put_program(const struct facts *f)
{
	const json_t *plan = f->p->plan, *segment = graph_segment(f->g, f->p->segment);
	_cleanup_free_ char *proceed = list_text(json_object_get(plan, "proceed-on"));
	const char *why = member(plan, "why-called");

	put(f, "function", "%s", member(plan, "program"));
	put(f, "object", "%s", member(plan, "object"));
	put(f, "SHA-256", "%s", member(plan, "digest"));
	put(f, "goes on with", "%s (%s)", proceed, member(plan, "proceed-on-from"));
	put(f, "how", "%s%s%s", member(plan, "placed"), *why ? ": " : "", why);
	put(f, "instructions", "%lld", number(plan, "instructions"));
	put(f, "stack", "%lld bytes", number(plan, "stack"));
	put(f, "program", "%s, %lld instructions, %lld of them seams", member(segment, "program"),
	    number(segment, "instructions"), seams_of(f->g, segment));
	if (*member(plan, "switch"))
		put(f, "when", "%s: %s", member(plan, "switch"), member(plan, "when"));
}

static void put_counted(const struct facts *f, const char *name, const struct flow *flow)
{
	_cleanup_free_ char *share = graph_share_text(f->g, flow);

	if (!flow->known)
		return;
	if (f->g->per_second)
		put(f, name, "%.1f packets/s, %.0f bytes/s%s%s", flow->packets, flow->bytes,
		    *share ? ", " : "", share);
	else
		put(f, name, "%.0f packets, %.0f bytes%s%s", flow->packets, flow->bytes,
		    *share ? ", " : "", share);
}

static void put_numbers(const struct facts *f)
{
	const char *verdict;
	json_t *count;

	put_counted(f, "came", &f->p->in);
	if (f->p->bypassed.packets > 0)
		put_counted(f, "went past it", &f->p->bypassed);
	json_object_foreach ((json_t *)f->p->verdicts, verdict, count) {
		struct flow flow = {
			.packets = json_number_value(json_object_get(count, "packets")),
			.bytes = json_number_value(json_object_get(count, "bytes")),
			.known = true,
		};
		bool leaves = json_is_true(json_object_get(count, "leaves"));
		_cleanup_free_ char *name =
			graph_must(text_fmt("%s%s", verdict, leaves ? ", left" : ", went on"));

		put_counted(f, name, &flow);
	}
	if (f->p->lost.packets > 0)
		put(f, "tail calls that failed", "%.0f", f->p->lost.packets);
}

static void put_map(const struct facts *f, const json_t *map)
{
	const json_t *type = json_object_get(map, "type");

	if (!json_object_get(map, "max-entries")) {
		put(f, "map", "%s: %s", member(map, "name"), json_string_value(type) ?: "");
		return;
	}
	put(f, "map", "%s: %s, %lld to %lld bytes, room for %lld", member(map, "name"),
	    json_string_value(type) ?: "of a type without a name", number(map, "key-size"),
	    number(map, "value-size"), number(map, "max-entries"));
}

static void put_setup(const struct facts *f)
{
	const json_t *maps = json_object_get(f->g->plan, "maps");
	const json_t *constants = json_object_get(f->p->model, "constants");
	const char *name;
	json_t *one;
	size_t i;

	json_array_foreach (maps, i, one)
		if (text_eq(member(one, "stage"), f->p->name))
			put_map(f, one);
	json_object_foreach ((json_t *)constants, name, one) {
		_cleanup_free_ char *value = json_dumps(one, JSON_ENCODE_ANY | JSON_COMPACT);

		put(f, "constant", "%s = %s", name, value ?: "");
	}
}

void graph_facts(const struct graph *g, const struct part *p, put_fact fn, void *ctx)
{
	const struct facts f = {g, p, fn, ctx};
	_cleanup_free_ char *signals = list_text(json_object_get(p->state, "signals"));

	if (!p->plan) {
		put(&f, "disabled", "it keeps its place, but does not run");
		put(&f, "object", "%s", member(p->model, "object"));
		return;
	}
	put_numbers(&f);
	if (signals && *signals)
		put(&f, "signals", "%s", signals);
	put_program(&f);
	put_setup(&f);
}
