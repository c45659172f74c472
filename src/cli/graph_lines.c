/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways of packets through a picture: as wide as their share, dashed where programs part. */
#include "cli/graph.h"

struct pen {
	struct graph *g;
	struct buf *b;
	int segment;   /* of the program that the line comes from; -1: none yet */
	bool crossing; /* several meet here, of which some come from other programs */
};

enum { THIN = 2, WIDE = 12, HEAD = 9 };

static double line_width(const struct graph *g, const struct flow *f)
{
	return THIN + (WIDE - THIN) * graph_share(g, f);
}

/* How control comes to a program from another one. */
static const char *crossing_class(const struct pen *pen, int segment)
{
	if (segment < 0 || (pen->segment < 0 && !pen->crossing))
		return "edge";
	if (segment == pen->segment && !pen->crossing)
		return "edge";
	return text_eq(pen->g->strategy, "dispatcher") ? "edge comp" : "edge tail";
}

static void arrow(struct pen *pen, double x, double y, double width)
{
	double half = width / 2 + 4;

	buf_fmt(pen->b, "<path class=\"head\" d=\"M%.1f %.1fh%.1fL%.1f %.1fz\"/>", x - half,
		y - HEAD, 2 * half, x, y);
}

/* Down, with a way to the side at @bend if the ends are not above each other. */
static void line(struct pen *pen, const char *class, double x0, double y0, double bend, double x1,
		 double y1, const struct flow *f)
{
	double r = x1 > x0 ? 8 : -8, gap = x1 > x0 ? x1 - x0 : x0 - x1;

	buf_fmt(pen->b, "<path class=\"%s\" stroke-width=\"%.1f\" d=\"M%.1f %.1f", class,
		line_width(pen->g, f), x0, y0);
	if (gap > 16)
		buf_fmt(pen->b, "V%.1fQ%.1f %.1f %.1f %.1fH%.1fQ%.1f %.1f %.1f %.1f", bend - 8, x0,
			bend, x0 + r, bend, x1 - r, x1, bend, x1, bend + 8);
	else if (gap > 0)
		buf_fmt(pen->b, "V%.1fH%.1f", bend, x1);
	buf_fmt(pen->b, "V%.1f\"/>\n", y1);
}

/* Beside the line. */
static void label(struct pen *pen, double x, double y, const struct flow *f)
{
	_cleanup_free_ char *text = graph_label(pen->g, f);

	if (!*text)
		return;
	buf_fmt(pen->b,
		"<text class=\"num\" x=\"%.1f\" y=\"%.1f\"><title>%.0f packets, %.0f "
		"bytes%s</title>",
		x + line_width(pen->g, f) / 2 + 8, y, f->packets, f->bytes,
		pen->g->per_second ? " per second" : "");
	xml_text(pen->b, text);
	buf_str(pen->b, "</text>\n");
}

/* Around a stage, from the line above it to the line below. */
static void way_past(struct pen *pen, const struct part *p, const struct flow *f)
{
	double x = p->x, side = x - CARD_W / 2.0 - PAST + 8, y0 = p->y - BEND,
	       y1 = p->y + card_height(p) + BEND;

	buf_fmt(pen->b,
		"<path class=\"edge past\" stroke-width=\"%.1f\" d=\"M%.1f %.1fQ%.1f %.1f %.1f %.1f"
		"H%.1fQ%.1f %.1f %.1f %.1fV%.1fQ%.1f %.1f %.1f %.1fH%.1fQ%.1f %.1f %.1f %.1f\"/>\n",
		line_width(pen->g, f), x, y0 - 8, x, y0, x - 8, y0, side + 8, side, y0, side,
		y0 + 8, y1 - 8, side, y1, side + 8, y1, x - 8, x, y1, x, y1 + 8);
}

static void leaves(struct pen *pen, const struct part *p)
{
	array_foreach (l, &p->leaves) {
		double x = p->x + CARD_W / 2.0, y = l->y + LEAVE_H / 2.0;

		if (y > p->y + card_height(p) - 8) { /* below the card's side */
			buf_fmt(pen->b,
				"<path class=\"%s\" stroke-width=\"%.1f\" d=\"M%.1f "
				"%.1fh14V%.1fH%.1f\"/>\n",
				l->drop ? "dropline" : "edge", line_width(pen->g, &l->flow), x,
				p->y + card_height(p) - 10, y, l->x);
			continue;
		}
		buf_fmt(pen->b,
			"<path class=\"%s\" stroke-width=\"%.1f\" d=\"M%.1f %.1fH%.1f\"/>\n",
			l->drop ? "dropline" : "edge", line_width(pen->g, &l->flow), x, y, l->x);
	}
}

