/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Node tree -> model, by tables of keys. What a table does not have is refused; a test
 * holds docs/manifest.schema.json against the same tables. Readers set or replace, never
 * append to what was there: so a manifest and the values over it share them.
 */
#pragma once

#include "manifest/model.h"
#include "manifest/number.h"

/* Whether a key must be there, and the shape of its value. */
enum key_type {
	KEY_VERSION, /* the number 1 */
	KEY_TEXT,
	KEY_WORD,  /* one of a few */
	KEY_WORDS, /* one, or a list of them */
	KEY_WORD_OR_MAP,
	KEY_NUMBER,
	KEY_BOOL,
	KEY_LIST,
	KEY_MAP,
	KEY_ANY,
};

/* What the readers of one pipeline know beside the node. */
struct reading {
	const char *file;                /* paths of objects are relative to its folder */
	struct braid_pipeline *pipeline; /* NULL outside of pipelines */
	struct braid_error *err;
};

struct key {
	const char *name;
	enum key_type type;
	bool required;
	const char *const *words; /* of the KEY_WORDs, NULL-terminated */
	/* @into: what the whole table is about. NULL: whoever uses the table reads it. */
	int (*read)(struct reading *r, const struct node *value, void *into);
};

struct key_table {
	const char *what;   /* in messages: "a stage" */
	const char *schema; /* its definition in the schema; NULL: the schema itself */
	const struct key *keys;
	size_t n;
};

/* TABLE(stage, "a stage", "stage"): stage_table, of the array stage_keys in front of it. */
#define TABLE(name, ...)                                                                           \
	const struct key_table name##_table = {__VA_ARGS__, .keys = name##_keys,                   \
					       .n = sizeof(name##_keys) / sizeof(struct key)}

extern const char *const attach_words[];           /* of the short form: last, first */
extern const char *const optimize_words[];         /* off, on */
extern const struct key_table *const key_tables[]; /* all of them, NULL-terminated */

extern const struct key_table manifest_table, pipeline_table, interface_table, stage_table;
extern const struct key_table attach_table, optimize_table;
extern const struct key_table rollout_table, shared_map_table, map_table, entry_table, choice_table,
	case_table;
extern const struct key_table values_table, values_pipeline_table, values_stage_table;

/* Reads the keys of @t, in the table's order, from @n into @into. */
int read_map(struct reading *r, const struct node *n, const struct key_table *t, void *into);
/* That @n is a list or map. @what: "stages". */
int expect(struct reading *r, const struct node *n, enum node_kind kind, const char *what);
/* Refuses any @key but the number 1: the first thing to look at in a file. */
int check_version(struct reading *r, const struct node *n, const struct key_table *t);

/* Every text of the manifest; quoted or not makes no difference here. */
int read_text(struct reading *r, const struct node *n, const char *what, char **slot);
int read_word(struct reading *r, const struct node *n, const char *what, const char *const *words,
	      unsigned int *ret);
int read_whole(struct reading *r, const struct node *n, const char *what, struct number *ret);
int read_bool(struct reading *r, const struct node *n, const char *what, bool *ret);
/* A list of stages and choices, into branch @branch of @choice; 0: into none. */
int read_steps(struct reading *r, const struct node *list, __u32 choice, __u32 branch);

/* Readers of keys that manifest and values have in common. */
int read_mode(struct reading *r, const struct node *n, void *pipeline);
int read_strategy(struct reading *r, const struct node *n, void *pipeline);
int read_signals(struct reading *r, const struct node *n, void *pipeline);
int read_stats(struct reading *r, const struct node *n, void *pipeline);
int read_optimize(struct reading *r, const struct node *n, void *pipeline);
int read_on_change(struct reading *r, const struct node *n, void *pipeline);
int read_final(struct reading *r, const struct node *n, void *pipeline);
int read_attach(struct reading *r, const struct node *n, void *pipeline);
int read_interfaces(struct reading *r, const struct node *n, void *pipeline);
int read_object(struct reading *r, const struct node *n, void *stage);
int read_proceed_on(struct reading *r, const struct node *n, void *stage);
int read_constants(struct reading *r, const struct node *n, void *stage);
int read_disabled(struct reading *r, const struct node *n, void *stage);
int read_maps(struct reading *r, const struct node *n, void *stage);

/* The root of a manifest, of a values file; into @m. @file outlives @m. */
int read_manifest(const struct node *n, const char *file, struct braid_manifest *m,
		  struct braid_error *err);
int read_values(const struct node *n, const char *file, struct braid_manifest *m,
		struct braid_error *err);
