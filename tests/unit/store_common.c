/* SPDX-License-Identifier: GPL-2.0-only */
#include "store_common.h"

#include <errno.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/text.h"

struct braid_error err;
char top[] = "/tmp/braid-store-XXXXXX";

char *fresh(const char *name)
{
	char *path = text_fmt("%s/%s", top, name);

	if (!path)
		bail_out("out of memory");
	return path;
}

struct store *must_open(const char *dir)
{
	struct store *s;

	if (store_open(dir, &s, &err))
		bail_out("%s: %s (%s)", err.where ?: "", err.what, err.why ?: "");
	return s;
}

const char *error_all(void)
{
	static char text[1024];

	snprintf(text, sizeof(text), "%s|%s|%s|%s", err.where ?: "", err.what ?: "", err.why ?: "",
		 err.hint ?: "");
	return text;
}

void raw_sql(const char *dir, const char *sql)
{
	_cleanup_free_ char *path = text_fmt("%s/braid.db", dir);
	sqlite3 *db;

	if (sqlite3_open(path, &db) || sqlite3_exec(db, sql, NULL, NULL, NULL))
		bail_out("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

long long raw_number(const char *dir, const char *sql)
{
	_cleanup_free_ char *path = text_fmt("%s/braid.db", dir);
	sqlite3_stmt *stmt;
	long long n;
	sqlite3 *db;

	if (sqlite3_open(path, &db) || sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) ||
	    sqlite3_step(stmt) != SQLITE_ROW)
		bail_out("%s: %s", sql, sqlite3_errmsg(db));
	n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

int in_child(int (*body)(const char *dir), const char *dir)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(body(dir));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("fork: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int begin(struct store *s, const char *home, const char *bytes, __u32 *ret)
{
	struct revision_object object = {.stage = "acl"};
	struct revision wanted = {
		.home = (char *)home,
		.pipeline = "edge",
		.cause = "braid apply edge.yaml",
		.manifest = "{\"m\":1}",
		.plan = "{\"p\":2}",
	};
	int r;

	r = store_put(s, bytes, strlen(bytes), object.digest, &err);
	if (r)
		return r;
	wanted.objects.v = &object;
	wanted.objects.n = 1;
	return revision_begin(s, &wanted, ret, &err);
}

__u32 apply(struct store *s, const char *home, const char *bytes)
{
	__u32 number = 0;

	if (begin(s, home, bytes, &number) || revision_commit(s, home, "edge", number, &err))
		bail_out("%s", error_all());
	return number;
}

enum revision_state state_of(struct store *s, const char *home, __u32 number)
{
	_cleanup_revision_ struct revision r = {};

	if (revision_get(s, home, "edge", number, &r, &err))
		bail_out("%s", error_all());
	return r.state;
}

void store_test_begin(void)
{
	if (!mkdtemp(top))
		bail_out("%s: %s", top, strerror(errno));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

int store_test_end(void)
{
	braid_error_clear(&err);
	nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return done();
}
