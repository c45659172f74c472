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
 *
 * Parts need not follow each other: each says which comes next, and what one returns may
 * choose among several. Control goes forward only.
 */
#pragma once

#include "object/unit.h"

/* What a stage returns to end the chain with the hook's PASS: braid_accept() in braid.bpf.h. */
#define BRAID_ACCEPT 0x42524402u

/*
 * Where control goes on: the index of a later part, or
 * SPLICE_END: behind the last stage of the pipeline;
 * SPLICE_SLOT + s: the program in slot s of the PROG_ARRAY, by a tail call.
 */
#define SPLICE_END  0xffffffffu
#define SPLICE_SLOT 0x80000000u

struct splice_case {
	__u32 value, next;
};

struct splice_part {
	__u32 func;
	bool call;        /* kept as a function, and called */
	__u32 proceed_on; /* after these verdicts it goes on: verdict.h */
	__u32 next;       /* where it goes on */
	/*
	 * What it returns is no verdict, but chooses where control goes on; @next for none of
	 * these. Borrowed.
	 */
	bool chooses;
	const struct splice_case *cases;
	size_t n_cases;
	bool by_share;  /* one case: for all values below the control block's share */
	bool gated;     /* packets go past it while its bit in the control block is set */
	bool record;    /* recording seams store what it returned */
	bool observed;  /* funcs[observer] is called with the verdict and with @observe_as */
	__u32 observer; /* … and returns the verdict */
	__u32 observe_as;
	bool silent;      /* no stage of the author's: of watches, only those that time call seam */
	__u32 before;     /* bits: watches that call seam in front of it, too */
	__u32 behind;     /* bits: those that call it behind it; who times does so anyway */
	__u32 index;      /* of its stage: what a recording seam stores, which bit is its gate */
	const char *name; /* of the stage, for the line information of the seam behind it */
};

enum splice_end {
	SPLICE_LAST,  /* the verdict of the last stage */
	SPLICE_FIXED, /* a fixed verdict, when the last stage proceeds */
};

/* Offsets are those of words of 32 bits in sections[section]; section -1: there is none. */
struct splice_control {
	int section;
	__u32 closed, verdict, share, bypass, config;
	bool entry;  /* packets enter the pipeline here */
	bool closes; /* they leave at once, if the control block says that it is closed */
};

/*
 * Configuration: versions behind each other in sections[section], @size bytes each. A packet
 * uses the one that control.config named when it entered: of several programs, or of
 * functions, only the first looks there, and leaves it in element 0 of the per-CPU array
 * @packet_map (key and value of 4 bytes) for the others.
 */
struct splice_config {
	int section;
	__u32 size;
	int packet_map; /* -1: nobody else needs it */
};

/* Optimisations that are not made: whoever hunts a bug leaves them out, one by one. */
struct splice_plain {
	bool fold;    /* all exits go through the check, which is the general test of a mask */
	bool unread;  /* verdicts that nobody reads stay */
	bool context; /* the context is in the stack, and comes back in front of each part */
	bool frame;   /* each part has bytes of its own in the stack */
};

/*
 * Counting: sections[section] has a block of @block bytes for each of @mask + 1 CPUs. In it are
 * counters of SPLICE_COUNTER bytes: packets, then bytes, as packets came in. Offsets are those
 * in a block. What leaves is counted where it does; of what goes on only what is said here: all
 * else follows from these (compose/count.h).
 */
struct splice_count_part {
	__u32 verdicts; /* a row by verdict: of what leaves, and of what goes on with @proceed */
	__u32 proceed;  /* mask: goes on, and is counted */
	__u32 next;     /* goes on, and that is the end of the pipeline */
	__u32 bypass;   /* goes past it */
	const __u32 *cases; /* by case; 0: not counted. Of one next part: the same */
};

struct splice_count {
	int section;
	__u32 mask, block;
	__s32 low;        /* rows by verdict begin with this one, */
	__u32 n_verdicts; /* … have so many, and one for all others */
	bool entry;       /* packets come in here: their length is taken */
	bool stack;   /* … and kept in the stack; else it is the u64 at offset 0 of the block */
	__u32 closed; /* a row: of a pipeline that is closed */
	const __u32 *lost; /* by slot: tail calls that failed */
	const struct splice_count_part *parts;
};

#define SPLICE_COUNTER 16

struct splice {
	const char *name;    /* of the program */
	const char *section; /* "xdp", "xdp.frags", "tc" */
	const char *origin;  /* "file" of the seams in the line information, e.g. "braid:edge" */
	const struct splice_part *parts;
	size_t n_parts;
	enum splice_end end;
	__u32 verdict;  /* SPLICE_FIXED */
	__u32 tail_map; /* maps[tail_map] is the PROG_ARRAY of SPLICE_SLOT */
	__u32 pass;     /* the hook's verdict for BRAID_ACCEPT */
	__u32 lost;     /* the hook's verdict when a tail call fails */
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
	struct splice_control control;
	struct splice_config config;
	struct splice_plain plain;
	const struct splice_count *count;   /* borrowed; NULL: nothing is counted */
	const struct splice_watch *watches; /* borrowed */
	size_t n_watches;
	__u32 goes_on; /* this is a component, and after these verdicts another one follows */
};

/*
 * Somebody who looks at packets: functions of the unit. What they say lies in a stack slot.
 *	int begin(ctx)   at the entry of the pipeline: 1 it looks at this packet, 0 not
 *	int again(ctx)   at the entry of each other program of it: what begin() said
 *	int seam(ctx, u32 verdict, u64 where, u64 spent)   behind each part, for packets that it
 *			looks at. @where: the stage's index, or more (watch.c); in the upper half
 *			verdicts after which the packet goes on. @spent: nanoseconds that the part
 *			took, if one of the watches times
 */
struct splice_watch {
	__u32 begin, again, seam;
	bool times;
	bool ends; /* seam is called, too, where packets leave otherwise than by a stage */
};

#define SPLICE_WATCHES 8
/* Points that are no parts. They are those of compose/observe_abi.h. */
#define SPLICE_WATCH_END    0xfffffffeu /* leaves by the end of the pipeline */
#define SPLICE_WATCH_LOST   0xfffffffdu /* leaves, as a tail call failed */
#define SPLICE_WATCH_BEFORE 0x80000000u /* bit */
#define SPLICE_WATCH_SILENT 0x40000000u /* bit */
#define SPLICE_WATCH_ANY    0xffffffffu /* it goes on, whatever was returned */

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
/* Bytes of the stack that seams take at most: the context, the address of the configuration. */
#define SPLICE_STACK 16
/* … and for watches beside that: who looks, the verdict; two times, if one of them times. */
#define SPLICE_WATCH_STACK 24

/*
 * Adds the program to @u. The functions of spliced parts are dead afterwards, those of
 * called ones static functions; global ones if they make tail calls (called.c says why).
 * @ret_map: may be NULL; free with array_done(&ret_map->ranges).
 */
int splice_parts(struct unit *u, const struct splice *s, __u32 *ret_func,
		 struct splice_map *ret_map, struct braid_error *err);
