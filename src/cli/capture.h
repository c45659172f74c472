/* SPDX-License-Identifier: GPL-2.0-only */
/* braid capture: what its files share. */
#pragma once

#include "cli/names.h"
#include "cli/pcapng.h"

/* What was asked for: which seams. */
struct seam_choice {
	const char *const *stages; /* names; 0: all */
	size_t n_stages;
	bool before, after; /* none: both sides of stages that were named; else entry and behind */
};

/* A seam, and its interface in the file. */
struct seam {
	uint32_t point;     /* as in events */
	uint32_t interface; /* in the present file */
	char *name, *description;
	uint64_t packets; /* written to the present file */
	struct seam_comment {
		char *text; /* of the packet before: mostly that of the next one, too */
		uint32_t verdict, ifindex;
		uint16_t leaves, cpu;
	} comment;
};

struct seams {
	ARRAY(struct seam)
	list; /* of the present revision: the last @present; those of earlier
		 ones in front */
	size_t present;
	const char *filter; /* text; NULL: none */
	uint32_t snap;
};

/*
 * capture_seams.c: names of stages that need events in front of them, for braid_observe_opts.
 * @all: of the pipeline, @n_all. *ret: caller frees the list, not the names. NULL: no memory.
 */
const char **seams_before(const struct seam_choice *c, const char *const *all, size_t n_all,
			  size_t *ret_n);
/* Events that nobody asked for are not made. What is in @opts is borrowed from @c. */
void seams_limit(const struct seam_choice *c, struct braid_observe_opts *opts);
/* Those of the revision that @n names. Return: 0; -ENOENT no such stage; -ENOMEM. */
int seams_choose(struct seams *s, const struct seam_choice *c, const struct names *n,
		 const char *pipeline, struct braid_error *err);
void seams_done(struct seams *s);
/* Where @e is from; NULL: nobody asked for it. */
struct seam *seams_find(struct seams *s, const struct braid_event *e);
/* A section, and the seams of the present revision: numbered from 0. */
void seams_begin_file(struct seams *s, struct buf *out);
/* Interfaces of a revision that came while the file was open. */
void seams_add(struct seams *s, struct buf *out);
/* Statistics of all interfaces of the file. Times: ns since 1970. */
void seams_end_file(const struct seams *s, uint64_t start_ns, uint64_t end_ns, uint64_t missed,
		    struct buf *out);
#define SEAM_END_BYTES 160 /* of one of them at most */

/*
 * A packet at a seam as a block. @dropped: events that were missed before it. @gap: what else there
 * is to say of what is not there, in front of its comment; may be NULL.
 */
void seam_packet(struct seam *s, const struct names *n, const struct braid_event *e,
		 uint64_t dropped, const char *gap, struct buf *out);
