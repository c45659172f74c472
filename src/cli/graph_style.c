/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Colours and letters of pictures. Nothing is told by colour alone: packets that end are in
 * filled pills with a cross, in black and white, too. The two hues, blue and vermilion, differ
 * for all kinds of colour blindness, and in lightness.
 */
#include "cli/graph.h"

struct palette {
	const char *page, *text, *muted;
	const char *box, *box_line, *outer;
	const char *card, *card_line, *off;
	const char *flow, *flow_line; /* number; line */
	const char *drop, *on_drop;
	const char *strong, *accent;
};

static const struct palette light = {
	.page = "#ffffff",
	.text = "#17202b",
	.muted = "#566373",
	.box = "#f4f7fa",
	.box_line = "#c3ced9",
	.outer = "#e9eef4",
	.card = "#ffffff",
	.card_line = "#7b8a9a",
	.off = "#eceff2",
	.flow = "#1f4e79",
	.flow_line = "#5b87b0",
	.drop = "#b33a0e",
	.on_drop = "#ffffff",
	.strong = "#f3dfa6",
	.accent = "#1f6fb2",
};

static const struct palette dark = {
	.page = "#10151b",
	.text = "#e8edf3",
	.muted = "#a3b0bd",
	.box = "#171e26",
	.box_line = "#3a4756",
	.outer = "#131920",
	.card = "#1f2832",
	.card_line = "#72839a",
	.off = "#191f26",
	.flow = "#a9cdf0",
	.flow_line = "#5d90c2",
	.drop = "#ef7a45",
	.on_drop = "#1a0d05",
	.strong = "#6b5518",
	.accent = "#5aa9ea",
};

static void letters(struct buf *b)
{
	buf_fmt(b,
		".g text{font-family:\"Helvetica Neue\",Helvetica,Arial,\"Liberation Sans\","
		"sans-serif;font-size:%dpx}"
		".g .title{font-size:24px;font-weight:700}"
		".g .name{font-size:%dpx;font-weight:700}"
		".g .b{font-weight:700}"
		".g .num{font-variant-numeric:tabular-nums}"
		".g .badgetext{font-size:%dpx}"
		".g .r{text-anchor:end}.g .c{text-anchor:middle}\n",
		TEXT, NAME, TEXT - 1);
}

static void colours(const struct palette *p, struct buf *b)
{
	buf_fmt(b,
		".g .page{fill:%s}.g .t,.g .name,.g .title,.g .badgetext{fill:%s}.g .m{fill:%s}"
		".g .num{fill:%s}\n",
		p->page, p->text, p->muted, p->flow);
	buf_fmt(b,
		".g .box{fill:%s;stroke:%s;stroke-width:1.2}"
		".g .outer{fill:%s;stroke:%s;stroke-width:1.2;stroke-dasharray:2 4}\n",
		p->box, p->box_line, p->outer, p->box_line);
	buf_fmt(b,
		".g .card{fill:%s;stroke:%s;stroke-width:1.4}"
		".g .off{fill:%s;stroke-dasharray:5 4}"
		".g .new{stroke:%s;stroke-width:2.4}"
		".g .bar{fill:none;stroke:%s;stroke-width:1.4}"
		".g .badge{fill:%s;stroke:%s}.g .strong{fill:%s}\n",
		p->card, p->card_line, p->off, p->accent, p->card_line, p->off, p->box_line,
		p->strong);
	buf_fmt(b,
		".g .edge{fill:none;stroke:%s}.g .head{fill:%s}"
		".g .tail{stroke-dasharray:9 6}.g .comp{stroke-dasharray:12 4 3 4}"
		".g .tag{fill:%s;stroke:%s;stroke-width:1.2}"
		".g .join{fill:%s}\n",
		p->flow_line, p->flow_line, p->page, p->flow_line, p->flow_line);
	buf_fmt(b,
		".g .out{fill:%s;stroke:%s;stroke-width:1.4}.g .bulk{fill:%s;stroke:%s}"
		".g .drop{fill:%s;stroke:%s;stroke-width:1.4}"
		".g .dropt{fill:%s}.g .dropline{fill:none;stroke:%s}"
		".g .glyph{fill:none;stroke:%s;stroke-width:1.8;stroke-linecap:round;"
		"stroke-linejoin:round}.g .dropglyph{stroke:%s}"
		".g .hatch{stroke:%s;stroke-width:2.5}\n",
		p->card, p->flow_line, p->flow_line, p->flow_line, p->drop, p->drop, p->on_drop,
		p->drop, p->flow, p->on_drop, p->on_drop);
	buf_fmt(b, ".g a:focus .card,.g a:hover .card{stroke:%s;stroke-width:3}\n", p->accent);
}

static void page_colours(const struct palette *p, struct buf *b)
{
	buf_fmt(b,
		"body{background:%s;color:%s}main h2,aside h2{color:%s}"
		"th{color:%s}td,th{border-color:%s}article{background:%s;border-color:%s}"
		"a.close{color:%s}\n",
		p->page, p->text, p->text, p->muted, p->box_line, p->card, p->card_line, p->accent);
}

void graph_style(bool page, struct buf *b)
{
	letters(b);
	colours(&light, b);
	buf_str(b, ".g a{cursor:pointer}.g a:focus{outline:none}\n");
	if (!page)
		return;
	page_colours(&light, b);
	buf_str(b, "@media screen and (prefers-color-scheme:dark){\n");
	colours(&dark, b);
	page_colours(&dark, b);
	buf_str(b, "}\n");
}
