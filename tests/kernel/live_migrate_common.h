/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of maps that go on from one revision to the next share: pipeline `edge` with
 * one stage `s`, a version of live_migrate.bpf.c, what is in its maps, and what reports say.
 */
#pragma once

#include "base/error.h"
#include "live_common.h"
#include "live_migrate.h"

enum { ENTRIES = 100, FRAMES_BETWEEN = 16384, DEADLINE_MS = 60000 };

#define MIGRATE ON_R0 "on-change: migrate, "

extern struct braid_error err; /* of the last call of the library */
/* The maps in which each frame is counted: members `packets`, which all versions have. */
enum { COUNTING = 6 };
extern const char *const counting[COUNTING];

/* Stage s of @variant; @more: further keys of it, with a comma in front. */
const char *manifest(const char *variant, const char *pipeline, const char *more);
/* Begins anew with @variant. */
void begin(const char *variant);

/* What a report or a plan says of a map; bails out if that is nothing. */
json_t *carry_of(json_t *j, const char *name);
const char *how(json_t *j, const char *name);

/* A map of edge by its name in status, not one of braid's own; bails out if there is none. */
int open_map(const char *name);
__u32 id_of(const char *name);
void must_put(int fd, const void *key, const void *value);
struct prefix prefix_of(__u32 i);
/* Entries 0 to @n of a map that has record0; of one per CPU, packets differ by CPU. */
void fill(const char *name, __u32 n);
/* The sum of the member over all entries and CPUs of a map that has records of @variant. */
__u64 packets_in(const char *name, int variant);

/* Globals of the stage. */
__u64 global(const char *variable, size_t size);
void set_global(const char *variable, __u64 v, size_t size);
