/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* BTF as lines of text: ".type 5 struct "event" 8 : "source" 2 0 "port" 3 32". */
#pragma once

#include "base/text.h"
#include "object/asm_scan.h"
#include "object/unit.h"

/* How many words behind the colon belong together; the first may be a name. */
struct asm_type_kind {
	const char *word; /* NULL: no such kind */
	__u8 words;
	bool many; /* as often as there are members; else once */
	bool named;
};

/* BTF under construction: as bytes. Start with {}. */
struct asm_types {
	struct buf types, strings;
	__u32 n;
};

void asm_types_done(struct asm_types *t);
/* What stands behind ".type". */
int asm_type(struct scan *s, struct asm_types *t);
/* Into u->btf, checked; nothing if there was no type. */
int asm_types_finish(struct asm_types *t, struct unit *u, struct braid_error *err);
/*
 * Adds the types of @u but the DATASECs, which are made anew, and says by what number each goes
 * then: @ids, by type, room for all.
 */
void asm_types_text(const struct unit *u, __u32 *ids, struct buf *b);
/* "text" with quotation marks. */
void asm_quote(struct buf *b, const char *text);
