/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What differs between hooks. Verdicts are 32-bit words, as programs return them; sets of them
 * are masks: object/verdict.h.
 */
#pragma once

#include "manifest/model.h"
#include "object/verdict.h"

/* A word for a number. Of several for one the first is the one that is written. */
struct word {
	const char *name;
	__u32 value;
};

struct hook_facts {
	const char *name;     /* in manifests */
	const char *sections; /* of its programs: "xdp", "tc" */
	bool is_tc;           /* context struct __sk_buff; else struct xdp_md */
	/*
	 * Of packets on which no stage decides (BRAID_ACCEPT, a pipeline that is paused): on, as
	 * if the pipeline were not there. For TC that is "unspec": others in the list run.
	 */
	__u32 pass;
	__u32 drop;
	__u32 lost;                  /* the verdict when a tail call fails */
	__u32 proceed_on;            /* the default mask */
	const struct word *verdicts; /* ends with a name NULL */
};

const struct hook_facts *hook_facts(enum hook hook);
bool hook_parse(const char *name, enum hook *ret);
/* What packets leave with while a pipeline is paused: "pass" or "drop"; NULL: "pass". */
__u32 hook_closed_verdict(enum hook hook, const char *word);
const char *hook_closed_word(enum hook hook, __u32 verdict); /* NULL: neither */

/* XDP: "aborted", "drop", "pass", "tx", "redirect". TC: "unspec", "ok", "shot", ... */
const char *verdict_name(enum hook hook, __u32 verdict); /* NULL: no such verdict */
bool verdict_parse(enum hook hook, const char *name, __u32 *ret_verdict);
/*
 * The same, or an error with the words of this hook. @what: "verdict". @besides: a word that
 * the caller takes, too; may be NULL.
 */
int verdict_read(enum hook hook, const char *what, const char *besides, const char *word,
		 struct place at, __u32 *ret_verdict, struct braid_error *err);

extern const char *const hook_names[];    /* by enum hook, NULL-terminated; so the others */
extern const char *const verdict_names[]; /* every word of every hook, in no order */
extern const char *const final_names[];   /* "last", then all those */