/* Return: where the line goes on. */
static double stage(struct pen *pen, const struct part *p, double y)
{
	const char *class = crossing_class(pen, p->plan ? p->segment : -1);
	double bottom = p->y + card_height(p);
	struct flow none = {};

	label(pen, p->x, p->y - p->above, &p->in);
	if (p->passed_by) {
		line(pen, class, p->x, y, 0, p->x, p->y - BEND - 8, &p->in);
		way_past(pen, p, p->in.known ? &p->in : &none);
		bottom += BEND + 8;
	} else {
		line(pen, class, p->x, y, 0, p->x, p->y - HEAD + 1, &p->in);
		arrow(pen, p->x, p->y, line_width(pen->g, &p->in));
	}
	if (!p->passed_by && p->bypassed.packets > 0)
		way_past(pen, p, &p->bypassed);
	leaves(pen, p);
	if (p->plan) {
		pen->segment = p->segment;
		pen->crossing = false;
	}
	return bottom;
}

static double list(struct pen *pen, const struct branch *b, double y);

/* From the choice through its branches to where they meet again. */
static void branches(struct pen *pen, const struct part *p)
{
	double fan = p->y + HEADER_H, top = fan + BUS, below = top + TAG_H;
	struct pen begin = *pen;
	bool differ = false;
	int seen = -2;

	array_foreach (b, &p->branches) {
		struct pen own = begin;
		double y;

		line(&own, "edge", p->x, fan, fan + BUS / 2.0, b->x, top, &b->in);
		y = list(&own, b, below);
		line(&own, "edge", b->x, y, below + b->h + BUS / 2.0, p->x, p->y + p->h, &b->out);
		differ = differ || (seen != -2 && seen != own.segment) || own.crossing;
		seen = own.segment;
	}
	pen->segment = seen;
	pen->crossing = differ;
}

static double choice(struct pen *pen, const struct part *p, double y)
{
	label(pen, p->x, p->y - p->above, &p->in);
	line(pen, "edge", p->x, y, 0, p->x, p->y - HEAD + 1, &p->in);
	arrow(pen, p->x, p->y, line_width(pen->g, &p->in));
	branches(pen, p);
	buf_fmt(pen->b, "<circle class=\"join\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>\n", p->x,
		p->y + p->h, line_width(pen->g, &p->out) / 2 + 2);
	return p->y + p->h;
}

static double one(struct pen *pen, const struct part *p, double y)
{
	return p->kind == PART_STAGE ? stage(pen, p, y) : choice(pen, p, y);
}

/* An empty branch has its number beside the line. */
static double list(struct pen *pen, const struct branch *b, double y)
{
	if (!b->parts.n)
		label(pen, b->x, y + gap_above(pen->g) / 2 + 3, &b->in);
	array_foreach (p, &b->parts)
		y = one(pen, p, y);
	return y;
}

/* From the end of a column to the beginning of the next one. Return: where it arrives. */
static double over(struct pen *pen, const struct column *c, double y)
{
	const struct column *next = c + 1;
	const struct part *p = &pen->g->root.parts.v[c->end - 1];
	double gutter = c->x + c->outer + COLUMN_GAP / 2.0;

	buf_fmt(pen->b,
		"<path class=\"edge\" stroke-width=\"%.1f\" d=\"M%.1f %.1fV%.1fQ%.1f %.1f %.1f "
		"%.1fH%.1fQ%.1f %.1f %.1f %.1fV%.1fQ%.1f %.1f %.1f %.1fH%.1fQ%.1f %.1f %.1f "
		"%.1f\"/>\n",
		line_width(pen->g, &p->out), c->x, y, c->bottom + 12, c->x, c->bottom + 20,
		c->x + 8, c->bottom + 20, gutter - 8, gutter, c->bottom + 20, gutter,
		c->bottom + 12, next->top - 12, gutter, next->top - 20, gutter + 8, next->top - 20,
		next->x - 8, next->x, next->top - 20, next->x, next->top - 12);
	return next->top - 12;
}

static void ends(struct pen *pen, const struct column *c, double y)
{
	array_foreach (end, &pen->g->ends) {
		double x = end->x + end->w / 2;

		line(pen, end->drop ? "dropline" : "edge", c->x, y, c->bottom + 14, x,
		     end->y - HEAD + 1, &end->flow);
		if (!end->drop)
			arrow(pen, x, end->y, line_width(pen->g, &end->flow));
	}
}

static void closed(struct pen *pen, const struct leave *l, const struct column *c)
{
	if (l->verdict)
		buf_fmt(pen->b,
			"<path class=\"%s\" stroke-width=\"%.1f\" d=\"M%.1f %.1fH%.1f\"/>\n",
			l->drop ? "dropline" : "edge", line_width(pen->g, &l->flow),
			c->x + CARD_W / 2.0, l->y + LEAVE_H / 2.0, l->x);
}

void graph_lines(struct graph *g, struct buf *b)
{
	struct pen pen = {g, b, -1, false};
	double y = g->columns.v->top;

	closed(&pen, &g->closed, g->columns.v);

	array_foreach (c, &g->columns) {
		bool is_last = c == g->columns.v + g->columns.n - 1;

		for (size_t i = c->first; i < c->end; i++)
			y = one(&pen, &g->root.parts.v[i], y);
		if (is_last)
			ends(&pen, c, y);
		else
			y = over(&pen, c, y);
	}
}
