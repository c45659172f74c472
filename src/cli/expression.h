/* SPDX-License-Identifier: GPL-2.0-only */
/* A filter expression as it stands behind the other arguments, as with tcpdump. */
#pragma once

#include "cli/observe.h"

/*
 * The @n words of @words become from->filter. @ret: owns the text; NULL: there are none.
 * Return: EXIT_DONE; EXIT_USAGE: there is --filter, too.
 */
int take_expression(const struct command *c, int n, char **words, struct look_options *from,
		    char **ret);
