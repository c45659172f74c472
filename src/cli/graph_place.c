/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where things stand. Pipelines are lists and ways through one of several lists, so this is
 * simple: first each list is arranged around its own middle line, from the inside out; then all
 * of it is moved to where it belongs, in columns, and boxes are drawn around what is one program.
 */
#include <string.h>

#include "cli/graph.h"

enum {
	BRANCH_GAP = 36,
	COLUMN_H = 1150,  /* from here on another column is better */
	COLUMNS_W = 2000, /* … unless there is no room for it */
};

static double max(double a, double b)
{
	return a > b ? a : b;
}

/* With a number beside the line, or without. */
double gap_above(const struct graph *g)
{
	return g->counters ? 44 : 30;
}

char *leave_text(const struct graph *g, const struct leave *l)
{
	return *l->verdict ? graph_label(g, &l->flow) : graph_must(strdup("any other verdict"));
}

static double leave_width(const struct graph *g, const struct leave *l)
{
	_cleanup_free_ char *text = leave_text(g, l);

	return 30 + text_width(l->verdict, TEXT, true) + (*l->verdict && *text ? 7 : 0) +
	       text_width(text, TEXT, false) + 10;
}

double tag_width(const struct part *p, const struct branch *b)
{
	double w = text_width(b->when, TEXT, true) + 20;

	return w > CARD_W ? CARD_W : w;
}

char *header_text(const struct part *p)
{
	const char *key = member(json_object_get(p->model, "rollout"), "key");

	if (p->kind == PART_ROLLOUT)
		return graph_must(text_fmt("rollout, by %s", *key ? key : "flow"));
	return graph_must(text_fmt("%s: %s", p->name, member(p->model, "switch")));
}

static void arrange(struct graph *g, struct branch *b, int within);

static void arrange_stage(struct graph *g, struct part *p)
{
	double leaves = p->leaves.n * (LEAVE_H + LEAVE_GAP) - LEAVE_GAP, card = card_height(p), y;

	p->left = p->right = p->outer = CARD_W / 2.0;
	if (p->passed_by || p->bypassed.packets > 0)
		p->left += PAST;
	p->h = card;
	y = leaves < card ? (card - leaves) / 2 : 0;
	array_foreach (l, &p->leaves) {
		l->w = leave_width(g, l);
		l->x = CARD_W / 2.0 + LEAVE_DISTANCE;
		l->y = y;
		y += LEAVE_H + LEAVE_GAP;
		p->outer = max(p->outer, l->x + l->w);
		p->h = max(p->h, y - LEAVE_GAP);
	}
}

/* Branches beside each other, the line to the choice in the middle of theirs. */
static void arrange_branches(struct graph *g, struct part *p, int within)
{
	double x = 0, h = 0, top = HEADER_H + BUS + TAG_H, first = 0, last = 0;
	_cleanup_free_ char *text = header_text(p);
	double header = text_width(text, TEXT, true) / 2 + 24;

	array_foreach (b, &p->branches) {
		_cleanup_free_ char *label = graph_label(g, &b->in);
		double tag = tag_width(p, b) / 2;

		arrange(g, b, within);
		b->left = max(b->left, tag);
		b->outer = max(max(b->outer, tag), 16 + text_width(label, TEXT, false));
		x += b->left;
		b->x = x;
		x += b->outer + BRANCH_GAP;
		h = max(h, b->h);
		last = b->x;
		if (b == p->branches.v)
			first = b->x;
	}
	x -= BRANCH_GAP;
	array_foreach (b, &p->branches) {
		b->h = h;
		b->x -= (first + last) / 2;
	}
	p->left = max((first + last) / 2, header);
	p->right = p->outer = max(x - (first + last) / 2, header);
	p->h = top + h + BUS;
}

/* Does a box end between two parts of a list? */
static bool parts_program(const struct part *a, const struct part *b, int within)
{
	return a->segment != b->segment && a->segment >= 0 && a->segment != within;
}

static bool opens_program(const struct branch *b, size_t i, int within)
{
	const struct part *p = &b->parts.v[i];

	return p->segment >= 0 && p->segment != within &&
	       (!i || b->parts.v[i - 1].segment != p->segment);
}

