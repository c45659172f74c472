/* SPDX-License-Identifier: GPL-2.0-only */
/* What braid top needs of a terminal, looked at while nothing is changed yet. */
#include <curses.h>
#include <errno.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/top.h"

static int refuse(const struct options *o, char *why, const char *hint)
{
	struct braid_error err = {
		.code = -ENOTTY,
		.what = (char *)"this terminal cannot be used for a screen",
		.why = why,
		.hint = (char *)hint,
	};

	return fail(o, &err);
}

/* Whoever draws from the background is stopped, and then hears no signal. */
static bool is_background(int fd)
{
	pid_t group = tcgetpgrp(fd); /* -1: none that could stop us */

	return group >= 0 && group != getpgrp();
}

/* Return: what is wrong with it; NULL: nothing, or no memory. Caller frees. */
static char *wrong_type(void)
{
	const char *name = getenv("TERM");
	bool can_move;
	int found;

	if (!name || !*name)
		return text_fmt("TERM is not set: nobody knows what it understands");
	if (setupterm(NULL, STDOUT_FILENO, &found) == ERR)
		return found < 0 ? text_fmt("there is no terminfo database")
				 : text_fmt("nothing is known of its type, '%s'", name);
	can_move = cursor_address;
	del_curterm(cur_term);
	return can_move ? NULL : text_fmt("its cursor cannot be moved: its type is '%s'", name);
}

int top_terminal_check(const struct options *o)
{
	_cleanup_free_ char *wrong = NULL;

	if (is_background(STDOUT_FILENO) || is_background(STDIN_FILENO))
		return refuse(o,
			      (char *)"it is in the hands of others: braid runs in the background, "
				      "or by timeout(1)",
			      "fg, or timeout --foreground; --once and --json take no screen");
	wrong = wrong_type();
	if (!wrong)
		return EXIT_DONE;
	return refuse(o, wrong,
		      "set TERM to the name of its type: linux, xterm-256color, tmux-256color;\n"
		      "--once and --json take no screen");
}
