/* SPDX-License-Identifier: GPL-2.0-only */
/* The picture of a graph as SVG. */
#include <string.h>

#include "cli/graph.h"

/* Of two words, the second only if it is there. */
static void text_at(struct buf *b, const char *class, double x, double y, const char *text)
{
	buf_fmt(b, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
	xml_text(b, text);
	buf_str(b, "</text>");
}

/* A line that fits, with the whole of it for the pointer. */
static void text_in(struct buf *b, const char *class, double x, double y, double room,
		    const char *text)
{
	_cleanup_free_ char *fit = text_fit(text, TEXT, strstr(class, "b") != NULL, room);

	buf_str(b, "<g>");
	if (!text_eq(fit, text)) {
		buf_str(b, "<title>");
		xml_text(b, text);
		buf_str(b, "</title>");
	}
	text_at(b, class, x, y, fit);
	buf_str(b, "</g>\n");
}

/* A cross where packets end, an arrow where they go on elsewhere. */
static void glyph(const struct leave *l, double x, double y, struct buf *b)
{
	if (l->drop)
		buf_fmt(b, "<path class=\"glyph dropglyph\" d=\"M%.1f %.1fl8 8m0 -8l-8 8\"/>", x,
			y + 8);
	else
		buf_fmt(b, "<path class=\"glyph\" d=\"M%.1f %.1fh9m-4 -4l4 4l-4 4\"/>", x, y + 12);
}

/* A pill: where packets leave. */
static void graph_leave(const struct graph *g, const struct leave *l, struct buf *b)
{
	_cleanup_free_ char *text = leave_text(g, l);

	buf_fmt(b, "<g class=\"leave\" data-verdict=\"");
	xml_text(b, l->verdict);
	buf_str(b, "\">");
	if (l->flow.known)
		buf_fmt(b, "<title>%.0f packets, %.0f bytes%s</title>", l->flow.packets,
			l->flow.bytes, g->per_second ? " per second" : "");
	buf_fmt(b,
		"<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"%d\"/>",
		l->drop ? "drop" : "out", l->x, l->y, l->w, LEAVE_H, LEAVE_H / 2);
	glyph(l, l->x + 11, l->y, b);
	buf_fmt(b, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", l->drop ? "c dropt" : "c t",
		l->x + (l->w + 18) / 2, l->y + 16.5);
	if (*l->verdict) {
		buf_str(b, "<tspan class=\"b\">");
		xml_text(b, l->verdict);
		buf_str(b, *text ? "</tspan>  " : "</tspan>");
	}
	xml_text(b, text);
	buf_str(b, "</text>");
	buf_str(b, "</g>\n");
}

static void boxes(const struct graph *g, bool outer, struct buf *b)
{
	array_foreach (box, &g->boxes) {
		if (box->outer != outer)
			continue;
		buf_str(b, "<g class=\"program\"><title>");
		xml_text(b, box->hint);
		buf_fmt(b,
			"</title><rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			"height=\"%.1f\" rx=\"10\"/></g>\n",
			outer ? "outer" : "box", box->x, box->y, box->w, box->h);
	}
}

/* Above the lines, beside the one that enters. */
static void box_names(const struct graph *g, struct buf *b)
{
	array_foreach (box, &g->boxes) {
		double left = box->mid - box->x - 24, right = box->x + box->w - box->mid - 24;
		const char *name = strrchr(box->title, ' ');
		bool whole = text_width(box->title, TEXT, true) <= left || box->outer || !name;

		text_in(b, "m b", box->x + 14, box->y + 21, left, whole ? box->title : name + 1);
		text_in(b, "m r", box->x + box->w - 14, box->y + 21, right, box->note);
	}
}

static void header(struct graph *g, const struct part *p, struct buf *b)
{
	_cleanup_free_ char *text = header_text(p);
	double w = text_width(text, TEXT, true) + 36, x = p->x - w / 2;
	const char *share = p->kind == PART_ROLLOUT ? "rollout" : "choice";

	buf_fmt(b,
		"<g class=\"%s\"><path class=\"tag\" d=\"M%.1f %.1fl12 -%dh%.1fl12 %dl-12 "
		"%dh-%.1fz\"/>",
		share, x, p->y + HEADER_H / 2, HEADER_H / 2, w - 24, HEADER_H / 2, HEADER_H / 2,
		w - 24);
	text_at(b, "b t c", p->x, p->y + 21.5, text);
	buf_str(b, "</g>\n");
	array_foreach (br, &p->branches) {
		double tag = tag_width(p, br), y = p->y + HEADER_H + BUS;
		_cleanup_free_ char *fit = text_fit(br->when, TEXT, true, tag - 16);

		buf_str(b, "<g class=\"case\"><title>");
		xml_text(b, br->when);
		buf_fmt(b,
			"</title><rect class=\"tag\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			"height=\"%d\" rx=\"5\"/>",
			br->x - tag / 2, y, tag, TAG_H);
		text_at(b, "t c", br->x, y + 15.5, fit);
		buf_str(b, "</g>\n");
	}
}

static void parts(struct graph *g, const struct branch *branch, bool links, struct buf *b)
{
	array_foreach (p, &branch->parts) {
		if (p->kind == PART_STAGE)
			graph_card(g, p, links, b);
		else
			header(g, p, b);
		array_foreach (l, &p->leaves)
			graph_leave(g, l, b);
		array_foreach (inner, &p->branches)
			parts(g, inner, links, b);
	}
}

/* "eth0, eth1 (detached), 3 more" */
char *entry_text(const struct graph *g)
{
	const json_t *list = json_object_get(g->status ?: g->model, "interfaces");
	const char *home = member(g->status, "home");
	struct buf b = {};
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		const char *name = json_string_value(one) ?: member(one, "name");
		const char *netns = member(one, "netns"), *state = member(one, "state");
		bool plain = !*netns || text_eq(netns, home);

		buf_fmt(&b, "%s%s%s%s", i ? ", " : "", name, plain ? "" : " in ",
			plain ? "" : netns);
		if (*state && !text_eq(state, "attached"))
			buf_fmt(&b, " (%s)", state);
	}
	if (!b.n)
		buf_str(&b, "no interface");
	return graph_must(buf_take(&b));
}

