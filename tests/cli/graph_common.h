/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of `braid graph` share: pipelines of the examples, which run nowhere, and what
 * was counted of one of them. No privilege is needed.
 */
#pragma once

#include "run.h"
#include "tap.h"

extern const char *graph_braid;

/* Arguments: the command; the folder of the examples. Makes an empty folder, and goes there. */
void graph_init(int argc, char **argv);
/* Removes that folder. Return: done(). */
int graph_end(void);

/* Writes a file there. */
void graph_write(const char *name, const char *text);

/*
 * `all.yaml`, pipeline `all`, and its counters in `all.json`: of 1000 packets 100 are dropped at
 * guard; 500 are TCP, of which acl drops 50, 300 UDP or SCTP, 100 others; 85 go to the new
 * version of flowstat, which drops 5; lb sends 800 back and passes 45. `sampler` is disabled.
 */
void graph_write_all(void);
/* Pipeline `many` of @n stages in `many.yaml`, with @more keys of the pipeline. */
void graph_write_many(int n, const char *more);
