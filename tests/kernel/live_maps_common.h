/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of `braid map` share: a pipeline `edge` with the stage `all` of live_maps. */
#pragma once

#include "live_common.h"

#define FLOW "{source: 192.0.2.1, port: 443}"

/* Stage `all`; @more: its further keys, with a comma in front. */
const char *maps_stage(const char *more);
void maps_apply(const char *more);
/* `braid map VERB edge …`: it must succeed. Return: what it prints, up to the next but 7. */
#define map_says(...) maps_run(0, NULL, (const char *const[]){live_braid, "map", __VA_ARGS__, NULL})
/* It ends with @status and says @says on standard error; the whole of it is returned. */
#define map_fails(status, says, ...)                                                               \
	maps_run(status, says, (const char *const[]){live_braid, "map", __VA_ARGS__, NULL})
const char *maps_run(int status, const char *says, const char *const argv[]);
/* Descriptor of a map of stage all; the caller closes it. */
int maps_open(const char *map);
/* Each has a line of its own in @out. */
bool has_line(const char *out, const char *line);