static void entry(const struct graph *g, struct buf *b)
{
	const struct column *c = g->columns.v;
	_cleanup_free_ char *text = entry_text(g);
	_cleanup_free_ char *fit = text_fit(text, TEXT, true, CARD_W - 28);
	const char *state = member(g->status, "state"), *mode = member(g->plan, "mode");
	_cleanup_free_ char *how =
		graph_must(text_fmt("%s%s%s%s%s", g->hook, *mode ? ", " : "", mode,
				    *state && !text_eq(state, "running") ? ", " : "",
				    text_eq(state, "running") ? "" : state));
	double y = c->top - ENTRY_H;

	buf_str(b, "<g class=\"entry\"><title>");
	xml_text(b, text);
	buf_fmt(b,
		"</title><rect class=\"tag\" x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" "
		"rx=\"24\"/>",
		c->x - CARD_W / 2.0, y, CARD_W, ENTRY_H);
	text_at(b, "b t c", c->x, y + 21, fit);
	text_at(b, "m c", c->x, y + 38, how);
	buf_str(b, "</g>\n");
}

/* Of all packets what share left with which verdict. */
static void totals(struct graph *g, struct buf *b)
{
	double x = MARGIN, room = TOTALS_W;

	array_foreach (t, &g->totals) {
		double w = room * graph_share(g, &t->flow);

		buf_fmt(b, "<rect class=\"%s\" x=\"%.1f\" y=\"92\" width=\"%.1f\" height=\"12\"/>",
			t->drop ? "drop" : "bulk", x, w);
		if (t->drop)
			buf_fmt(b,
				"<rect fill=\"url(#hatch)\" x=\"%.1f\" y=\"92\" width=\"%.1f\" "
				"height=\"12\"/>",
				x, w);
		x += w;
	}
	array_foreach (t, &g->totals)
		graph_leave(g, t, b);
	buf_str(b, "\n");
}