/* Positions from the upper end of the list and its middle. @within: the box that it is in. */
static void arrange(struct graph *g, struct branch *b, int within)
{
	double y = 0;

	b->left = b->outer = 12;
	for (size_t i = 0; i < b->parts.n; i++) {
		struct part *p = &b->parts.v[i];
		bool boxed = p->segment >= 0 && p->segment != within;

		if (p->kind == PART_STAGE)
			arrange_stage(g, p);
		else
			arrange_branches(g, p, boxed ? p->segment : within);
		if (i && parts_program(p - 1, p, within))
			y += BOX_BOTTOM;
		p->above = gap_above(g) / 2 + (opens_program(b, i, within) ? BOX_TOP : 0) - 5;
		y += p->above + 5 + gap_above(g) / 2;
		p->x = 0;
		p->y = y;
		y += p->h;
		b->left = max(b->left, p->left + (boxed ? BOX_PAD : 0));
		b->outer = max(b->outer, max(p->right + (boxed ? BOX_PAD : 0), p->outer));
	}
	if (b->parts.n && b->parts.v[b->parts.n - 1].segment >= 0 &&
	    b->parts.v[b->parts.n - 1].segment != within)
		y += BOX_BOTTOM;
	b->h = y + gap_above(g);
}

static void move_part(struct part *p, double dx, double dy)
{
	p->x += dx;
	p->y += dy;
	array_foreach (l, &p->leaves) {
		l->x += p->x;
		l->y += p->y;
	}
	array_foreach (b, &p->branches) {
		b->x += p->x;
		array_foreach (inner, &b->parts)
			move_part(inner, b->x, p->y + HEADER_H + BUS + TAG_H);
	}
}

static void name_box(struct graph *g, struct box *box, int segment, bool goes_on)
{
	const json_t *s = graph_segment(g, segment);
	const json_t *c = json_array_get(json_object_get(g->plan, "components"), segment);
	_cleanup_free_ char *proceed = c ? list_text(json_object_get(c, "proceed-on")) : NULL;
	long long insns = number(s, "instructions");
	const char *name = member(s, "program");

	box->title = graph_keep(g, text_fmt("%s %s", c ? "component" : "program", name));
	if (goes_on)
		box->note = "continued";
	else if (c)
		box->note = graph_keep(g, text_fmt("priority %lld", number(c, "priority")));
	else
		box->note = graph_keep(g, text_fmt("%lld insns", insns));
	if (c)
		box->hint = graph_keep(g,
				       text_fmt("%s, priority %lld\n%lld instructions\nthe next "
						"component runs on %s",
						box->title, number(c, "priority"), insns, proceed));
	else
		box->hint = graph_keep(g, text_fmt("%s\n%lld instructions", box->title, insns));
}

/* Around parts [first, end) of @b, which are of one program. */
static void add_box(struct graph *g, const struct branch *b, size_t first, size_t end, bool goes_on)
{
	const struct part *a = &b->parts.v[first], *z = &b->parts.v[end - 1];
	struct box *box = graph_must(array_push(&g->boxes));
	double left = 0, right = 0;

	for (const struct part *p = a; p <= z; p++) {
		left = max(left, p->left);
		right = max(right, p->right);
	}
	name_box(g, box, a->segment, goes_on);
	box->mid = a->x;
	box->x = a->x - left - BOX_PAD;
	box->y = a->y - BOX_TOP;
	box->w = left + right + 2 * BOX_PAD;
	box->h = z->y + z->h + BOX_BOTTOM - box->y;
}

static void add_boxes(struct graph *g, const struct branch *b, size_t first, size_t end, int within)
{
	for (size_t i = first, n; i < end; i = n) {
		const struct part *p = &b->parts.v[i];
		bool boxed = p->segment >= 0 && p->segment != within;

		n = i + 1;
		while (boxed && n < end && b->parts.v[n].segment == p->segment)
			n++;
		if (boxed)
			add_box(g, b, i, n, i && b->parts.v[i - 1].segment == p->segment);
		for (size_t k = i; k < n; k++)
			array_foreach (inner, &b->parts.v[k].branches)
				add_boxes(g, inner, 0, inner->parts.n, boxed ? p->segment : within);
	}
}

static struct column *add_column(struct graph *g, size_t first)
{
	struct column *c = graph_must(array_push(&g->columns));

	c->first = first;
	return c;
}

/* How many columns, so that each is about as high as a screen or two. */
static size_t count_columns(const struct graph *g)
{
	size_t want = g->root.h / COLUMN_H + 1;
	size_t room = COLUMNS_W / (g->root.left + g->root.outer + COLUMN_GAP);

	want = want > 3 ? 3 : want;
	return want < room ? want : room ?: 1;
}

static void break_columns(struct graph *g)
{
	size_t n = count_columns(g);
	double share = g->root.h / n, begun = 0;
	struct column *c = add_column(g, 0);

	for (size_t i = 1; i < g->root.parts.n; i++) {
		const struct part *p = &g->root.parts.v[i];

		if (p->y + p->h / 2 - begun < share || g->columns.n == n)
			continue;
		c->end = i;
		begun = p->y - gap_above(g);
		c = add_column(g, i);
	}
	c->end = g->root.parts.n;
}

