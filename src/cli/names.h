/* SPDX-License-Identifier: GPL-2.0-only */
/* What the numbers in events stand for: stages, interfaces, verdicts, the time of day. */
#pragma once

#include <braid/observe.h>

#include "cli/cli.h"

struct named_stage {
	char *name, *program;
};

struct named_interface {
	long long ifindex;
	char *name;
};

struct names {
	const char *hook; /* the observer's */
	uint32_t revision;
	ARRAY(struct named_stage) stages;
	ARRAY(struct named_interface) interfaces;
	bool components;  /* its programs are some of a dispatcher's: others' may be in between */
	uint64_t wall_ns; /* CLOCK_REALTIME, less CLOCK_MONOTONIC */
};

/* Of what @o looks at now. After an error @n is empty. Return: 0, negative errno. */
int names_read(struct names *n, struct braid *b, const char *pipeline,
	       const struct braid_observer *o, struct braid_error *err);
void names_done(struct names *n);
#define _cleanup_names_ _cleanup_(names_done)

/* The clock may have been set: once more. */
void names_clock(struct names *n);
uint64_t names_now(const struct names *n); /* ns since 1970, by that clock */

/* @point: of an event, with or without BRAID_EVENT_BEFORE. "entry", "end", "tail call". */
const char *names_stage(const struct names *n, uint32_t point);
/* "": none. */
const char *names_program(const struct names *n, uint32_t point);
const char *names_verdict(const struct names *n, uint32_t verdict);
/* "r0"; two of the same number, in two namespaces: "r0|x1"; "": unknown. */
const char *names_interface(const struct names *n, uint32_t ifindex);

/* Is it the end of the packet, by no wish of its sender? Of all hooks; "lost": a tail call failed.
 */
bool is_drop(const char *verdict);
