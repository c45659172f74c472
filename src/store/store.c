/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "store/db.h"

#define DEFAULT_FOLDER "/var/lib/braid"
#define BUSY_MS        5000

/*
 * What leads from each version of the schema to the next; PRAGMA user_version counts them.
 * One that was released is never changed: add another.
 */
static const char *const migrations[] = {
	"CREATE TABLE object("
	"  digest BLOB PRIMARY KEY CHECK(length(digest) = 32),"
	"  size INTEGER NOT NULL,"
	"  bytes BLOB NOT NULL,"
	"  added INTEGER NOT NULL) STRICT;" /* unix ns */

	"CREATE TABLE revision("
	"  home TEXT NOT NULL,"
	"  pipeline TEXT NOT NULL,"
	"  number INTEGER NOT NULL CHECK(number > 0),"
	"  state TEXT NOT NULL"
	"    CHECK(state IN ('pending', 'current', 'old', 'failed', 'deleted')),"
	"  created INTEGER NOT NULL," /* unix ns */
	"  cause TEXT NOT NULL,"
	"  manifest TEXT NOT NULL," /* JSON */
	"  plan TEXT NOT NULL,"     /* JSON */
	"  note TEXT,"
	"  PRIMARY KEY(home, pipeline, number)) STRICT, WITHOUT ROWID;"

	"CREATE UNIQUE INDEX one_pending ON revision(home, pipeline) WHERE state = 'pending';"
	"CREATE UNIQUE INDEX one_current ON revision(home, pipeline) WHERE state = 'current';"

	"CREATE TABLE revision_object("
	"  home TEXT NOT NULL,"
	"  pipeline TEXT NOT NULL,"
	"  number INTEGER NOT NULL,"
	"  stage TEXT NOT NULL,"
	"  digest BLOB NOT NULL REFERENCES object,"
	"  PRIMARY KEY(home, pipeline, number, stage),"
	"  FOREIGN KEY(home, pipeline, number) REFERENCES revision ON DELETE CASCADE"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX object_users ON revision_object(digest);",

	"CREATE TABLE runtime("
	"  home TEXT NOT NULL,"
	"  pipeline TEXT NOT NULL,"
	"  key TEXT NOT NULL,"
	"  value TEXT NOT NULL," /* JSON */
	"  PRIMARY KEY(home, pipeline, key)) STRICT, WITHOUT ROWID;"

	"CREATE TABLE event("
	"  home TEXT NOT NULL,"
	"  pipeline TEXT NOT NULL,"
	"  number INTEGER NOT NULL CHECK(number > 0),"
	"  revision INTEGER NOT NULL," /* the newest at that time; 0: none */
	"  created INTEGER NOT NULL,"  /* unix ns */
	"  cause TEXT NOT NULL,"
	"  what TEXT NOT NULL,"
	"  PRIMARY KEY(home, pipeline, number)) STRICT, WITHOUT ROWID;"

	"CREATE TABLE config("
	"  home TEXT NOT NULL,"
	"  pipeline TEXT NOT NULL,"
	"  number INTEGER NOT NULL CHECK(number > 0),"
	"  state TEXT NOT NULL CHECK(state IN ('pending', 'current', 'old', 'failed')),"
	"  created INTEGER NOT NULL," /* unix ns */
	"  cause TEXT NOT NULL,"
	"  what TEXT NOT NULL,"
	"  fields TEXT NOT NULL," /* JSON */
	"  note TEXT,"
	"  PRIMARY KEY(home, pipeline, number)) STRICT, WITHOUT ROWID;"

	"CREATE UNIQUE INDEX one_pending_config ON config(home, pipeline)"
	"  WHERE state = 'pending';"
	"CREATE UNIQUE INDEX one_current_config ON config(home, pipeline)"
	"  WHERE state = 'current';",
};

#define SCHEMA_VERSION ((int)(sizeof(migrations) / sizeof(*migrations)))

static int read_version(struct store *s, int *ret, struct braid_error *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(s, &stmt, err, "PRAGMA user_version", "");
	if (r)
		return r;
	r = db_step(s, stmt, err);
	if (r == 1)
		*ret = sqlite3_column_int(stmt, 0);
	return r < 0 ? r : 0;
}

