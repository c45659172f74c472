/* SPDX-License-Identifier: GPL-2.0-only */
/* Signals that end or stop a process that looks at packets: never in the middle of a step. */
#pragma once

#include <signal.h>
#include <stdbool.h>

/* Those that end it, and SIGTSTP. */
void signals_of_interest(sigset_t *ret);
/* Who is blocked for these signals is told by signals_came(), not ended. SIGPIPE: the write fails.
 */
void signals_catch(void);
/* SIGTSTP, as by ^Z, is noted, and look_loop() calls its pause. Without this it just stops. */
void signals_catch_pause(void);
/* In there: stands still as ^Z makes programs do, until it is continued. */
void signals_pause(void);
/* They end the process again. */
void signals_forget(void);
/* While it waits, or writes: ppoll() takes the mask. */
void signals_mask_open(sigset_t *ret);
bool signals_came(void);
