/* SPDX-License-Identifier: GPL-2.0-only */
/* What braid top shows on a terminal. */
#include <curses.h>
#include <string.h>

#include "cli/top_screen.h"

static const char *const help_text[] = {
	"Rates are packets and bits per second of the last interval.",
	"LEAVE: packets of the stage that left the pipeline there. DIE: those it dropped.",
	"NS, P99: nanoseconds per packet, of packets looked at by chance; ~: of fewer than 100.",
	"CPU: what the stage takes of one CPU: packets per second times nanoseconds.",
	"",
	"  Up Down PgUp PgDn Home End   select",
	"  F3 /    search a stage            F4 \\    only stages with this in the name",
	"  F5 t    per CPU                   Enter   verdicts of all stages",
	"  F6 > <  sort by the next, the previous column   I  invert",
	"  P  by packets   D  by drops   T  by nanoseconds   M  by CPU   N  in their order",
	"  + -     longer, shorter interval  Z       pause",
	"  F1 h ?  this                      F10 q   quit",
};

static struct line *add_line(struct screen *s, enum line_look look)
{
	struct line *l = array_push(&s->lines);

	if (l)
		l->look = look;
	return l;
}

static void add_text(struct screen *s, enum line_look look, const char *text)
{
	struct line *l = add_line(s, look);

	if (l)
		snprintf(l->text, sizeof(l->text), "%s", text);
}

static void add_verdicts(struct screen *s, const struct top_row *r)
{
	struct line *l = add_line(s, LOOK_DIM);

	for (size_t i = 0; l && i < r->verdicts.n; i++) {
		const struct top_verdict *v = &r->verdicts.v[i];
		size_t used = strlen(l->text);
		char pps[16];

		if (v->pps <= 0)
			continue;
		top_count(pps, sizeof(pps), v->pps);
		snprintf(l->text + used, sizeof(l->text) - used, "%s%s %s/s%s",
			 used ? ", " : "      ", v->name, pps, v->leaves ? "" : " (goes on)");
	}
}

static void add_cpus(struct screen *s, const struct top_pipeline *p)
{
	struct line *l = NULL;
	double most = 0;
	size_t i = 0;

	array_foreach (c, &p->cpus)
		most = c->pps > most ? c->pps : most;
	array_foreach (c, &p->cpus) {
		char pps[16], bar[9] = "        ";
		size_t used, full = most > 0 ? (size_t)(8 * c->pps / most + 0.5) : 0;

		if (i++ % 4 == 0)
			l = add_line(s, LOOK_PLAIN);
		if (!l)
			return;
		memset(bar, '|', full);
		top_count(pps, sizeof(pps), c->pps);
		used = strlen(l->text);
		snprintf(l->text + used, sizeof(l->text) - used, "  %3lld[%s%5s]", c->cpu, bar,
			 pps);
	}
}

static void add_pipeline(struct screen *s, const struct top_pipeline *p)
{
	_cleanup_free_ const struct top_row **rows = calloc(p->rows.n + 1, sizeof(*rows));
	size_t n = rows ? top_select(p, &s->settings->view, rows) : 0;
	int room = COLS - 72;
	struct line *l = add_line(s, LOOK_TITLE);

	if (l)
		top_title(p, l->text, sizeof(l->text));
	if (top_note(p))
		add_text(s, LOOK_DIM, top_note(p));
	if (s->cpus)
		add_cpus(s, p);
	l = add_line(s, LOOK_HEADING);
	if (l)
		top_heading(l->text, sizeof(l->text));
	for (size_t i = 0; i < n; i++) {
		l = add_line(s, rows[i]->died > 0 ? LOOK_DYING : LOOK_PLAIN);
		if (!l)
			return;
		l->row = rows[i];
		top_line(rows[i], room > 1 ? room : 1, s->utf8, l->text, sizeof(l->text));
		if (s->verdicts)
			add_verdicts(s, rows[i]);
	}
	add_text(s, LOOK_PLAIN, "");
}

void top_make_lines(struct screen *s)
{
	s->lines.n = 0;
	for (size_t i = 0; s->help && i < sizeof(help_text) / sizeof(*help_text); i++)
		add_text(s, LOOK_PLAIN, help_text[i]);
	if (s->help)
		add_text(s, LOOK_PLAIN, "");
	array_foreach (p, &s->t->pipelines)
		add_pipeline(s, p);
}
