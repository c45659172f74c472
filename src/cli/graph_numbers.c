/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters, brought to where in the tree of a graph they are seen. */
#include <string.h>

#include "cli/graph.h"
#include "cli/names.h"

json_t *counters_of(const json_t *status, const char *pipeline, const char *home)
{
	const json_t *list = json_object_get(status, "pipelines");
	json_t *one, *counters;
	size_t i;

	json_array_foreach (list, i, one) {
		if (!text_eq(member(one, "pipeline"), pipeline) ||
		    (home && !text_eq(member(one, "home"), home)))
			continue;
		counters = json_object_get(one, "counters");
		return counters ? json_incref(counters) : NULL;
	}
	return NULL;
}

/* @new less @old, by @seconds, of all numbers of packets and bytes in it. */
static json_t *less(const json_t *old, const json_t *new, double seconds, const char *key);

static json_t *less_object(const json_t *old, const json_t *new, double seconds)
{
	json_t *j = graph_must(json_object()), *value;
	const char *key;

	json_object_foreach ((json_t *)new, key, value)
		json_object_set_new(j, key, less(json_object_get(old, key), value, seconds, key));
	return j;
}

/* Elements are the same by their names: stages; ways from one to another. */
static const json_t *same_element(const json_t *list, const json_t *element)
{
	static const char *const keys[] = {"stage", "from", "to", "case"};
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		bool same = true;

		for (int k = 0; k < 4; k++)
			same = same && text_eq(member(one, keys[k]), member(element, keys[k]));
		if (same)
			return one;
	}
	return NULL;
}

static json_t *less_array(const json_t *old, const json_t *new, double seconds)
{
	json_t *j = graph_must(json_array()), *one;
	size_t i;

	json_array_foreach (new, i, one)
		json_array_append_new(j, less(same_element(old, one), one, seconds, ""));
	return j;
}

static json_t *less(const json_t *old, const json_t *new, double seconds, const char *key)
{
	bool counts = text_eq(key, "packets") || text_eq(key, "bytes") || text_eq(key, "lost");

	if (json_is_object(new))
		return less_object(old, new, seconds);
	if (json_is_array(new))
		return less_array(old, new, seconds);
	if (!counts)
		return json_deep_copy(new);
	return json_real((json_number_value(new) - json_number_value(old)) / seconds);
}

json_t *counters_between(const json_t *old, const json_t *new, double seconds)
{
	if (!text_eq(member(old, "pipeline"), member(new, "pipeline")) || seconds <= 0 ||
	    number(old, "since") != number(new, "since"))
		return NULL;
	return less(old, new, seconds, "");
}

static struct flow read_flow(const json_t *j)
{
	return (struct flow){
		.packets = json_number_value(json_object_get(j, "packets")),
		.bytes = json_number_value(json_object_get(j, "bytes")),
		.known = json_is_number(json_object_get(j, "packets")),
	};
}

static struct flow sum(struct flow a, struct flow b)
{
	return (struct flow){a.packets + b.packets, a.bytes + b.bytes, a.known && b.known};
}

static struct flow rest(struct flow a, struct flow b)
{
	return (struct flow){a.packets - b.packets, a.bytes - b.bytes, a.known && b.known};
}

static bool is_in(const json_t *list, const char *text)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (text_eq(json_string_value(one), text))
			return true;
	return false;
}

static int by_packets(const void *a, const void *b)
{
	double x = ((const struct leave *)a)->flow.packets,
	       y = ((const struct leave *)b)->flow.packets;

	return x < y ? 1 : x > y ? -1 : 0;
}

#define sort_leaves(list)                                                                          \
	do {                                                                                       \
		if ((list)->n)                                                                     \
			qsort((list)->v, (list)->n, sizeof(*(list)->v), by_packets);               \
	} while (0)

/* Behind the last stage, what it lets pass goes to the end of the picture, not aside. */
static bool goes_aside(const struct part *p, const char *verdict, const json_t *count)
{
	if (!json_is_true(json_object_get(count, "leaves")))
		return false;
	return !p->last || !is_in(json_object_get(p->plan, "proceed-on"), verdict);
}

static void count_verdicts(struct part *p)
{
	const char *verdict;
	json_t *count;

	json_object_foreach ((json_t *)p->verdicts, verdict, count) {
		struct flow f = read_flow(count);

		if (f.packets <= 0 || !goes_aside(p, verdict, count))
			continue;
		*(struct leave *)graph_must(array_push(&p->leaves)) =
			(struct leave){.verdict = verdict, .flow = f, .drop = is_drop(verdict)};
		p->out = rest(p->out, f);
	}
	sort_leaves(&p->leaves);
}

/* Packets whose tail call to the next stage failed end here, whatever the stage returned. */
static void count_lost(const struct graph *g, struct part *p)
{
	const char *verdict = text_eq(g->hook, "xdp") ? "aborted" : "shot";

	*(struct leave *)graph_must(array_push(&p->leaves)) =
		(struct leave){.verdict = verdict, .flow = p->lost, .drop = true};
	p->out = rest(p->out, p->lost);
}

