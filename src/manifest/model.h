/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What is wanted, as a value: pipelines of stages. Comes from YAML (manifest.c),
 * from C (build.c) or from the store; the layers below read it, none changes it.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#include "base/array.h"
#include "braid/manifest.h"
#include "manifest/node.h"

enum hook { HOOK_XDP };

/* How an XDP program is attached: in the driver, or in the stack for any device. */
enum mode { MODE_NATIVE, MODE_GENERIC };

enum strategy { STRATEGY_AUTO, STRATEGY_FUSED, STRATEGY_TAILCALL };

struct interface {
	char *name;
	char *netns; /* a name in /run/netns, or a path with '/'; NULL: the caller's own */
	struct place at;
};

/* A constant of .rodata: @value is fitted to the variable's BTF type when linking. */
struct constant {
	char *name;
	struct node *value;
	struct place at;
};

/* One initial entry of a map; NULL key: the index is the entry's position (arrays). */
struct map_entry {
	struct node *key, *value;
	struct place at;
};

/* What the manifest says about one map of a stage. */
struct map_setup {
	char *name;
	__u32 max_entries; /* 0: as the object says */
	ARRAY(struct map_entry) entries;
	struct place at;
};

struct stage {
	char *name;   /* [a-z][a-z0-9_-]{0,31} */
	char *object; /* path, with the manifest's folder in front; with @bytes only a label */
	void *bytes;  /* owned; the object itself, when it does not come from @object */
	size_t size;
	char *program; /* function name; NULL: the only program of the hook in the object */
	bool has_proceed_on;
	__u32 proceed_on; /* bit v set: verdict v goes on to the next stage */
	ARRAY(struct constant) constants;
	ARRAY(struct map_setup) maps;
	struct place at;
};

struct map_ref {
	char *stage, *map;
	struct place at;
};

/* One map in place of one map each of several stages; the first gives the definition. */
struct shared_map {
	char *name;
	ARRAY(struct map_ref) members;
	struct place at;
};

struct braid_pipeline {
	char *name; /* [a-z][a-z0-9_-]{0,31} */
	enum hook hook;
	enum mode mode;
	enum strategy strategy;
	bool has_final;
	__u32 final; /* verdict after the last stage; without: the last stage's own */
	ARRAY(struct interface) interfaces;
	ARRAY(struct stage) stages;
	ARRAY(struct shared_map) shared;
	struct place at;
};

struct braid_manifest {
	ARRAY(struct braid_pipeline *) pipelines;
	ARRAY(char *) files; /* owns the names that every struct place points to */
};

void interface_done(struct interface *i);
void constant_done(struct constant *c);
void map_entry_done(struct map_entry *e);
void map_setup_done(struct map_setup *m);
void stage_done(struct stage *s);
void shared_map_done(struct shared_map *s);
DEFINE_CLEANUP(struct braid_pipeline *, braid_pipeline_free)
DEFINE_CLEANUP(struct braid_manifest *, braid_manifest_free)

/* NULL: none of that name. */
struct stage *pipeline_stage(const struct braid_pipeline *p, const char *name);

/* Verdicts of a hook by their names in manifests: "aborted", "drop", "pass", "tx", "redirect". */
const char *verdict_name(enum hook hook, __u32 verdict); /* NULL: no such verdict */
bool verdict_parse(enum hook hook, const char *name, __u32 *ret_verdict);
extern const char *const hook_names[]; /* by enum hook, NULL-terminated; so the next four */
extern const char *const mode_names[];
extern const char *const strategy_names[];
extern const char *const verdict_names[]; /* of HOOK_XDP */
extern const char *const final_names[];   /* "last", then the verdicts */
