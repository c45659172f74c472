/* SPDX-License-Identifier: GPL-2.0-only */
/* What became of a packet between two views of it, in the words of its headers. Pure. */
#pragma once

#include "base/array.h"
#include "cli/headers.h"

/* A packet at a seam, as struct braid_event has it. */
struct view {
	const __u8 *bytes;
	unsigned int captured, length;
	int head; /* by how much its start has moved since the entry; negative: it grew in front */
};

enum change_kind {
	CHANGE_FIELD,  /* of a header */
	CHANGE_BYTES,  /* of no known field */
	CHANGE_PUSHED, /* a header, or bytes, that were not there */
	CHANGE_PULLED, /* … that are not there any more */
};

struct change {
	enum change_kind kind;
	unsigned int at;       /* in the packet as it is now; of what was pulled: as it was */
	const __u8 *old, *now; /* of the views; NULL: pushed; pulled */
	unsigned int n;
	char *name;      /* "ip.ttl", "vlan", "tcp"; NULL: payload. Owned, as those below */
	char *from, *to; /* their values, if there is a better way than the bytes; else NULL.
			    Of a header that was pushed, or pulled: its fields */
};

struct changes {
	ARRAY(struct change) list; /* pulled ones first, then by offset */
	int front;                 /* bytes that came in front; negative: that went */
	int end;                   /* the same at the end */
};

/* @ret borrows the bytes of both. Return: 0, -ENOMEM. */
int changes_find(const struct view *old, const struct view *now, struct changes *ret);
void changes_done(struct changes *c);
