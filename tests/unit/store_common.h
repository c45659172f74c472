/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of src/store share: a folder for each, and a revision to talk about. */
#pragma once

#include "store/store.h"
#include "tap.h"

extern struct braid_error err; /* of the last call */
extern char top[];             /* the folder of all */

void store_test_begin(void);
/* Return: as done(). */
int store_test_end(void);

/* A folder that does not exist yet, for one test. */
char *fresh(const char *name);
struct store *must_open(const char *dir);
const char *error_all(void);
#define says(word) ok(strstr(error_all(), word), "the error says '%s': %s", word, error_all())

/* Past the store, as a text editor or a broken disk would. */
void raw_sql(const char *dir, const char *sql);
long long raw_number(const char *dir, const char *sql);
/* Runs @body in a child. Return: its exit status; 128 + number of the signal that ended it. */
int in_child(int (*body)(const char *dir), const char *dir);

/* A revision of "edge" with one stage "acl" whose object is @bytes. */
int begin(struct store *s, const char *home, const char *bytes, __u32 *ret);
/* Begun and committed. Return: its number. */
__u32 apply(struct store *s, const char *home, const char *bytes);
enum revision_state state_of(struct store *s, const char *home, __u32 number);
