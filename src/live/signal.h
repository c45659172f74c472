/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A signal on its way: signal.c changes bits, signal_send.c is what people call. */
#pragma once

#include "live/runtime.h"

struct signal_kind {
	const char *name;
	__u32 set, clear; /* of a stage */
	bool closes;      /* a pipeline */
	bool bit_given;   /* set and clear: which bit is said */
};

struct signalling {
	struct braid *b;
	const char *name;  /* of the pipeline */
	const char *stage; /* NULL: the pipeline itself */
	const char *verdict;
	const struct signal_kind *signal;
	__u32 bit;        /* for bit_given */
	__u32 set, clear; /* bits of stages */
	bool announce;    /* let programs see the bits before packets go past them */
	bool changed;
	struct running run;
	struct braid_manifest *manifest;
	struct braid_pipeline *p; /* its only pipeline */
	struct control_map map;
	json_t *document; /* what is wanted */
	char *recovered;
};

/* Finds the pipeline and the stage, and checks that they take signals. */
int signalling_open(struct signalling *s, struct braid_error *err);
void signalling_done(struct signalling *s);
#define _cleanup_signalling_ _cleanup_(signalling_done)
/* The signal into the store and into the control block. */
int signalling_change(struct signalling *s, struct braid_error *err);
/* Back to @document. */
int signalling_restore(struct signalling *s, const json_t *document, struct braid_error *err);
