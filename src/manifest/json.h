/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The canonical form of a pipeline: the manifest's keys, defaults written out, always in
 * the same order. {"braid": 1, "pipelines": [...]} parses back to an equal model. Paths of
 * objects already have the manifest's folder in front: parse it under a name without '/'.
 */
#pragma once

#include <jansson.h>

#include "manifest/model.h"

int pipeline_to_json(const struct braid_pipeline *p, json_t **ret, struct braid_error *err);
/* The text of a whole manifest with only this pipeline. */
int pipeline_to_text(const struct braid_pipeline *p, char **ret, struct braid_error *err);
/* Written only where it is not the default: last, via auto. */
bool attach_is_default(const struct attach *a);
json_t *attach_to_json(const struct attach *a); /* NULL: no memory */
/* Those that are off; NULL: no memory. */
json_t *optimize_to_json(const struct braid_pipeline *p);
/* A number where JSON can say it exactly, a text otherwise. NULL: no memory. */
json_t *node_to_json(const struct node *n);
