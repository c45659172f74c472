/* SPDX-License-Identifier: GPL-2.0-only */
/* What the benches want of libbraid's public API. Errors end the bench, as in harness.h. */
#pragma once

#include <braid/braid.h>

#include "common/harness.h"

/* If @r is an error, prints @what and @err, and exits. */
void braid_must(int r, const struct braid_error *err, const char *what);

/* An empty pipeline for braid_pipeline_free(). @strategy: "fused" or "tailcall". */
struct braid_pipeline *pipeline_open(const char *name, const char *strategy);

/* Adds @n stages, "<name>_0" and so on, each the only program of @object. */
void pipeline_repeat(struct braid_pipeline *p, const char *name, struct bytes object,
		     unsigned int n);

/* Plans and links @p. The bytes of the result are for free(). */
struct bytes pipeline_link(const struct braid_pipeline *p);
