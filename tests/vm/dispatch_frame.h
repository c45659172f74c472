/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The frames of the dispatcher's tests: what components write into them, and what they read. */
#pragma once

enum {
	FRAME_SIZE = 128,
	FRAME_SIGNED = 16, /* how many have signed */
	FRAME_MARKS = 20,  /* their letters, in order */
	FRAME_MOST = 32,
	FRAME_ASKS = 64, /* by letter, from 'a': verdict + 1; 0: PASS */
	FRAME_LETTERS = 26,
};