static void count_branch(struct graph *g, struct branch *b, struct flow in);

static void count_stage(struct graph *g, struct part *p)
{
	const json_t *list = json_object_get(g->counters, "stages");
	const json_t *count = graph_find(list, "stage", p->name);

	p->out = p->in;
	if (!p->plan || !count)
		return;
	p->bypassed = read_flow(json_object_get(count, "bypassed"));
	p->in = read_flow(count);
	if (p->bypassed.known)
		p->in = sum(p->in, p->bypassed);
	p->lost.packets = json_number_value(json_object_get(count, "lost"));
	p->lost.known = p->lost.packets > 0;
	p->verdicts = json_object_get(count, "verdicts");
	p->out = p->in;
	count_verdicts(p);
	if (p->lost.packets > 0)
		count_lost(g, p);
}

/* What enters the first stage that runs in @b. */
static struct flow flow_into(const struct graph *g, const struct branch *b)
{
	array_foreach (p, &b->parts) {
		struct flow f = {.known = true};

		if (p->kind == PART_STAGE && p->plan) {
			const json_t *count = graph_find(json_object_get(g->counters, "stages"),
							 "stage", p->name);
			struct flow past = read_flow(json_object_get(count, "bypassed"));

			past.known = true;
			return sum(read_flow(count), past);
		}
		array_foreach (inner, &p->branches)
			f = sum(f, flow_into(g, inner));
		if (p->branches.n && f.known)
			return f;
	}
	return (struct flow){};
}

/* Of branches without stages only one can be told by what the others took. */
static void count_branches(struct graph *g, struct part *p)
{
	struct flow left = p->in, out = {.known = true};
	struct branch *empty = NULL;
	size_t unknown = 0;

	array_foreach (b, &p->branches) {
		struct flow f = flow_into(g, b);

		if (f.known) {
			count_branch(g, b, f);
			left = rest(left, f);
		} else {
			empty = b;
			unknown++;
		}
	}
	if (unknown == 1 && left.known)
		count_branch(g, empty, left);
	array_foreach (b, &p->branches)
		if (unknown < 2 || b->out.known)
			out = sum(out, b->out);
	if (unknown > 1 && left.known)
		out = sum(out, left);
	p->out = out;
}

static void count_branch(struct graph *g, struct branch *b, struct flow in)
{
	b->in = in;
	array_foreach (p, &b->parts) {
		p->in = in;
		if (p->kind == PART_STAGE)
			count_stage(g, p);
		else
			count_branches(g, p);
		in = p->out;
	}
	b->out = in;
}

static void count_totals(struct graph *g)
{
	const json_t *left = json_object_get(g->counters, "left");
	const char *verdict;
	json_t *count;

	json_object_foreach ((json_t *)left, verdict, count) {
		struct leave l = {
			.verdict = verdict, .flow = read_flow(count), .drop = is_drop(verdict)};

		if (l.flow.packets > 0)
			*(struct leave *)graph_must(array_push(&g->totals)) = l;
	}
	sort_leaves(&g->totals);
}

/* Of which verdict how many packets have left aside. */
struct aside {
	const char *verdict, *accepted;
	struct flow flow;
};

/* With what packets leave that a stage lets go by braid_accept(), or that a pause lets by. */
static const char *plain_verdict(const struct graph *g)
{
	return text_eq(g->hook, "xdp") ? "pass" : "unspec";
}

static void add_aside(struct part *p, void *ctx)
{
	struct aside *a = ctx;

	array_foreach (l, &p->leaves)
		if (text_eq(text_eq(l->verdict, "accept") ? a->accepted : l->verdict, a->verdict))
			a->flow = sum(a->flow, l->flow);
}

/* What never came to a stage, as the pipeline was closed. */
static void count_closed(struct graph *g)
{
	const char *verdict = member(g->status, "verdict");
	struct flow closed = rest(g->entered, flow_into(g, &g->root));

	if (!closed.known || closed.packets <= 0)
		return;
	g->closed.flow = closed;
	g->closed.verdict = *verdict ? verdict : plain_verdict(g);
	g->closed.drop = is_drop(g->closed.verdict);
}

/* What left in all, less what left aside. */
static void count_ends(struct graph *g)
{
	array_foreach (total, &g->totals) {
		struct aside a = {.verdict = total->verdict,
				  .accepted = plain_verdict(g),
				  .flow = {.known = true}};
		struct leave end = *total;

		graph_each(&g->root, add_aside, &a);
		if (text_eq(g->closed.verdict, total->verdict))
			a.flow = sum(a.flow, g->closed.flow);
		end.flow = rest(total->flow, a.flow);
		if (end.flow.packets > 1e-9 * g->entered.packets)
			*(struct leave *)graph_must(array_push(&g->ends)) = end;
	}
	sort_leaves(&g->ends);
}

void graph_count(struct graph *g)
{
	g->entered = read_flow(json_object_get(g->counters, "entered"));
	count_closed(g);
	count_branch(g, &g->root,
		     g->closed.verdict ? rest(g->entered, g->closed.flow) : g->entered);
	count_totals(g);
	count_ends(g);
}
