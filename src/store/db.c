/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "store/db.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"

/* What the system said, if it was the system. */
static int system_error(struct store *s, int otherwise)
{
	int e = sqlite3_system_errno(s->db);

	return e ? -e : otherwise;
}

int db_error(struct store *s, const char *what, struct braid_error *err)
{
	int code = sqlite3_extended_errcode(s->db);
	int r = -EIO;

	switch (code & 0xff) {
	case SQLITE_NOMEM:
		return error_oom(err);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		r = error_errno(err, -EBUSY, s->path, "%s", what);
		error_why(err, "another process has been writing for too long");
		return r;
	case SQLITE_FULL:
		r = error_errno(err, -ENOSPC, s->path, "%s", what);
		error_hint(err, "make room in %s", s->folder);
		return r;
	case SQLITE_READONLY:
		return error_errno(err, -EROFS, s->path, "%s", what);
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		r = error_errno(err, system_error(s, -EACCES), s->path, "%s", what);
		if (r == -EACCES || r == -EPERM)
			error_hint(err, "run as root");
		return r;
	case SQLITE_IOERR:
		return error_errno(err, system_error(s, -EIO), s->path, "%s", what);
	case SQLITE_ERROR: /* a statement of ours does not fit the tables: they are not ours */
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		error_set(err, -EBADMSG, s->path, "%s: the database is damaged", what);
		error_why(err, "%s", sqlite3_errmsg(s->db));
		error_hint(err, "what runs does not depend on it; move it aside to begin a new "
				"history, or restore it from a backup");
		return -EBADMSG;
	}
	error_set(err, r, s->path, "%s", what);
	error_why(err, "%s", sqlite3_errmsg(s->db));
	return r;
}

static int bind(sqlite3_stmt *stmt, int i, char type, va_list *ap)
{
	const void *bytes;

	switch (type) {
	case 's':
		return sqlite3_bind_text(stmt, i, va_arg(*ap, const char *), -1, SQLITE_STATIC);
	case 'i':
		return sqlite3_bind_int64(stmt, i, va_arg(*ap, long long));
	default:
		bytes = va_arg(*ap, const void *);
		/* a NULL pointer would be NULL, not an empty blob */
		return sqlite3_bind_blob64(stmt, i, bytes ?: "", va_arg(*ap, size_t),
					   SQLITE_STATIC);
	}
}

static int prepare(struct store *s, sqlite3_stmt **ret, struct braid_error *err, const char *sql,
		   const char *types, va_list *ap)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL))
		return db_error(s, "cannot use the store", err);
	for (int i = 0; types[i]; i++) {
		if (bind(stmt, i + 1, types[i], ap))
			return db_error(s, "cannot use the store", err);
	}
	*ret = TAKE_PTR(stmt);
	return 0;
}

int db_prepare(struct store *s, sqlite3_stmt **ret, struct braid_error *err, const char *sql,
	       const char *types, ...)
{
	va_list ap;
	int r;

	va_start(ap, types);
	r = prepare(s, ret, err, sql, types, &ap);
	va_end(ap);
	return r;
}

int db_step(struct store *s, sqlite3_stmt *stmt, struct braid_error *err)
{
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	}
	return db_error(s,
			sqlite3_stmt_readonly(stmt) ? "cannot read the store"
						    : "cannot write to the store",
			err);
}

int db_run(struct store *s, struct braid_error *err, const char *sql, const char *types, ...)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	va_list ap;
	int r;

	va_start(ap, types);
	r = prepare(s, &stmt, err, sql, types, &ap);
	va_end(ap);
	while (!r && (r = db_step(s, stmt, err)) == 1)
		r = 0;
	return r;
}

int db_text(sqlite3_stmt *stmt, int i, char **ret, struct braid_error *err)
{
	const char *text = (const char *)sqlite3_column_text(stmt, i);

	*ret = text ? strdup(text) : NULL;
	if (!*ret && sqlite3_column_type(stmt, i) != SQLITE_NULL)
		return error_oom(err);
	return 0;
}

long long db_now(void)
{
	return clock_ns(CLOCK_REALTIME);
}

int db_begin(struct store *s, struct db_transaction *ret, struct braid_error *err)
{
	/* at once, not at the first write: what is read before it must still hold then */
	int r = db_run(s, err, "BEGIN IMMEDIATE", "");

	if (!r)
		ret->db = s->db;
	return r;
}

int db_commit(struct store *s, struct db_transaction *t, struct braid_error *err)
{
	int r = db_run(s, err, "COMMIT", "");

	if (!r)
		t->db = NULL;
	return r;
}

void db_rollback(struct db_transaction *t)
{
	/* errors that SQLite answers by a rollback of its own leave nothing to do */
	if (t->db && !sqlite3_get_autocommit(t->db))
		sqlite3_exec(t->db, "ROLLBACK", NULL, NULL, NULL);
	t->db = NULL;
}
