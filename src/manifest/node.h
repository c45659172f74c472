/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A tree of YAML values that remembers where each came from. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "braid/error.h"

/* A place in a file: 1-based; line 0 means "not from a file". @file is borrowed. */
struct place {
	const char *file;
	unsigned int line, column;
};

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node;

struct node_pair {
	char *key;
	struct place at; /* of the key */
	struct node *value;
};

struct node {
	enum node_kind kind;
	struct place at;
	char *text;                    /* NODE_SCALAR: as written, quotes and escapes resolved */
	bool quoted;                   /* NODE_SCALAR: "12" is a string, 12 is a number */
	ARRAY(struct node *) items;    /* NODE_LIST */
	ARRAY(struct node_pair) pairs; /* NODE_MAP, in the order of the file */
};

/* Recursively; NULL is fine. */
void node_free(struct node *n);
DEFINE_CLEANUP(struct node *, node_free)

/*
 * Parses one YAML document from memory: a strict subset (no anchors, aliases, tags,
 * merge keys, duplicate keys, several documents, non-UTF-8; depth at most 64).
 * @file is borrowed and must outlive the tree.
 */
int node_parse(const char *text, size_t size, const char *file, struct node **ret,
	       struct braid_error *err);
struct node *node_copy(const struct node *n); /* NULL: no memory */
/* The value under @key of a NODE_MAP; NULL: none. */
struct node *node_get(const struct node *n, const char *key);

/* Forgets all places: for trees that outlive their file's name, or never had a file. */
void node_unplace(struct node *n);
/* The kind as it reads after "found": "a list", "'eth0'"; into @buf. Return: @buf. */
const char *node_describe(const struct node *n, char *buf, size_t size);

/* "edge.yaml:12:7" into @buf; "" when the place is not in a file. Return: @buf. */
const char *place_text(struct place at, char *buf, size_t size);
/* error_set() with -EINVAL and @at as the place; no place at all when @at is not in a file. */
struct braid_error *place_error(struct braid_error *err, struct place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Whether a string can be written to YAML or JSON and read back as it is: UTF-8 without
 * control characters (tab, newline, carriage return are fine), byte order marks, and the
 * line breaks that only YAML knows. Return: the offset of the first fault; @size if none.
 */
size_t text_fault(const char *s, size_t size);
