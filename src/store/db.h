/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* SQLite as this folder uses it; nobody else includes this. */
#pragma once

#include <sqlite3.h>

#include "store/store.h"

struct store {
	sqlite3 *db;
	char *folder, *path; /* of the database */
	int lock_fd;         /* -1: not held */
	unsigned int locks;  /* store_unlock() that are still to come */
};

DEFINE_CLEANUP(sqlite3_stmt *, sqlite3_finalize)
#define _cleanup_stmt_ _cleanup_(sqlite3_finalizep)

/* The database's last error in words. Return: its errno, never 0. */
int db_error(struct store *s, const char *what, struct braid_error *err);

/*
 * Prepares @sql and binds what follows by the letters of @types: s a string or NULL,
 * i a long long, b a pointer and a size_t. They must outlive the statement.
 */
int db_prepare(struct store *s, sqlite3_stmt **ret, struct braid_error *err, const char *sql,
	       const char *types, ...);
/* Return: 1 there is a row; 0 the end; negative errno. */
int db_step(struct store *s, sqlite3_stmt *stmt, struct braid_error *err);
/* Prepares as db_prepare() and runs to the end. */
int db_run(struct store *s, struct braid_error *err, const char *sql, const char *types, ...);
/* Column @i as a string of one's own; NULL stays NULL. Return: 0; -ENOMEM. */
int db_text(sqlite3_stmt *stmt, int i, char **ret, struct braid_error *err);

/* Puts the pipeline into @err's where, with its namespace unless that is the usual one. */
struct braid_error *error_pipeline(struct braid_error *err, const char *home, const char *pipeline);

/* CLOCK_REALTIME, for the columns `created`. */
long long db_now(void);

/* A transaction that writes; it is rolled back unless db_commit() came first. */
struct db_transaction {
	sqlite3 *db;
};

int db_begin(struct store *s, struct db_transaction *ret, struct braid_error *err);
int db_commit(struct store *s, struct db_transaction *t, struct braid_error *err);
void db_rollback(struct db_transaction *t);
#define _cleanup_transaction_ _cleanup_(db_rollback)
