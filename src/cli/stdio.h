/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>

/* Nothing that is opened from now on takes the place of standard input, output or error. */
bool stdio_open(void);
/*
 * All that was printed is out, or that is said. To be called once, at the end of a process.
 * Return: @status; of a command that had done its work, EXIT_FAILED if its output is not whole.
 */
int stdio_close(int status);
