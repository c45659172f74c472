/* SPDX-License-Identifier: GPL-2.0-only */
/* braid latency: what its files share. */
#pragma once

#include <braid/observe.h>

#include "cli/cli.h"

/* Of a stage, or of the whole pipeline; nanoseconds, without what looking at the clock took. */
struct latency {
	char *name; /* "": the whole pipeline */
	unsigned long long packets;
	double mean, p50, p90, p99, p999, max;
	struct braid_times times; /* as measured; nothing, if it was read from a file */
};

/* One revision, as long as it was looked at. */
struct measurement {
	long long revision;
	double seconds, clock_ns;
	ARRAY(struct latency) list; /* stages in their order, then the whole pipeline */
};

void measurement_done(struct measurement *m);

/* latency_show.c */
void latency_show(const struct measurement *m);
/* Stages that both have. */
void latency_compare(const struct measurement *old, const struct measurement *new);
json_t *latency_to_json(const struct measurement *m);
/* The last revision in what --json has printed. Return: 0; -errno. */
int latency_from_file(const char *path, struct measurement *ret, struct braid_error *err);
