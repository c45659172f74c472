/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A line of assembler text, word by word. */
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "braid/error.h"

/* A piece of the text, borrowed; v NULL: none. */
struct word {
	const char *v;
	size_t n;
};

/* Where one is. Lines are looked at one at a time: nothing reads beyond the end of one. */
struct scan {
	const char *name; /* of the file */
	const char *line, *at, *end;
	unsigned int number; /* of the line, from 1 */
	struct braid_error *err;
};

bool word_is(struct word w, const char *text);
/* malloc()ed; NULL: no memory. */
char *word_text(struct word w);

/* Each skips blanks, and takes what it is called by, or nothing. */
bool scan_sign(struct scan *s, const char *sign);       /* "+=", "(", exactly that */
bool scan_keyword(struct scan *s, const char *keyword); /* a whole word */
bool scan_word(struct scan *s, struct word *ret);       /* of letters, digits, _ . $ @ */
bool scan_register(struct scan *s, __u8 *ret, bool *ret_wide);
/* Nothing is left but a comment. */
bool scan_is_end(struct scan *s);

/* The same, but it must be there: else -EINVAL, and the error is set. */
int scan_expect(struct scan *s, const char *sign);
int scan_name(struct scan *s, const char *what, struct word *ret); /* a word, or "quoted" */
/* Decimal or 0x…, with a sign or without. @low, @high: its bounds. */
int scan_number(struct scan *s, const char *what, __s64 low, __s64 high, __s64 *ret);
int scan_u64(struct scan *s, const char *what, __u64 *ret);
/* "text": with \n \t \r \0 \" \\ \xNN. @ret: malloc()ed, NUL-terminated. */
int scan_string(struct scan *s, char **ret, size_t *ret_n);
int scan_end(struct scan *s);
bool scan_is_number(struct scan *s);
bool scan_is_string(struct scan *s);

/* -EINVAL: "file:3:7: 'xyz' where a register is expected". */
int scan_expected(struct scan *s, const char *what);
/* -EINVAL at the present place. */
int scan_wrong(struct scan *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
