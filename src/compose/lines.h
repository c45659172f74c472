/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The line records of a program, as it is handed to the kernel, each with the stage that it is
 * of. The verifier moves, inserts and removes instructions, and keeps records with what they
 * belong to; so these tell of which stage an instruction of the loaded program is.
 */
#pragma once

#include "compose/image.h"

#define LINE_NO_STAGE (-1)

struct image_line {
	__u32 insn;       /* of the program as the verifier counts */
	int stage;        /* index in the plan; of a seam: that it is behind; LINE_NO_STAGE */
	bool seam;        /* braid's own code */
	const char *func; /* a function apart from the program; NULL: it is the program itself */
	const char *file, *text;
	__u32 line_col;
};

struct image_lines {
	ARRAY(struct image_line) list;
};

/* Strings are borrowed from @image. 0 or -ENOMEM. */
int image_lines(const struct image *image, __u32 segment, struct image_lines *ret);
void image_lines_done(struct image_lines *lines);

/*
 * The record that @file, @text and @line_col are: the next one behind @from that is equal.
 * -1: there is none.
 */
int image_lines_next(const struct image_lines *lines, size_t from, const char *file,
		     const char *text, __u32 line_col);
/* The range of the splice map that instruction @insn of its program lies in; NULL: none. */
const struct splice_range *image_range(const struct image *image, __u32 segment, __u32 insn);
/* The stage whose name space function @f is in; LINE_NO_STAGE. */
int image_func_stage(const struct image *image, const struct func *f);

/* Calls @fn for each function of the program, in the order in which libbpf lays them out. */
int image_each_func(const struct image *image, __u32 segment,
		    int (*fn)(void *ctx, __u32 func, __u32 first), void *ctx);
