/* SPDX-License-Identifier: GPL-2.0-only */
/* braid top on a terminal: what its files share. */
#pragma once

#include "cli/top.h"

enum line_look { LOOK_PLAIN, LOOK_TITLE, LOOK_HEADING, LOOK_DYING, LOOK_DIM, LOOK_SELECTED };

struct line {
	char text[512];
	enum line_look look;
	const struct top_row *row; /* NULL: cannot be selected */
};

enum typing { TYPING_NOTHING, TYPING_FILTER, TYPING_SEARCH };

struct screen {
	const struct top *t;
	struct top_settings *settings;
	ARRAY(struct line) lines;
	size_t offset, selected; /* of lines */
	bool utf8, help, cpus, verdicts, quit;
	enum typing typing;
	char search[64];
};

/* top_lines.c: what is shown, as a list of lines, which is drawn from an offset on. */
void top_make_lines(struct screen *s);
/* top_keys.c: a key of curses, or a character. */
void top_press(struct screen *s, int key);
