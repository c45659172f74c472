/* SPDX-License-Identifier: GPL-2.0-only */
/* A graph in graphviz's language. */
#include <string.h>

#include "cli/graph.h"

struct dot {
	struct graph *g;
	struct buf *b;
	int segment; /* whose stages are written; -1: those of none */
};

static void attribute(struct buf *b, const char *name, const char *text)
{
	buf_fmt(b, ", %s=", name);
	quoted_text(b, text);
}

static void put_line(void *ctx, const char *name, const char *value)
{
	buf_fmt(ctx, "%s: %s\n", name, value);
}

static void node(struct part *p, void *ctx)
{
	struct dot *d = ctx;
	struct buf facts = {};
	_cleanup_free_ char *label = NULL, *proceed = NULL;

	if (p->kind != PART_STAGE || (p->plan ? p->segment : -1) != d->segment)
		return;
	proceed = list_text(json_object_get(p->plan, "proceed-on"));
	label = p->plan ? text_fmt("%s\n%s(), %s\non %s", p->name, member(p->plan, "program"),
				   member(p->plan, "placed"), *proceed ? proceed : "no verdict")
			: text_fmt("%s\ndisabled", p->name);
	graph_facts(d->g, p, put_line, &facts);
	buf_str(d->b, "    ");
	quoted_text(d->b, p->name);
	buf_str(d->b, " [shape=box");
	attribute(d->b, "label", graph_must(label));
	attribute(d->b, "tooltip", facts.v ?: "");
	if (text_eq(member(p->plan, "placed"), "called"))
		buf_str(d->b, ", peripheries=2");
	if (!p->plan || p->passed_by)
		buf_str(d->b, ", style=\"rounded,dashed,filled\", fillcolor=\"#eceff2\"");
	buf_str(d->b, "];\n");
	buf_done(&facts);
}

/* The stages of each program in a frame, if there are several. */
static void nodes(struct dot *d)
{
	const json_t *list = json_object_get(d->g->plan, "segments");
	const json_t *components = json_object_get(d->g->plan, "components");
	const json_t *s;
	size_t i;

	json_array_foreach (list, i, s) {
		const json_t *c = json_array_get(components, i);
		_cleanup_free_ char *label =
			c ? text_fmt("component %s, priority %lld", member(s, "program"),
				     number(c, "priority"))
			  : text_fmt("program %s, %lld instructions", member(s, "program"),
				     number(s, "instructions"));

		if (!json_array_size(json_object_get(s, "stages")))
			continue;
		buf_fmt(d->b, "  subgraph cluster_%zu {\n    label=", i);
		quoted_text(d->b, graph_must(label));
		buf_str(d->b, "; style=rounded; color=\"#7b8a9a\";\n");
		d->segment = i;
		graph_each(&d->g->root, node, d);
		buf_str(d->b, "  }\n");
	}
	d->segment = -1;
	graph_each(&d->g->root, node, d);
}

/* Where a line comes from, and what will stand beside it. */
struct from {
	const char *node, *when;
	int segment;
};

static void edge(struct dot *d, const struct from *from, const char *to, const char *port,
		 const struct flow *f, const char *more)
{
	_cleanup_free_ char *flow = graph_label(d->g, f);
	_cleanup_free_ char *label = text_fmt("%s%s%s", from->when ?: "",
					      from->when && *flow ? "\n" : "", flow);

	buf_str(d->b, "  ");
	quoted_text(d->b, from->node);
	buf_str(d->b, " -> ");
	quoted_text(d->b, to);
	buf_fmt(d->b, " [penwidth=%.1f%s%s", 1 + 7 * graph_share(d->g, f), port, more);
	attribute(d->b, "label", graph_must(label));
	buf_str(d->b, "];\n");
}

static void leave(struct dot *d, const struct from *from, const struct leave *l)
{
	const char *name = graph_keep(d->g, text_fmt("%s!%s", from->node, l->verdict));

	buf_str(d->b, "  ");
	quoted_text(d->b, name);
	buf_str(d->b, l->drop ? " [shape=box, style=\"rounded,filled\", fillcolor=\"#b33a0e\", "
				"fontcolor=white"
			      : " [shape=box, style=rounded");
	attribute(d->b, "label", *l->verdict ? l->verdict : "any other verdict");
	buf_str(d->b, "];\n");
	edge(d, from, name, "", &l->flow, l->drop ? ", color=\"#b33a0e\"" : "");
}

static void list(struct dot *d, const struct branch *b, struct from *from);

static void stage(struct dot *d, const struct part *p, struct from *from)
{
	bool crosses = from->segment >= 0 && p->plan && from->segment != p->segment;
	bool dispatched = text_eq(d->g->strategy, "dispatcher");

	if (!p->plan) { /* beside the way */
		struct flow none = {};

		edge(d, from, p->name, "", &none, ", style=dotted, arrowhead=none");
		return;
	}
	edge(d, from, p->name, "", &p->in,
	     !crosses     ? ""
	     : dispatched ? ", style=dotted"
			  : ", style=dashed");
	*from = (struct from){p->name, NULL, p->segment};
	array_foreach (l, &p->leaves)
		leave(d, from, l);
}

static void choice(struct dot *d, const struct part *p, struct from *from)
{
	_cleanup_free_ char *label = header_text(p);
	const char *name = graph_keep(d->g, text_fmt("%s?", p->name));
	const char *join = graph_keep(d->g, text_fmt("%s.", p->name));
	int segment = from->segment;

	buf_str(d->b, "  ");
	quoted_text(d->b, name);
	buf_str(d->b, " [shape=hexagon");
	attribute(d->b, "label", label);
	buf_str(d->b, "];\n  ");
	quoted_text(d->b, join);
	buf_str(d->b, " [shape=point];\n");
	edge(d, from, name, "", &p->in, "");
	array_foreach (b, &p->branches) {
		struct from own = {name, b->when, segment};

		list(d, b, &own);
		edge(d, &own, join, "", &b->out, ", arrowhead=none");
		from->segment = own.segment;
	}
	from->node = join;
	from->when = NULL;
}

static void list(struct dot *d, const struct branch *b, struct from *from)
{
	array_foreach (p, &b->parts)
		if (p->kind == PART_STAGE)
			stage(d, p, from);
		else
			choice(d, p, from);
}

void graph_dot(struct graph *g, struct buf *b)
{
	struct dot d = {.g = g, .b = b};
	struct from from = {.node = "-", .segment = -1};
	_cleanup_free_ char *interfaces = entry_text(g);
	_cleanup_free_ char *label = graph_must(text_fmt("%s\n%s", interfaces, g->hook));
	_cleanup_free_ char *caption =
		graph_must(text_fmt("%s: %s\n%s", g->name, g->strategy, g->numbers));

	buf_str(b, "digraph ");
	quoted_text(b, g->name);
	buf_str(b, " {\n  labelloc=t; label=");
	quoted_text(b, caption);
	buf_str(b, ";\n  fontname=Helvetica; node [fontname=Helvetica, fontsize=11, "
		   "style=rounded]; edge [fontname=Helvetica, fontsize=10];\n  \"-\" [shape=box");
	attribute(b, "label", label);
	buf_str(b, "];\n");
	nodes(&d);
	if (g->closed.verdict)
		leave(&d, &from, &g->closed);
	list(&d, &g->root, &from);
	array_foreach (end, &g->ends)
		leave(&d, &from, end);
	buf_str(b, "}\n");
}
