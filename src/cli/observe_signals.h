/* SPDX-License-Identifier: GPL-2.0-only */
/* Signals that end a process that looks at packets: in order, and never in the middle of a step. */
#pragma once

#include <signal.h>
#include <stdbool.h>

void signals_of_interest(sigset_t *ret);
/* Who is blocked for these signals is told by signals_came(), not ended. SIGPIPE: the write fails.
 */
void signals_catch(void);
/* They end the process again. */
void signals_forget(void);
/* While it waits, or writes: ppoll() takes the mask. */
void signals_mask_open(sigset_t *ret);
bool signals_came(void);
