/* SPDX-License-Identifier: GPL-2.0-only */
/* braid trace: what its files share. */
#pragma once

#include "cli/journey.h"
#include "cli/names.h"
#include "cli/observe.h"

struct drop_count {
	char *stage;
	const char *verdict;
	uint64_t packets;
};

struct trace_totals {
	uint64_t looked_at, shown, missed;
	const struct braid_observer *observer; /* when it did not look */
	ARRAY(struct drop_count) drops;        /* with --drops: by stage and verdict */
};

/* trace_text.c: for people. @colour: escapes for a terminal. */
void trace_text(const struct names *n, const struct journey *j, bool colour);
void trace_text_drop(const struct names *n, const struct braid_event *e, bool colour);
/* Nobody looked for @ns before the present revision, or before what runs was put in again. */
void trace_text_gap(const struct names *n, bool is_new, uint64_t ns);
void trace_text_totals(const struct trace_totals *t, bool drops);

/* trace_json.c: one object, and a newline. */
void trace_json(const struct names *n, const struct journey *j);
void trace_json_drop(const struct names *n, const struct braid_event *e);
void trace_json_gap(const struct names *n, uint64_t ns);
void trace_json_totals(const struct trace_totals *t, bool drops);
