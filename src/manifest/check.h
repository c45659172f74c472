/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a name, a word, a path may be; and the errors that say so. */
#pragma once

#include "manifest/model.h"

/* Names of pipelines, stages and shared maps: [a-z][a-z0-9_-]{0,31}. @what: "stage". */
int check_name(const char *what, const char *name, struct place at, struct braid_error *err);
/* Names from a BPF object: C identifiers, with the dots that compilers put into some. */
int check_symbol(const char *what, const char *name, struct place at, struct braid_error *err);
/* A member of a struct: such names with single dots between them, "ttl", "a.b". */
int check_member_name(const char *name, struct place at, struct braid_error *err);
/* What Linux takes as the name of a network device. */
int check_interface(const char *name, struct place at, struct braid_error *err);
/* A name in /run/netns, or an absolute path. */
int check_netns(const char *netns, struct place at, struct braid_error *err);
/* Any path. @what: "object". */
int check_path(const char *what, const char *path, struct place at, struct braid_error *err);

/* The index of @word in the NULL-terminated @words, or an error with the nearest one. */
int word_parse(const char *what, const char *word, const char *const *words, struct place at,
	       unsigned int *ret, struct braid_error *err);

typedef const char *(*name_fn)(const void *element);
/*
 * Completes @err, set by the caller to "unknown …": why, a list of the names of @n elements
 * of @size bytes; hint, the one that is near @word. Return: the code.
 */
int error_unknown(struct braid_error *err, const char *word, const char *kind, const void *elements,
		  size_t n, size_t size, name_fn name_of);
