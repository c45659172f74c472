/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#pragma once

#include <jansson.h>

#include "compose/image.h"

/* The plan as braid_plan_json() gives it. */
int plan_to_json(const struct image *image, json_t **ret, struct braid_error *err);
/* segment_json.c: its "segments". */
int segments_to_json(const struct image *image, json_t **ret, struct braid_error *err);
/* A stage in pipeline_to_json()'s tree of stages and switches. Borrowed; NULL: none. */
json_t *model_find_stage(const json_t *model, const char *name);
/* One of its "maps". NULL: no memory. */
json_t *map_to_json(const struct image_map *m);
/* One of its "stages". */
json_t *plan_stage_to_json(const struct braid_plan *plan, const struct plan_stage *ps);
