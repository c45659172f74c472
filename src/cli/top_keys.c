/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys of braid top: those of htop where there is one for the job. */
#include <curses.h>
#include <string.h>

#include "cli/top_screen.h"

static void step(struct screen *s, int by)
{
	long at = s->selected;

	for (int n = by < 0 ? -by : by; n > 0; n--) {
		long next = at;

		do
			next += by < 0 ? -1 : 1;
		while (next >= 0 && next < (long)s->lines.n && !s->lines.v[next].row);
		if (next < 0 || next >= (long)s->lines.n)
			break;
		at = next;
	}
	s->selected = at;
}

static void find_next(struct screen *s)
{
	for (size_t i = 0; *s->search && i < s->lines.n; i++) {
		const struct line *l = &s->lines.v[i];

		if (l->row && strcasestr(l->row->stage, s->search)) {
			s->selected = i;
			return;
		}
	}
}

static void typed(struct screen *s, int key)
{
	char *text = s->typing == TYPING_FILTER ? s->settings->view.filter : s->search;
	size_t n = strlen(text);

	if (key == '\n' || key == KEY_ENTER) {
		s->typing = TYPING_NOTHING;
	} else if (key == 27) {
		*text = '\0';
		s->typing = TYPING_NOTHING;
	} else if ((key == KEY_BACKSPACE || key == 127 || key == 8) && n) {
		text[n - 1] = '\0';
	} else if (key >= ' ' && key < 127 && n + 1 < sizeof(s->search)) {
		text[n] = (char)key;
		text[n + 1] = '\0';
	}
	if (s->typing == TYPING_SEARCH)
		find_next(s);
}

static void sort_by(struct screen *s, int sort)
{
	s->settings->view.sort = (sort + N_TOP_SORT) % N_TOP_SORT;
}

static void change_interval(struct screen *s, int by_ms)
{
	int ms = (int)s->settings->interval_ms + by_ms;

	s->settings->interval_ms = ms < 100 ? 100 : ms > 60000 ? 60000 : ms;
}

static void select_key(struct screen *s, int key)
{
	int page = LINES > 4 ? LINES - 4 : 1;

	switch (key) {
	case KEY_UP:
	case 'k':
		step(s, -1);
		break;
	case KEY_DOWN:
	case 'j':
		step(s, 1);
		break;
	case KEY_PPAGE:
		step(s, -page);
		break;
	case KEY_NPAGE:
		step(s, page);
		break;
	case KEY_HOME:
		s->selected = s->offset = 0;
		break;
	case KEY_END:
		step(s, (int)s->lines.n);
		break;
	}
}

static void sort_key(struct screen *s, int key)
{
	int sort = s->settings->view.sort;

	switch (key) {
	case KEY_F(6):
	case '>':
	case '.':
		sort_by(s, sort + 1);
		break;
	case '<':
	case ',':
		sort_by(s, sort - 1);
		break;
	case 'I':
		s->settings->view.inverted = !s->settings->view.inverted;
		break;
	case 'N':
		sort_by(s, TOP_SORT_ORDER);
		break;
	case 'P':
		sort_by(s, TOP_SORT_PPS);
		break;
	case 'D':
		sort_by(s, TOP_SORT_DROPS);
		break;
	case 'T':
		sort_by(s, TOP_SORT_NS);
		break;
	case 'M':
		sort_by(s, TOP_SORT_CPU);
		break;
	}
}

void top_press(struct screen *s, int key)
{
	if (s->typing != TYPING_NOTHING) {
		typed(s, key);
		return;
	}
	switch (key) {
	case KEY_F(1):
	case 'h':
	case '?':
		s->help = !s->help;
		break;
	case KEY_F(3):
	case '/':
		s->typing = TYPING_SEARCH;
		*s->search = '\0';
		break;
	case KEY_F(4):
	case '\\':
		s->typing = TYPING_FILTER;
		break;
	case KEY_F(5):
	case 't':
		s->cpus = !s->cpus;
		break;
	case '\n':
	case KEY_ENTER:
		s->verdicts = !s->verdicts;
		break;
	case '+':
		change_interval(s, 500);
		break;
	case '-':
		change_interval(s, -500);
		break;
	case 'Z':
		s->settings->paused = !s->settings->paused;
		break;
	case KEY_F(10):
	case 'q':
	case 'Q':
	case 3: /* Ctrl-C, where it is a key */
		s->quit = true;
		break;
	default:
		select_key(s, key);
		sort_key(s, key);
	}
}
