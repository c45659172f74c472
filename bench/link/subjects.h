/* SPDX-License-Identifier: GPL-2.0-only */
/* The pipelines that bench-link measures. */
#pragma once

#include "common/compose.h"

/*
 * Two versions of a pipeline on interface eth0: the second one ends with a fixed verdict,
 * so that applying it after the first is a change.
 */
struct subject {
	const struct braid_pipeline *versions[2];
	struct braid_manifest *manifests[2]; /* own @versions, or NULL: these are their own */
};

struct subject_kind {
	const char *name;
	void (*open)(const char *strategy, struct subject *ret);
};

extern const struct subject_kind subject_kinds[];
extern const unsigned int subject_kinds_n;

void subject_close(struct subject *s);
