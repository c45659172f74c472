/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The picture as a page that needs nothing else. A stage is a link to its facts, which are
 * shown when they are its target: this is CSS, so it works without the script, which only adds
 * keys. On paper the facts stand below the picture.
 */
#include <string.h>

#include "cli/graph.h"

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
	"style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<link rel=\"icon\" href=\"data:,\">\n";

static const char layout[] =
	"body{margin:0;font:14px/1.45 \"Helvetica Neue\",Helvetica,Arial,\"Liberation Sans\","
	"sans-serif}\n"
	"main{overflow-x:auto}svg.g{display:block;margin:0 auto}\n"
	"article{display:none;box-sizing:border-box;position:fixed;top:16px;right:16px;width:440px;"
	"max-height:calc(100vh - 32px);overflow:auto;padding:16px 20px;border:1px solid;"
	"border-radius:10px;box-shadow:0 8px 28px rgba(0,0,0,.22)}\n"
	"article:target{display:block}article h2{margin:0 0 8px;font-size:18px;"
	"overflow-wrap:anywhere}\n"
	"a.close{float:right;text-decoration:none;padding:2px 8px}\n"
	"table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;"
	"padding:4px 8px 4px 0;border-bottom:1px solid;overflow-wrap:anywhere}\n"
	"th{font-weight:400;width:32%}td{font-variant-numeric:tabular-nums}\n"
	"p.keys{margin:0;padding:0 28px 24px;text-align:center;font-size:13px;opacity:.75}\n"
	"@media screen and (max-width:900px){article{left:0;right:0;top:auto;bottom:0;width:auto;"
	"max-height:50vh;border-radius:10px 10px 0 0}}\n"
	"@page{margin:12mm}\n"
	"@media print{body{background:#fff;color:#000}main{overflow:visible}"
	"svg.g{max-width:100%;max-height:260mm;height:auto}"
	"article{display:block;position:static;width:auto;max-height:none;box-shadow:none;"
	"margin:0 0 12px;break-inside:avoid}a.close,p.keys{display:none}}\n";

static const char script[] = "<script>\n"
			     "'use strict';\n"
			     "const stages = [...document.querySelectorAll('a.stage')];\n"
			     "const of = id => document.getElementById('card-' + id);\n"
			     "addEventListener('keydown', e => {\n"
			     "\tconst open = location.hash.slice(1);\n"
			     "\tif (e.key === 'Escape' && document.getElementById(open)) {\n"
			     "\t\tlocation.hash = '#none';\n"
			     "\t\tof(open)?.focus();\n"
			     "\t}\n"
			     "\tconst at = stages.indexOf(document.activeElement);\n"
			     "\tconst step = {ArrowDown: 1, ArrowUp: -1}[e.key];\n"
			     "\tif (at >= 0 && step && stages[at + step]) {\n"
			     "\t\te.preventDefault();\n"
			     "\t\tstages[at + step].focus();\n"
			     "\t\tif (document.getElementById(open))\n"
			     "\t\t\tlocation.replace(stages[at + step].getAttribute('href'));\n"
			     "\t}\n"
			     "});\n"
			     "</script>\n";

struct page {
	struct graph *g;
	struct buf *b;
};

static void put_row(void *ctx, const char *name, const char *value)
{
	struct buf *b = ctx;

	buf_str(b, "<tr><th scope=\"row\">");
	xml_text(b, name);
	buf_str(b, "</th><td>");
	xml_text(b, value);
	buf_str(b, "</td></tr>\n");
}

static void article(struct part *p, void *ctx)
{
	struct page *page = ctx;

	if (p->kind != PART_STAGE)
		return;
	buf_fmt(page->b,
		"<article id=\"%s\"><a class=\"close\" href=\"#none\" aria-label=\"close\">"
		"\u2715</a><h2>",
		graph_id(page->g, p->name));
	xml_text(page->b, p->name);
	buf_str(page->b, "</h2><table>\n");
	graph_facts(page->g, p, put_row, page->b);
	buf_str(page->b, "</table></article>\n");
}

void graph_html(struct graph *g, struct buf *b)
{
	struct page page = {g, b};

	buf_str(b, head);
	buf_str(b, "<title>");
	xml_text(b, g->name);
	buf_str(b, " \u00b7 braid</title>\n<style>\n");
	buf_str(b, layout);
	graph_style(true, b);
	buf_str(b, "</style></head><body>\n<main>\n");
	graph_svg(g, true, b);
	buf_str(b, "</main>\n<p class=\"keys\">Choose a stage to see its facts.</p>\n");
	graph_each(&g->root, article, &page);
	buf_str(b, script);
	buf_str(b, "</body></html>\n");
}
