/* SPDX-License-Identifier: GPL-2.0-only */
/* Metrics as Prometheus has them: families of samples, each with a value and labels. */
#pragma once

#include "base/text.h"
#include "cli/cli.h"

/* metrics_list.c: all that there are; docs/metrics.md says what each is. */
enum family {
	BUILD_INFO,
	PIPELINE_INFO,
	PIPELINE_ERROR,
	PIPELINE_REVISION,
	PIPELINE_CREATED,
	PIPELINE_INTERRUPTED,
	PIPELINE_RUNNING,
	PIPELINE_ATTACHED,
	PIPELINE_SINCE,
	PIPELINE_PACKETS,
	PIPELINE_BYTES,
	PIPELINE_LEFT_PACKETS,
	PIPELINE_LEFT_BYTES,
	STAGE_PACKETS,
	STAGE_BYTES,
	STAGE_BYPASSED_PACKETS,
	STAGE_BYPASSED_BYTES,
	TAIL_CALLS_LOST,
	EDGE_PACKETS,
	EDGE_BYTES,
	PROGRAM_INSTRUCTIONS,
	PROGRAM_JITED,
	PROGRAM_VERIFIED,
	SIGNAL_ACTIVE,
	OBSERVERS,
	ROLLOUT_ACTIVE,
	ROLLOUT_SHARE,
	ROLLOUT_STEP,
	FAMILIES
};

struct family_facts {
	const char *name, *type, *help;
};
extern const struct family_facts families[FAMILIES];

/* Samples by family: lists of {"labels": {…}, "value": number}. */
struct metrics {
	json_t *samples[FAMILIES];
};

/*
 * One more of @f; a second one with the same labels is added to the first.
 * @value: taken. @labels: names and values, a NULL at the end; an empty value is none.
 */
void metrics_add(struct metrics *m, enum family f, json_t *value, const char *const *labels);
void metrics_done(struct metrics *m);
/* Prometheus's text exposition format, version 0.0.4. */
void metrics_text(const struct metrics *m, struct buf *b);
json_t *metrics_json(const struct metrics *m);
