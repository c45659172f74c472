/* SPDX-License-Identifier: GPL-2.0-only */
/* braid top on a terminal: drawn anew for each key and each sample, whatever size it has. */
#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/observe_signals.h"
#include "cli/top_screen.h"

static int attributes(enum line_look look)
{
	switch (look) {
	case LOOK_TITLE:
		return A_BOLD;
	case LOOK_HEADING:
		return has_colors() ? COLOR_PAIR(1) : A_REVERSE;
	case LOOK_DYING:
		return has_colors() ? COLOR_PAIR(2) : A_BOLD;
	case LOOK_DIM:
		return A_DIM;
	case LOOK_SELECTED:
		return has_colors() ? COLOR_PAIR(3) : A_STANDOUT;
	default:
		return A_NORMAL;
	}
}

/* The whole line in one look. */
static void draw_at(int y, enum line_look look, const char *text)
{
	attrset(attributes(look));
	move(y, 0);
	clrtoeol();
	if (look == LOOK_HEADING || look == LOOK_SELECTED)
		mvhline(y, 0, ' ', COLS);
	mvaddnstr(y, 0, text, -1);
	attrset(A_NORMAL);
}

static void draw_first(const struct screen *s)
{
	char line[256], when[16];
	time_t now = time(NULL);

	strftime(when, sizeof(when), "%H:%M:%S", localtime(&now));
	snprintf(line, sizeof(line), "braid top  %s  every %.1f s  by %s%s%s%s%s", when,
		 s->settings->interval_ms / 1000.0, top_sort_names[s->settings->view.sort],
		 s->settings->view.inverted ? ", inverted" : "",
		 *s->settings->view.filter ? "  only: " : "", s->settings->view.filter,
		 s->settings->paused ? "  PAUSED" : "");
	draw_at(0, LOOK_PLAIN, line);
}

static void draw_last(const struct screen *s)
{
	char line[128];

	if (s->typing == TYPING_NOTHING) {
		draw_at(LINES - 1, LOOK_HEADING,
			"F1Help F3Search F4Filter F5CPUs F6Sort EnterVerdicts ZPause F10Quit");
		return;
	}
	snprintf(line, sizeof(line), "%s: %s_", s->typing == TYPING_FILTER ? "Filter" : "Search",
		 s->typing == TYPING_FILTER ? s->settings->view.filter : s->search);
	draw_at(LINES - 1, LOOK_SELECTED, line);
}

/* The selected line is one with a stage, and on the screen. */
static void settle_selection(struct screen *s)
{
	size_t room = LINES > 2 ? LINES - 2 : 1;

	if (s->selected >= s->lines.n)
		s->selected = s->lines.n ? s->lines.n - 1 : 0;
	for (size_t i = 0; s->lines.n && !s->lines.v[s->selected].row && i < s->lines.n; i++)
		s->selected = (s->selected + 1) % s->lines.n;
	if (s->selected < s->offset + 2)
		s->offset = s->selected > 2 ? s->selected - 2 : 0;
	if (s->selected >= s->offset + room)
		s->offset = s->selected - room + 1;
	if (s->lines.n <= room)
		s->offset = 0;
}

void top_screen_draw(struct screen *s)
{
	top_make_lines(s);
	settle_selection(s);
	draw_first(s);
	for (int y = 1; y < LINES - 1; y++) {
		size_t i = s->offset + y - 1;
		const struct line *l = i < s->lines.n ? &s->lines.v[i] : NULL;

		draw_at(y,
			!l                           ? LOOK_PLAIN
			: l->row && i == s->selected ? LOOK_SELECTED
						     : l->look,
			l ? l->text : "");
	}
	draw_last(s);
	refresh();
}

static void start_curses(void)
{
	initscr();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	timeout(0);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_BLACK, COLOR_GREEN);
		init_pair(2, COLOR_RED, -1);
		init_pair(3, COLOR_BLACK, COLOR_CYAN);
	}
}

struct screen *top_screen_begin(const struct top *t, struct top_settings *settings)
{
	struct screen *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->t = t;
	s->settings = settings;
	s->utf8 = text_eq(nl_langinfo(CODESET), "UTF-8");
	start_curses();
	top_screen_draw(s);
	return s;
}

/* In the background the kernel stops us here, too. false: a signal ends that, or nobody can. */
static bool wait_for_terminal(void)
{
	struct termios modes;
	int r = tcgetattr(STDOUT_FILENO, &modes);

	while (!r && (r = tcsetattr(STDOUT_FILENO, TCSANOW, &modes)) && errno == EINTR &&
	       !signals_came())
		r = 0;
	return !r;
}

bool top_screen_pause(struct screen *s)
{
	endwin();
	signals_pause();
	if (signals_came() || !wait_for_terminal())
		return false;
	raise(SIGWINCH); /* of another size nobody was told meanwhile */
	clearok(curscr, TRUE);
	return top_screen_input(s);
}

void top_screen_end(struct screen *s)
{
	if (!s)
		return;
	if (!isendwin())
		endwin();
	array_done(&s->lines);
	free(s);
}

bool top_screen_input(struct screen *s)
{
	int key;

	while ((key = getch()) != ERR)
		top_press(s, key == '\r' ? '\n' : key);
	if (!s->quit)
		top_screen_draw(s);
	return !s->quit;
}