static void title(struct graph *g, struct buf *b)
{
	const char *why = member(g->plan, "why"), *mode = member(g->plan, "mode");
	_cleanup_free_ char *how = graph_must(text_fmt("%s%s%s · %s%s%s", g->hook, *mode ? " " : "",
						       mode, g->strategy, *why ? ": " : "", why));
	double room = g->width - 2 * MARGIN;

	text_at(b, "title", MARGIN, 40, g->name);
	text_in(b, "t", MARGIN, 62, room, how);
	text_in(b, "m", MARGIN, 80, room, g->numbers);
	if (g->totals.n)
		totals(g, b);
}

/* Only what is in this picture. */
struct seen {
	bool called, disabled, new_one, drop, tail, past;
};

static void see(struct part *p, void *ctx)
{
	struct seen *s = ctx;

	s->called = s->called || text_eq(member(p->plan, "placed"), "called");
	s->disabled = s->disabled || (p->kind == PART_STAGE && !p->plan);
	s->past = s->past || p->passed_by || p->bypassed.packets > 0;
	s->new_one = s->new_one || strchr(p->name, '@');
}

static double sample(struct buf *b, const char *shape, double x, double y, const char *text)
{
	buf_fmt(b, "<g transform=\"translate(%.1f %.1f)\">%s</g>", x, y, shape);
	text_at(b, "m", x + 38, y + 4, text);
	return x + 38 + text_width(text, TEXT, false) + 24;
}

static void legend(struct graph *g, struct buf *b)
{
	double x = MARGIN, y = g->height - 30;
	bool several = json_array_size(json_object_get(g->plan, "segments")) > 1;
	bool dispatched = text_eq(g->strategy, "dispatcher");
	struct seen s = {};

	graph_each(&g->root, see, &s);
	x = sample(b, "<path class=\"edge\" stroke-width=\"3\" d=\"M0 0h28\"/>", x, y,
		   "falls through");
	if (several && !dispatched)
		x = sample(b, "<path class=\"edge tail\" stroke-width=\"3\" d=\"M0 0h28\"/>", x, y,
			   "tail call");
	if (several && dispatched)
		x = sample(b, "<path class=\"edge comp\" stroke-width=\"3\" d=\"M0 0h28\"/>", x, y,
			   "by the dispatcher");
	if (s.called)
		x = sample(b,
			   "<rect class=\"card\" y=\"-8\" width=\"28\" height=\"16\" rx=\"3\"/>"
			   "<path class=\"bar\" d=\"M5 -8v16M23 -8v16\"/>",
			   x, y, "called");
	if (s.new_one)
		x = sample(
			b,
			"<rect class=\"card new\" y=\"-8\" width=\"28\" height=\"16\" rx=\"3\"/>",
			x, y, "new version");
	if (s.disabled || s.past)
		x = sample(
			b,
			"<rect class=\"card off\" y=\"-8\" width=\"28\" height=\"16\" rx=\"3\"/>",
			x, y, "packets go past it");
	if (g->totals.n)
		sample(b, "<path class=\"edge\" stroke-width=\"8\" d=\"M0 0h28\"/>", x, y,
		       "width: share of packets");
}

void graph_svg(struct graph *g, bool links, struct buf *b)
{
	buf_fmt(b,
		"<svg class=\"g\" xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
		"height=\"%.0f\" "
		"viewBox=\"0 0 %.0f %.0f\" role=\"%s\" aria-label=\"pipeline ",
		g->width, g->height, g->width, g->height, links ? "group" : "img");
	xml_text(b, g->name);
	buf_str(b, "\">\n");
	if (!links) {
		buf_str(b, "<style>");
		graph_style(false, b);
		buf_str(b, "</style>\n");
	}
	buf_str(b, "<defs><pattern id=\"hatch\" width=\"7\" height=\"7\" "
		   "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
		   "<path class=\"hatch\" d=\"M0 0v7\"/></pattern></defs>\n");
	buf_fmt(b, "<rect class=\"page\" width=\"%.0f\" height=\"%.0f\"/>\n", g->width, g->height);
	boxes(g, true, b);
	boxes(g, false, b);
	graph_lines(g, b);
	title(g, b);
	box_names(g, b);
	entry(g, b);
	parts(g, &g->root, links, b);
	if (g->closed.verdict)
		graph_leave(g, &g->closed, b);
	array_foreach (end, &g->ends)
		graph_leave(g, end, b);
	legend(g, b);
	buf_str(b, "</svg>\n");
}
