/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What went wrong: filled by every call that can fail for more reasons than an errno tells. */
#ifndef BRAID_ERROR_H
#define BRAID_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct braid_error - one error, in the order in which a person needs it.
 * @code:  negative errno; 0 when nothing went wrong.
 * @where: place: "edge.yaml:12:7", "stage guard", "interface eth0"; may be NULL.
 * @what:  one line, no full stop.
 * @why:   the reason behind it; may be NULL.
 * @hint:  what to do about it; may be NULL.
 * @log:   the whole verifier log or the like, many lines; may be NULL.
 *
 * Start it with BRAID_ERROR_INIT. The strings belong to the struct; free them
 * with braid_error_clear(). A call that succeeds leaves it untouched. Strings
 * stay NULL when memory ran out; @code is always right.
 */
struct braid_error {
	int code;
	char *where;
	char *what;
	char *why;
	char *hint;
	char *log;
};

#define BRAID_ERROR_INIT                                                                           \
	{                                                                                          \
		0, 0, 0, 0, 0, 0                                                                   \
	}

/** braid_error_clear() - free what @err holds and make it empty again. NULL is fine. */
void braid_error_clear(struct braid_error *err);

#ifdef __cplusplus
}
#endif
#endif
