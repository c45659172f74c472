/* SPDX-License-Identifier: GPL-2.0-only */
/* The tree of a graph, from a pipeline's manifest and plan. */
#include <ctype.h>
#include <string.h>

#include "cli/graph.h"
#include "cli/names.h"

void *graph_must(void *p)
{
	if (!p) {
		fputs("braid: out of memory\n", stderr);
		exit(EXIT_FAILED);
	}
	return p;
}

const char *graph_keep(struct graph *g, char *text)
{
	graph_must(text);
	*(char **)graph_must(array_push(&g->kept)) = text;
	return text;
}

json_t *graph_find(const json_t *list, const char *key, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (text_eq(member(one, key), name))
			return one;
	return NULL;
}

void graph_each(struct branch *b, void (*fn)(struct part *p, void *ctx), void *ctx)
{
	array_foreach (p, &b->parts) {
		fn(p, ctx);
		array_foreach (inner, &p->branches)
			graph_each(inner, fn, ctx);
	}
}

const json_t *graph_segment(const struct graph *g, int segment)
{
	return json_array_get(json_object_get(g->plan, "segments"), segment);
}

const char *graph_id(struct graph *g, const char *name)
{
	struct buf b = {};

	buf_str(&b, "stage-");
	for (; *name; name++)
		if (isalnum((unsigned char)*name) || *name == '-')
			buf_add(&b, name, 1);
		else
			buf_fmt(&b, "_%02x", (unsigned char)*name);
	return graph_keep(g, buf_take(&b));
}

static bool has_signal(const json_t *state, const char *signal)
{
	const json_t *list = json_object_get(state, "signals");
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (text_eq(json_string_value(one), signal))
			return true;
	return false;
}

static void read_stage(struct graph *g, const json_t *model, const char *name, struct part *p)
{
	const json_t *segment;

	p->kind = PART_STAGE;
	p->name = name;
	p->model = model;
	p->plan = graph_find(json_object_get(g->plan, "stages"), "name", name);
	p->state = graph_find(json_object_get(g->status, "stages"), "name", name);
	segment = json_object_get(p->plan, "segment");
	p->segment = segment ? json_integer_value(segment) : -1;
	p->passed_by = !p->plan || has_signal(p->state, "pause") ||
		       has_signal(p->state, "shutdown");
}

/* "new, 10 %": what a rollout that is under way gives a version. */
static const char *share_words(struct graph *g, const char *version, bool is_new)
{
	const json_t *wanted = json_object_get(g->rollout, "wanted");
	double percent = json_number_value(wanted);

	if (!wanted)
		return version;
	return graph_keep(g, text_fmt("%s, %g\u00a0%%", version, is_new ? percent : 100 - percent));
}

/* Both versions are stages of the plan, the new one as "guard@new". */
static bool read_rollout(struct graph *g, const json_t *model, struct part *p)
{
	const char *name = member(model, "name"), *fresh;
	const json_t *candidate = json_object_get(model, "rollout");
	struct branch *old, *new;

	if (!candidate)
		return false;
	fresh = graph_keep(g, text_fmt("%s@new", name));
	if (!graph_find(json_object_get(g->plan, "stages"), "name", fresh))
		return false;
	p->kind = PART_ROLLOUT;
	p->name = name;
	p->model = model;
	graph_must(array_push(&p->branches));
	graph_must(array_push(&p->branches));
	old = &p->branches.v[0];
	new = &p->branches.v[1];
	old->when = share_words(g, "old", false);
	new->when = share_words(g, "new", true);
	read_stage(g, model, name, graph_must(array_push(&old->parts)));
	read_stage(g, model, fresh, graph_must(array_push(&new->parts)));
	return true;
}

static void read_steps(struct graph *g, const json_t *steps, struct branch *b);

/* The numbers of a case, for want of better words. */
static const char *case_numbers(struct graph *g, const json_t *values)
{
	struct buf b = {};
	json_t *v;
	size_t i;

	json_array_foreach (values, i, v)
		buf_fmt(&b, "%s%lld", i ? ", " : "", (long long)json_integer_value(v));
	return graph_keep(g, buf_take(&b));
}

/* "6 (tcp), 17 (udp)": tcp, udp. */
static const char *in_words(struct graph *g, const char *text)
{
	struct buf b = {};

	for (; *text; text += strspn(text, ", ")) {
		size_t n = strcspn(text, ","), open = strcspn(text, "(");

		if (open < n && text[n - 1] == ')')
			buf_fmt(&b, "%s%.*s", b.n ? ", " : "", (int)(n - open - 2),
				text + open + 1);
		else
			buf_fmt(&b, "%s%.*s", b.n ? ", " : "", (int)n, text);
		text += n;
	}
	return graph_keep(g, buf_take(&b));
}