/* Moves the parts of @c, whose left edge is @x. */
static void place_column(struct graph *g, struct column *c, double x, double y)
{
	bool dispatched = text_eq(g->strategy, "dispatcher");
	double pad = dispatched ? BOX_PAD : 0, left = ENTRY_H, first;
	const struct part *last;

	for (size_t i = c->first; i < c->end; i++)
		left = max(left, g->root.parts.v[i].left);
	left += BOX_PAD + pad;
	c->top = y;
	c->x = x + left;
	first = g->root.parts.v[c->first].y;
	y += gap_above(g) + BOX_TOP + (dispatched ? BOX_TOP : 0);
	if (dispatched)
		g->root.parts.v[c->first].above += BOX_TOP;
	for (size_t i = c->first; i < c->end; i++) {
		struct part *p = &g->root.parts.v[i];

		c->outer = max(c->outer, max(p->right + BOX_PAD + pad, p->outer));
		move_part(p, c->x, y - first);
	}
	last = &g->root.parts.v[c->end - 1];
	c->bottom = last->y + last->h + BOX_BOTTOM + pad;
}

static void add_dispatcher(struct graph *g, const struct column *c, bool goes_on)
{
	size_t from = g->boxes.n, inner = from;
	struct box *box = graph_must(array_push(&g->boxes));
	double left = c->x, right = c->x, y = c->bottom;

	while (inner && g->boxes.v[inner - 1].x <= c->x &&
	       g->boxes.v[inner - 1].x + g->boxes.v[inner - 1].w >= c->x)
		inner--;
	for (size_t i = inner; i < from; i++) {
		left = left < g->boxes.v[i].x ? left : g->boxes.v[i].x;
		right = max(right, g->boxes.v[i].x + g->boxes.v[i].w);
		y = y < g->boxes.v[i].y ? y : g->boxes.v[i].y;
	}
	box->outer = true;
	box->title = "libxdp dispatcher";
	box->note = goes_on ? "continued" : "";
	box->mid = c->x;
	box->hint = "It calls its components in the order of their priorities, those of other "
		    "tools among them, as long as their verdicts let it.";
	box->x = left - BOX_PAD;
	box->y = y - BOX_TOP;
	box->w = right + BOX_PAD - box->x;
	box->h = c->bottom - box->y;
}

static void place_ends(struct graph *g, const struct column *c)
{
	double w = -12, x;

	array_foreach (end, &g->ends) {
		end->w = leave_width(g, end);
		w += end->w + 12;
	}
	x = c->x - w / 2;
	array_foreach (end, &g->ends) {
		end->x = x;
		end->y = c->bottom + END_H - LEAVE_H;
		x += end->w + 12;
	}
	g->width = max(g->width, x + MARGIN);
}

/* In rows below their line. Return: where the title ends. */
static double place_totals(struct graph *g)
{
	double x = MARGIN, y = 112;

	if (!g->totals.n)
		return 104;
	array_foreach (t, &g->totals) {
		t->w = leave_width(g, t);
		if (x > MARGIN && x + t->w > MARGIN + TOTALS_W) {
			x = MARGIN;
			y += LEAVE_H + LEAVE_GAP;
		}
		t->x = x;
		t->y = y;
		x += t->w + 10;
	}
	g->width = TOTALS_W + 2 * MARGIN;
	return y + LEAVE_H + 20;
}

static void place_closed(struct graph *g, struct column *c, double y)
{
	struct leave *l = &g->closed;

	if (!l->verdict)
		return;
	l->w = leave_width(g, l);
	l->x = c->x + CARD_W / 2.0 + LEAVE_DISTANCE;
	l->y = y + (ENTRY_H - LEAVE_H) / 2.0;
	c->outer = max(c->outer, l->x + l->w - c->x);
}

void graph_place(struct graph *g)
{
	double x = MARGIN, bottom = 0, top = place_totals(g);

	arrange(g, &g->root, -1);
	break_columns(g);
	array_foreach (c, &g->columns) {
		bool later = c > g->columns.v;

		place_column(g, c, x, top + (later ? BUS : ENTRY_H));
		if (!later)
			place_closed(g, c, top);
		x = c->x + c->outer + COLUMN_GAP;
		add_boxes(g, &g->root, c->first, c->end, -1);
		if (text_eq(g->strategy, "dispatcher"))
			add_dispatcher(g, c, later);
		bottom = max(bottom, c->bottom);
	}
	g->width = max(max(x - COLUMN_GAP + MARGIN, 640), g->width);
	place_ends(g, &g->columns.v[g->columns.n - 1]);
	g->height = max(bottom, g->columns.v[g->columns.n - 1].bottom + END_H) + 84;
}
