/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers, sizes and times as people type them. Digits only: no sign, no blank. */
#pragma once

#include <stdint.h>

enum amount_kind {
	AMOUNT_NUMBER, /* "1000" */
	AMOUNT_SIZE,   /* bytes: "65536", "64k", "10M", "1G": powers of 1024 */
	AMOUNT_TIME,   /* ns: "500ms", "1.5h"; also ns, us, s, m; a number alone is seconds */
};

struct amount {
	enum amount_kind kind;
	const char *least, *most; /* as one types them; NULL: what fits */
};

/* In the place of a struct amount's address. */
#define NUMBER(least, most) (&(const struct amount){AMOUNT_NUMBER, least, most})
#define UINT32_TEXT         "4294967295"

/* Return: NULL; or what is wrong with @text: "is not a number", "is less than 1"; a static text. */
const char *amount_parse(const struct amount *a, const char *text, uint64_t *ret);
