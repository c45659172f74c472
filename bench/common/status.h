/* SPDX-License-Identifier: GPL-2.0-only */
/* What runs, by what braid_status() says of it. Errors end the bench. */
#pragma once

#include <jansson.h>

#include "common/compose.h"

/* One pipeline, for json_decref(). */
json_t *status_read(struct braid *b, const char *pipeline);

/* The fd of the program that is attached. */
int status_program(const json_t *pipeline);
/* The fd of a map. @stage: NULL: one of several stages, or braid's own. */
int status_map(const json_t *pipeline, const char *stage, const char *name);