static int check_version(struct store *s, int version, struct braid_error *err)
{
	if (version <= SCHEMA_VERSION)
		return 0;
	error_set(err, -EPROTONOSUPPORT, s->path, "this store was written by a later braid");
	error_why(err, "its schema is version %d, this braid knows %d", version, SCHEMA_VERSION);
	error_hint(err, "use that braid, or another folder: BRAID_STATE");
	return -EPROTONOSUPPORT;
}

static int migrate(struct store *s, struct braid_error *err)
{
	_cleanup_transaction_ struct db_transaction t = {};
	char set[64];
	int version = 0, r;

	r = read_version(s, &version, err) ?: check_version(s, version, err);
	if (r || version == SCHEMA_VERSION)
		return r;
	/* counts only while there is no table yet, and cannot be set in a transaction */
	if (!version && sqlite3_exec(s->db, "PRAGMA auto_vacuum = INCREMENTAL", NULL, NULL, NULL))
		return db_error(s, "cannot set up the store", err);
	r = db_begin(s, &t, err);
	if (r)
		return r;
	r = read_version(s, &version, err); /* another process may have been faster */
	if (r)
		return r;
	for (; version < SCHEMA_VERSION; version++) {
		if (sqlite3_exec(s->db, migrations[version], NULL, NULL, NULL))
			return db_error(s, "cannot set up the store", err);
	}
	snprintf(set, sizeof(set), "PRAGMA user_version = %d", version);
	r = db_run(s, err, set, "");
	return r ?: db_commit(s, &t, err);
}

/* What is in the folder is loaded into the kernel: nobody else may have a say in it. */
static int check_folder(const char *folder, struct braid_error *err)
{
	struct stat st;

	if (stat(folder, &st))
		return error_errno(err, -errno, folder, "cannot use this folder for state");
	if (!S_ISDIR(st.st_mode))
		return error_errno(err, -ENOTDIR, folder, "cannot keep state here");
	if ((st.st_uid == geteuid() || st.st_uid == 0) && !(st.st_mode & 022))
		return 0;
	error_set(err, -EPERM, folder, "others could change the state in this folder");
	error_why(err, "it belongs to user %u and has mode %04o", st.st_uid, st.st_mode & 07777);
	error_hint(err, "chown and chmod 0700 it, or use another one: BRAID_STATE");
	return -EPERM;
}

static int make_folder(const char *folder, struct braid_error *err)
{
	int r;

	if (!mkdir(folder, 0700) || errno == EEXIST)
		return check_folder(folder, err);
	r = -errno;
	error_errno(err, r, folder, "cannot make a folder for state");
	if (r == -EACCES)
		error_hint(err, "run as root, or use a folder of your own: BRAID_STATE");
	return r;
}

static int open_database(struct store *s, struct braid_error *err)
{
	/* nothing here writes: looking must be possible on a read-only file system */
	static const char settings[] = "PRAGMA foreign_keys = ON;"
				       "PRAGMA trusted_schema = OFF;"
				       "PRAGMA synchronous = EXTRA;";

	if (sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL))
		return s->db ? db_error(s, "cannot open the store", err) : error_oom(err);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	if (sqlite3_exec(s->db, settings, NULL, NULL, NULL))
		return db_error(s, "cannot open the store", err);
	return migrate(s, err);
}

int store_open(const char *dir, struct store **ret, struct braid_error *err)
{
	_cleanup_store_ struct store *s = NULL;
	const char *named = secure_getenv("BRAID_STATE");
	int r;

	s = calloc(1, sizeof(*s));
	if (!s)
		return error_oom(err);
	s->lock_fd = -1;
	s->folder = strdup(dir ?: named && *named ? named : DEFAULT_FOLDER);
	s->path = s->folder ? text_fmt("%s/braid.db", s->folder) : NULL;
	if (!s->path)
		return error_oom(err);
	r = make_folder(s->folder, err) ?: open_database(s, err);
	if (r)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

struct store *store_close(struct store *s)
{
	if (!s)
		return NULL;
	s->locks = 1;
	store_unlock(s);
	sqlite3_close(s->db);
	free(s->folder);
	free(s->path);
	free(s);
	return NULL;
}

const char *store_path(const struct store *s)
{
	return s->path;
}
