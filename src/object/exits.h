/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Where control goes from the exits of a spliced function. Where the verdict is known on
 * the way to an exit, as it mostly is ("return XDP_DROP;"), the way leads straight to
 * where that verdict leads, and the seam's check is for the others only.
 */
#pragma once

#include "object/unit.h"

enum label {
	LABEL_NONE,  /* not an exit, and no jump to one that is redirected */
	LABEL_CHECK, /* the seam looks at the verdict: right for any */
	LABEL_PASS,  /* behind the check: the pipeline goes on */
	LABEL_OUT,   /* leave the pipeline; the verdict may be BRAID_ACCEPT */
	LABEL_EXIT,  /* leave it with the verdict as it is */
	/* and more: leave it with a verdict that is set there; r0 does not matter on the way */
	LABEL_VERDICT,
	N_LABELS = LABEL_VERDICT + 10
};

/* From -1 to 8, which is all that hooks have; others have no label. */
static inline bool verdict_has_label(__u32 verdict)
{
	return verdict + 1 < N_LABELS - LABEL_VERDICT;
}

static inline __u32 label_of_verdict(__u32 verdict)
{
	return LABEL_VERDICT + verdict + 1;
}

static inline __u32 verdict_of_label(__u32 label)
{
	return label - LABEL_VERDICT - 1;
}

struct exits_rule {
	bool fold; /* use known verdicts; otherwise every way leads to the check */
	bool last; /* no seam behind: LABEL_OUT stands for LABEL_CHECK, nothing is LABEL_PASS */
	__u32 proceed_on; /* verdicts that go on: verdict.h */
	__u32 accept;     /* the value of BRAID_ACCEPT */
	__u32 pass;       /* the verdict that it stands for */
};

struct exits {
	/* by instruction: of an exit, where it leads; of a jump to an exit, where it is to jump */
	unsigned char *label;
	bool used[N_LABELS];
};

/* 0 or -ENOMEM. exits_done() it. */
int exits_init(struct exits *x, const struct func *f, const struct exits_rule *rule);
void exits_done(struct exits *x);