/* In the words of the plan, if it has some for the case. */
static const char *case_words(struct graph *g, const json_t *choice, const json_t *values,
			      size_t number)
{
	const json_t *known = graph_find(json_object_get(g->plan, "choices"), "name",
					 member(choice, "name"));
	const char *text =
		json_string_value(json_array_get(json_object_get(known, "cases"), number));

	return text ? in_words(g, text) : case_numbers(g, values);
}

static void read_choice(struct graph *g, const json_t *model, struct part *p)
{
	const json_t *cases = json_object_get(model, "cases"), *one;
	struct branch *b;
	size_t i;

	p->kind = PART_CHOICE;
	p->name = member(model, "name");
	p->model = model;
	json_array_foreach (cases, i, one) {
		const char *when = case_words(g, model, json_object_get(one, "when"), i);

		b = graph_must(array_push(&p->branches));
		b->when = when;
		read_steps(g, json_object_get(one, "stages"), b);
	}
	b = graph_must(array_push(&p->branches));
	b->when = "default";
	read_steps(g, json_object_get(model, "default"), b);
}

static void read_steps(struct graph *g, const json_t *steps, struct branch *b)
{
	const json_t *step;
	size_t i;

	json_array_foreach (steps, i, step) {
		struct part *p = graph_must(array_push(&b->parts));

		if (json_object_get(step, "switch")) {
			read_choice(g, step, p);
			if (i && text_eq(member(step, "switch"), "result"))
				b->parts.v[i - 1].classifies = true;
		} else if (!read_rollout(g, step, p)) {
			read_stage(g, step, member(step, "name"), p);
		}
	}
}

/* The one program that has all stages of @b; -1: there are several, or no stages. */
static int segment_of(const struct branch *b, int seen)
{
	array_foreach (p, &b->parts) {
		int own = p->segment;

		if (p->kind == PART_STAGE && !p->plan)
			continue;
		if (own < 0 || (seen != -2 && seen != own))
			return -1;
		seen = own;
	}
	return seen;
}

/* A part that is not one stage is of a program, if all that is in it is. */
static void join_segments(struct branch *b)
{
	array_foreach (p, &b->parts) {
		int seen = -2;

		if (p->kind == PART_STAGE)
			continue;
		array_foreach (inner, &p->branches) {
			join_segments(inner);
			if (seen != -1)
				seen = segment_of(inner, seen);
		}
		p->segment = seen < 0 ? -1 : seen;
	}
	for (size_t i = 0; i < b->parts.n; i++) { /* what does not run stands beside what does */
		struct part *p = &b->parts.v[i];

		if (p->kind == PART_STAGE && !p->plan && i)
			p->segment = b->parts.v[i - 1].segment;
		else if (p->kind == PART_STAGE && !p->plan && b->parts.n > 1)
			p->segment = b->parts.v[1].segment;
	}
}

static void mark_last(struct branch *b)
{
	size_t i = b->parts.n;

	while (i && b->parts.v[i - 1].kind == PART_STAGE && !b->parts.v[i - 1].plan)
		i--;
	if (!i)
		return;
	b->parts.v[i - 1].last = true;
	array_foreach (inner, &b->parts.v[i - 1].branches)
		mark_last(inner);
}

/* What nobody has counted: one way out for all verdicts that end the chain here. */
static void add_unknown(struct part *p, void *ctx)
{
	const struct graph *g = ctx;
	struct leave *l;

	if (p->kind != PART_STAGE || !p->plan || p->classifies ||
	    (p->last && text_eq(g->final, "last")))
		return;
	l = graph_must(array_push(&p->leaves));
	l->verdict = "";
}

static void count_nothing(struct graph *g)
{
	struct leave *end = graph_must(array_push(&g->ends));
	bool last = text_eq(g->final, "last");

	end->verdict = last ? "the last stage's verdict" : g->final;
	end->drop = is_drop(end->verdict);
	graph_each(&g->root, add_unknown, g);
}

void graph_read(struct graph *g)
{
	g->name = member(g->plan, "pipeline");
	g->hook = member(g->plan, "hook");
	g->strategy = member(g->plan, "strategy");
	g->final = member(g->plan, "final");
	read_steps(g, json_object_get(g->model, "stages"), &g->root);
	join_segments(&g->root);
	mark_last(&g->root);
	if (g->counters)
		graph_count(g);
	else
		count_nothing(g);
}

static void branch_done(struct branch *b)
{
	array_foreach (p, &b->parts) {
		array_foreach (inner, &p->branches)
			branch_done(inner);
		array_done(&p->branches);
		array_done(&p->leaves);
	}
	array_done(&b->parts);
}

void graph_done(struct graph *g)
{
	branch_done(&g->root);
	array_foreach (text, &g->kept)
		free(*text);
	array_done(&g->kept);
	array_done(&g->totals);
	array_done(&g->ends);
	array_done(&g->boxes);
	array_done(&g->columns);
	json_decref(g->model);
	json_decref(g->plan);
	json_decref(g->status);
	json_decref(g->rollout);
	json_decref(g->counters);
}
