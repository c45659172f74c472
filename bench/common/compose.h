/* SPDX-License-Identifier: GPL-2.0-only */
/* What the benches want of libbraid's public API. Errors end the bench, as in harness.h. */
#pragma once

#include <braid/braid.h>

#include "common/harness.h"

/* If @r is an error, prints @what and @err, and exits. */
void braid_must(int r, const struct braid_error *err, const char *what);

/*
 * An empty pipeline for braid_pipeline_free(). @strategy: "fused" or "tailcall". Without
 * signals: they need a map, and chains of 64 counters have as many as a program may use.
 */
struct braid_pipeline *pipeline_open(const char *name, const char *strategy);

/* Adds @n stages, "<name>_0" and so on, each the only program of @object. */
void pipeline_repeat(struct braid_pipeline *p, const char *name, struct bytes object,
		     unsigned int n);

/* A manifest for braid_manifest_free(). @folder: where the paths of objects start from. */
struct braid_manifest *manifest_parse(const char *text, const char *folder);

/* Plans and links @p. The bytes of the result are for free(). */
struct bytes pipeline_link(const struct braid_pipeline *p);
