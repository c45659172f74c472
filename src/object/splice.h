/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Several functions become one program; between two lies a seam.
 *
 *	r9 = r1				the context is kept for later: in a register that no
 *					stage touches, or in a stack slot below all stages'
 *	<part 1>			each exit became a jump
 *	if w0 != PASS goto out		the seam, for verdicts not known before: one compare,
 *					or a bit test
 *	r1 = r9				unless part 1 left r1 alone
 *	<part 2>			or: call part_2
 *	…
 * out:	if w0 == ACCEPT: w0 = PASS	for verdicts that may be it
 *	exit
 */
#pragma once

#include "object/unit.h"

/* What a stage returns to end the chain with the hook's PASS: braid_accept() in braid.bpf.h. */
#define BRAID_ACCEPT 0x42524402u

struct splice_part {
	__u32 func;
	bool call;        /* kept as a function, and called */
	__u32 proceed_on; /* bit v set: after verdict v goes on; only verdicts below 32 can */
	__u32 index;      /* what a recording seam stores */
	const char *name; /* of the stage, for the line information of the seam behind it */
};

enum splice_end {
	SPLICE_LAST,  /* the verdict of the last part */
	SPLICE_FIXED, /* a fixed verdict, when the last part proceeds */
	SPLICE_TAIL,  /* a tail call, when the last part proceeds */
};

struct splice {
	const char *name;    /* of the program */
	const char *section; /* "xdp", "xdp.frags" */
	const char *origin;  /* "file" of the seams in the line information, e.g. "braid:edge" */
	const struct splice_part *parts;
	size_t n_parts;
	enum splice_end end;
	__u32 verdict;             /* SPLICE_FIXED */
	__u32 tail_map, tail_slot; /* SPLICE_TAIL: maps[tail_map] is a PROG_ARRAY */
	__u32 pass;                /* the hook's verdict for BRAID_ACCEPT */
	__u32 lost;                /* the hook's verdict when a tail call fails */
	/*
	 * Write 0 to stack slots that the next stage uses in parts. It reads nothing there that
	 * it did not write, but the verifier keeps slots as wholes: what an earlier stage left
	 * in the rest keeps its states apart, and their number multiplies from stage to stage.
	 */
	bool clean_stack;
	/*
	 * Each seam stores its part's index (u32 at record_offset) and verdict (u32 behind
	 * it) in sections[record_section]; -1: none does.
	 */
	int record_section;
	__u32 record_offset;
};

/* Where instructions of a spliced program come from. */
struct splice_range {
	__u32 first, n; /* instructions of the program */
	__u32 part;
	bool seam; /* braid's own, behind that part */
};

struct splice_map {
	ARRAY(struct splice_range) ranges;
};

/* The most instructions that a part may have: jumps across it have 16 bits. */
#define SPLICE_PART_LIMIT 30000

/*
 * Adds the program to @u. The functions of spliced parts are dead afterwards, those of
 * called ones static functions.
 * @ret_map: may be NULL; free with array_done(&ret_map->ranges).
 */
int splice(struct unit *u, const struct splice *s, __u32 *ret_func, struct splice_map *ret_map,
	   struct braid_error *err);
