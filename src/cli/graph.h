/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pipeline as a picture. It is read into a tree (a list of parts, some of which are ways
 * through one of several lists), gets numbers, then places, and is drawn.
 *
 * All texts in the tree are borrowed from its JSON, or owned by the graph (graph_keep()).
 * Without memory these functions end the command, as those of table.c do.
 */
#pragma once

#include "base/text.h"
#include "cli/cli.h"

/* Packets and bytes: since the counters began, or in a second. */
struct flow {
	double packets, bytes;
	bool known;
};

/* Where packets leave the pipeline. */
struct leave {
	const char *verdict; /* "" any that is not in the stage's list: nobody has counted */
	struct flow flow;
	bool drop; /* it is the end of the packet */
	double x, y, w;
};

enum { LEAVE_H = 24, LEAVE_GAP = 6, LEAVE_DISTANCE = 40 };

enum part_kind { PART_STAGE, PART_CHOICE, PART_ROLLOUT };

struct branch;

struct part {
	enum part_kind kind;
	const char *name;
	const json_t *model; /* in the manifest; of the new version in a rollout: of its stage */
	const json_t *plan;  /* of a stage in the plan; NULL: it is disabled, or no stage */
	const json_t *state; /* of a stage in the status; NULL: it does not run */
	int segment;         /* that all of it is in; -1: several, or none */
	bool last;           /* nothing runs behind it */
	bool passed_by;      /* packets go past it: disabled, or paused */
	bool classifies; /* what it returns is no verdict, but what the choice behind it looks at */

	struct flow in, out; /* of the place where it stands */
	struct flow bypassed, lost;
	const json_t *verdicts; /* as counted; NULL: not */
	ARRAY(struct leave) leaves;
	ARRAY(struct branch) branches;

	double x, y, h;            /* the middle of its upper edge; height */
	double above;              /* from there up to where its number stands */
	double left, right, outer; /* from there: its box to both sides, and with all leaves */
};

struct branch {
	const char *when; /* in words */
	ARRAY(struct part) parts;
	struct flow in, out;
	double x, left, outer, h;
};

/* A program: parts one behind the other. A part of a box never is in another one. */
struct box {
	const char *title, *note, *hint; /* left and right of the line; what the pointer shows */
	double x, y, w, h, mid;
	bool outer; /* around boxes: a dispatcher */
};

/* Where the picture would be too high, it goes on beside. */
struct column {
	size_t first, end; /* parts */
	double x, outer, top, bottom;
};

struct graph {
	const char *name, *hook, *strategy, *final;
	json_t *model, *plan, *status, *rollout; /* owned; the last two may be NULL */
	json_t *counters;                        /* owned; NULL: no numbers */
	const char *numbers; /* what they are, or why there are none; "": nobody asked */
	bool per_second;
	struct flow entered;
	struct branch root;
	ARRAY(struct leave) totals; /* by verdict, of the whole; the most first */
	ARRAY(struct leave) ends;   /* of those at the end of the chain */
	struct leave closed;        /* at the entry, while it is closed; no verdict: none */
	ARRAY(char *) kept;

	ARRAY(struct box) boxes;
	ARRAY(struct column) columns; /* of the root's parts */
	double width, height;
};

/* In pixels. */
enum {
	CARD_W = 272,
	TEXT = 13,
	NAME = 15,
	ENTRY_H = 48,
	HEADER_H = 34, /* of a choice */
	TAG_H = 22,    /* of a case */
	BUS = 26,      /* from a choice to the line that leads to its branches; and back */
	PAST = 24,     /* how far the way past a stage is beside it */
	BEND = 9,      /* … and how far above and below it leaves the line */
	BOX_PAD = 16,
	BOX_TOP = 40,
	BOX_BOTTOM = 18,
	COLUMN_GAP = 56,
	END_H = 72,
	TOTALS_W = 720, /* of the line of all verdicts */
	MARGIN = 28,
};

/* What to draw. */
struct graph_request {
	const struct options *o;
	const char *what, *pipeline; /* a pipeline that runs; or a file, and one in it */
	const char *const *counters; /* recorded ones, instead of live ones */
	size_t n_counters;
	double interval; /* of live ones, in seconds; 0: since they began */
};

/* graph_fetch.c: model, plan, status and counters of @g. */
int graph_fetch(const struct graph_request *rq, struct graph *g, struct braid_error *err);

/* graph_read.c: @g has model, plan, and status and rollout if it runs. */
void graph_read(struct graph *g);
void graph_done(struct graph *g);
/* Makes @text the graph's. Return: @text. */
const char *graph_keep(struct graph *g, char *text);
/* The member @name of @list that is called so by its member @key; NULL: none. Borrowed. */
json_t *graph_find(const json_t *list, const char *key, const char *name);
/* Calls @fn for each part, those of branches behind their choice. */
void graph_each(struct branch *b, void (*fn)(struct part *p, void *ctx), void *ctx);
const json_t *graph_segment(const struct graph *g, int segment);
/* "process-1" for HTML, of whatever name. */
const char *graph_id(struct graph *g, const char *name);
void *graph_must(void *p); /* of what may be NULL for want of memory */

/* graph_numbers.c: from @g->counters. */
void graph_count(struct graph *g);
/* Counters of @pipeline in what status printed, as an object of its own; NULL: none. */
json_t *counters_of(const json_t *status, const char *pipeline, const char *home);
/* What came from @old to @new, in a second of @seconds. NULL: they are not of one pipeline. */
json_t *counters_between(const json_t *old, const json_t *new, double seconds);

/* graph_place.c */
void graph_place(struct graph *g);
double gap_above(const struct graph *g);
char *leave_text(const struct graph *g, const struct leave *l); /* behind the verdict; free it */
double tag_width(const struct part *p, const struct branch *b);
char *entry_text(const struct graph *g); /* interfaces; free it */
char *header_text(const struct part *p); /* of a choice or rollout; free it */

/* graph_lines.c: the ways of packets, below all else. */
void graph_lines(struct graph *g, struct buf *b);
/* graph_svg.c: the picture; its colours are classes. @links: stages lead to their facts. */
void graph_svg(struct graph *g, bool links, struct buf *b);
/* graph_card.c: one stage. */
void graph_card(struct graph *g, const struct part *p, bool links, struct buf *b);
double card_height(const struct part *p);
/* graph_style.c: what the classes look like. @page: of a page, which may be dark. */
void graph_style(bool page, struct buf *b);
/* graph_html.c, graph_dot.c */
void graph_html(struct graph *g, struct buf *b);
void graph_dot(struct graph *g, struct buf *b);

/* graph_facts.c: @put is called for each fact of a stage, as names and values. */
typedef void (*put_fact)(void *ctx, const char *name, const char *value);
void graph_facts(const struct graph *g, const struct part *p, put_fact put, void *ctx);

/* graph_text.c */
void xml_text(struct buf *b, const char *text);
double text_width(const char *text, double size, bool bold);
/* @text, or its beginning and end, if it is wider than @room; free it. */
char *text_fit(const char *text, double size, bool bold, double room);
/* "96.8 %" of what entered; "" when that is not known. Free it. */
char *graph_share_text(const struct graph *g, const struct flow *f);
/* "1.25 Mpps, 96.8 %"; free it. */
char *graph_label(const struct graph *g, const struct flow *f);
double graph_share(const struct graph *g, const struct flow *f); /* 0 to 1 */
