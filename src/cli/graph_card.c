/* SPDX-License-Identifier: GPL-2.0-only */
/* One stage of a picture: what it is and how control comes to it, as a card. */
#include <string.h>

#include "cli/graph.h"

enum { PAD = 14, BADGE_H = 20, ROW = 20 };

/* Words of a stage that are worth a mark. */
struct badge {
	char *text;
	bool strong;
};

struct badges {
	ARRAY(struct badge) list;
};

static void add_badge(struct badges *list, char *text, bool strong)
{
	struct badge *b = graph_must(array_push(&list->list));

	b->text = graph_must(text);
	b->strong = strong;
}

static struct badges badges_of(const struct part *p)
{
	const json_t *signals = json_object_get(p->state, "signals");
	struct badges list = {};
	json_t *one;
	size_t i;

	if (!p->plan)
		add_badge(&list, strdup("disabled"), false);
	json_array_foreach (signals, i, one) {
		const char *signal = json_string_value(one) ?: "";

		add_badge(&list,
			  strdup(text_eq(signal, "pause")      ? "paused"
				 : text_eq(signal, "drain")    ? "draining"
				 : text_eq(signal, "shutdown") ? "shutting down"
							       : signal),
			  !text_has_prefix(signal, "user-"));
	}
	if (p->lost.packets > 0)
		add_badge(&list, text_fmt("%.0f tail calls failed", p->lost.packets), true);
	if (p->bypassed.packets > 0)
		add_badge(&list, strdup("packets went past it"), false);
	return list;
}

static void badges_done(struct badges *list)
{
	array_foreach (b, &list->list)
		free(b->text);
	array_done(&list->list);
}

double card_height(const struct part *p)
{
	struct badges list = badges_of(p);
	double h = list.list.n ? 78 + BADGE_H + 6 : 78;

	badges_done(&list);
	return h;
}

static void draw_badges(const struct part *p, double x, double y, struct buf *b)
{
	struct badges list = badges_of(p);
	double room = CARD_W - 2 * PAD;

	array_foreach (badge, &list.list) {
		double w = text_width(badge->text, TEXT - 1, false) + 14;

		if (w > room)
			break;
		buf_fmt(b,
			"<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" "
			"rx=\"4\"/><text class=\"badgetext\" x=\"%.1f\" y=\"%.1f\">",
			badge->strong ? "badge strong" : "badge", x, y, w, BADGE_H, x + 7, y + 14);
		xml_text(b, badge->text);
		buf_str(b, "</text>");
		x += w + 6;
		room -= w + 6;
	}
	badges_done(&list);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *object_of(const struct part *p)
{
	const json_t *in = p->plan ?: p->model;

	return base_name(member(in, "object"));
}

/* The function only if it is called otherwise than the object. */
static char *source_of(const struct part *p)
{
	const char *function = member(p->plan, "program"), *object = object_of(p);
	size_t n = strlen(function);

	if (!p->plan || (!strncmp(function, object, n) && object[n] == '.'))
		return graph_must(strdup(object));
	return graph_must(text_fmt("%s() of %s", function, object));
}

/* A line of text that fits. */
static void line(struct buf *b, const char *class, double x, double y, double size, double room,
		 const char *text)
{
	_cleanup_free_ char *fit = text_fit(text, size, text_eq(class, "name"), room);

	if (!*fit)
		return;
	buf_fmt(b, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
	xml_text(b, fit);
	buf_str(b, "</text>");
}

static void draw_shape(const struct part *p, double x, double y, double h, struct buf *b)
{
	const char *how = member(p->plan, "placed");
	const char *class = !p->plan || p->passed_by ? "card off"
			    : strchr(p->name, '@')   ? "card new"
						     : "card";

	buf_fmt(b,
		"<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" rx=\"7\"/>",
		class, x, y, CARD_W, h);
	if (!text_eq(how, "called"))
		return;
	buf_fmt(b, "<path class=\"bar\" d=\"M%.1f %.1fv%.1fM%.1f %.1fv%.1f\"/>", x + 6, y, h,
		x + CARD_W - 6, y, h);
}

static void draw_lines(const struct part *p, double x, double y, struct buf *b)
{
	const char *how = p->plan ? member(p->plan, "placed") : "";
	_cleanup_free_ char *list = list_text(json_object_get(p->plan, "proceed-on"));
	_cleanup_free_ char *from = source_of(p);
	_cleanup_free_ char *on =
		!p->plan        ? graph_must(strdup("does not run"))
		: p->classifies ? graph_must(strdup("classifies"))
				: graph_must(text_fmt("goes on with %s", *list ? list : "nothing"));
	_cleanup_free_ char *size =
		graph_must(text_fmt("%lld insns", number(p->plan, "instructions")));
	double room = CARD_W - 2 * PAD, right = x + CARD_W - PAD;

	line(b, "name", x + PAD, y + 24, NAME, room, p->name);
	line(b, "m", x + PAD, y + 24.0 + ROW, TEXT, room - text_width(how, TEXT, false) - 12, from);
	line(b, "m r", right, y + 24.0 + ROW, TEXT, room, how);
	line(b, "t", x + PAD, y + 24.0 + 2 * ROW, TEXT, room - text_width(size, TEXT, false) - 12,
	     on);
	if (p->plan)
		line(b, "m r", right, y + 24.0 + 2 * ROW, TEXT, room, size);
}

/* What the pointer shows. */
static void put_line(void *ctx, const char *name, const char *value)
{
	struct buf *b = ctx;

	xml_text(b, name);
	buf_str(b, ": ");
	xml_text(b, value);
	buf_str(b, "\n");
}

void graph_card(struct graph *g, const struct part *p, bool links, struct buf *b)
{
	double x = p->x - CARD_W / 2.0, h = card_height(p);
	const char *id = graph_id(g, p->name);

	if (links)
		buf_fmt(b, "<a class=\"stage\" id=\"card-%s\" href=\"#%s\" aria-label=\"stage ", id,
			id);
	else
		buf_fmt(b, "<g class=\"stage\" id=\"card-%s\"", id);
	if (links) {
		xml_text(b, p->name);
		buf_str(b, ": its facts\"");
	}
	buf_str(b, "><title>");
	xml_text(b, p->name);
	buf_str(b, "\n");
	graph_facts(g, p, put_line, b);
	buf_str(b, "</title>");
	draw_shape(p, x, p->y, h, b);
	draw_lines(p, x, p->y, b);
	draw_badges(p, x + PAD, p->y + 74, b);
	buf_str(b, links ? "</a>\n" : "</g>\n");
}
