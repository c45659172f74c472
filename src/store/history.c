/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "store/db.h"

/* In the order of read_row(); a list leaves the large ones out. */
#define COLUMNS       "home, pipeline, number, state, created, cause, note"
#define LARGE_COLUMNS "manifest, plan"

static enum revision_state parse_state(const char *name)
{
	enum revision_state state = REVISION_PENDING;

	/* the table's CHECK allows no others */
	while (state < REVISION_DELETED && !text_eq(name, revision_state_names[state]))
		state++;
	return state;
}

/* One row into @ret, which is empty; what was read before an error stays in it. */
static int read_row(sqlite3_stmt *stmt, struct revision *ret, struct braid_error *err)
{
	ret->number = sqlite3_column_int64(stmt, 2);
	ret->state = parse_state((const char *)sqlite3_column_text(stmt, 3));
	ret->created_ns = sqlite3_column_int64(stmt, 4);
	return db_text(stmt, 0, &ret->home, err) ?: db_text(stmt, 1, &ret->pipeline, err) ?:
	       db_text(stmt, 5, &ret->cause, err) ?: db_text(stmt, 6, &ret->note, err);
}

static int read_objects(struct store *s, struct revision *r, struct braid_error *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	int more;

	more = db_prepare(s, &stmt, err,
			  "SELECT stage, digest FROM revision_object"
			  "  WHERE home = ? AND pipeline = ? AND number = ? ORDER BY stage",
			  "ssi", r->home, r->pipeline, (long long)r->number);
	if (more)
		return more;
	while ((more = db_step(s, stmt, err)) == 1) {
		struct revision_object *o = array_push(&r->objects);

		if (!o)
			return error_oom(err);
		more = db_text(stmt, 0, &o->stage, err);
		if (more)
			return more;
		if (sqlite3_column_bytes(stmt, 1) != sizeof(o->digest))
			return error_errno(err, -EBADMSG, s->path, "an object has no digest");
		memcpy(o->digest, sqlite3_column_blob(stmt, 1), sizeof(o->digest));
	}
	return more;
}

static int read_whole(struct store *s, sqlite3_stmt *stmt, struct revision *ret,
		      struct braid_error *err)
{
	_cleanup_revision_ struct revision found = {};
	int r;

	r = read_row(stmt, &found, err) ?: db_text(stmt, 7, &found.manifest, err) ?:
	    db_text(stmt, 8, &found.plan, err) ?: read_objects(s, &found, err);
	if (r)
		return r;
	*ret = found;
	found = (struct revision){};
	return 0;
}

static int no_such(const char *home, const char *pipeline, struct braid_error *err)
{
	error_pipeline(err, home, pipeline);
	error_hint(err, "`braid history %s` lists those there are", pipeline);
	return -ENOENT;
}

int revision_get(struct store *s, const char *home, const char *pipeline, __u32 number,
		 struct revision *ret, struct braid_error *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(s, &stmt, err,
		       "SELECT " COLUMNS ", " LARGE_COLUMNS " FROM revision"
		       "  WHERE home = ? AND pipeline = ? AND number = ?",
		       "ssi", home, pipeline, (long long)number)
		    ?: db_step(s, stmt, err);
	if (r == 1)
		return read_whole(s, stmt, ret, err);
	if (r < 0)
		return r;
	error_set(err, -ENOENT, NULL, "there is no revision %u", number);
	return no_such(home, pipeline, err);
}

int revision_find(struct store *s, const char *home, const char *pipeline,
		  enum revision_state state, struct revision *ret, struct braid_error *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(s, &stmt, err,
		       "SELECT " COLUMNS ", " LARGE_COLUMNS " FROM revision"
		       "  WHERE home = ? AND pipeline = ? AND state = ?"
		       "  ORDER BY number DESC LIMIT 1",
		       "sss", home, pipeline, revision_state_names[state])
		    ?: db_step(s, stmt, err);
	if (r == 1)
		return read_whole(s, stmt, ret, err);
	if (r < 0)
		return r;
	error_set(err, -ENOENT, NULL, "no revision is %s", revision_state_names[state]);
	return no_such(home, pipeline, err);
}

void revisions_done(struct revisions *revisions)
{
	array_foreach (r, &revisions->list)
		revision_done(r);
	array_done(&revisions->list);
}

int store_history(struct store *s, const char *home, const char *pipeline, struct revisions *ret,
		  struct braid_error *err)
{
	_cleanup_(revisions_done) struct revisions revisions = {};
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(s, &stmt, err,
		       "SELECT " COLUMNS " FROM revision WHERE home = ? AND pipeline = ?"
		       "  ORDER BY number DESC",
		       "ss", home, pipeline);
	if (r)
		return r;
	while ((r = db_step(s, stmt, err)) == 1) {
		struct revision *one = array_push(&revisions.list);

		if (!one)
			return error_oom(err);
		r = read_row(stmt, one, err);
		if (r)
			return r;
	}
	if (r)
		return r;
	*ret = revisions;
	revisions = (struct revisions){};
	return 0;
}

void store_pipelines_done(struct store_pipelines *pipelines)
{
	array_foreach (p, &pipelines->list) {
		free(p->home);
		free(p->name);
	}
	array_done(&pipelines->list);
}

int store_pipelines(struct store *s, struct store_pipelines *ret, struct braid_error *err)
{
	_cleanup_(store_pipelines_done) struct store_pipelines pipelines = {};
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(s, &stmt, err,
		       "SELECT home, pipeline, max(iif(state = 'current', number, 0)),"
		       "  max(iif(state = 'pending', number, 0)) FROM revision"
		       "  GROUP BY home, pipeline ORDER BY home, pipeline",
		       "");
	if (r)
		return r;
	while ((r = db_step(s, stmt, err)) == 1) {
		struct store_pipeline *p = array_push(&pipelines.list);

		if (!p)
			return error_oom(err);
		p->current = sqlite3_column_int64(stmt, 2);
		p->pending = sqlite3_column_int64(stmt, 3);
		r = db_text(stmt, 0, &p->home, err) ?: db_text(stmt, 1, &p->name, err);
		if (r)
			return r;
	}
	if (r)
		return r;
	*ret = pipelines;
	pipelines = (struct store_pipelines){};
	return 0;
}

/* In each table all but the newest; numbers count up, and only this makes gaps. */
static int forget_numbers(struct store *s, __u32 keep, struct braid_error *err)
{
	int r;

	r = db_run(s, err,
		   "DELETE FROM revision WHERE state NOT IN ('pending', 'current')"
		   "  AND number <= (SELECT max(number) FROM revision AS newest"
		   "    WHERE newest.home = revision.home AND newest.pipeline = revision.pipeline)"
		   "    - max(?, 1)",
		   "i", (long long)keep);
	r = r
		    ?: db_run(s, err,
			      "DELETE FROM config WHERE state NOT IN ('pending', 'current')"
			      "  AND number <= (SELECT max(number) FROM config AS newest"
			      "    WHERE newest.home = config.home AND newest.pipeline = "
			      "config.pipeline)"
			      "    - max(?, 1)",
			      "i", (long long)keep);
	return r
		       ?: db_run(s, err,
				 "DELETE FROM event WHERE number <= (SELECT max(number) FROM event "
				 "AS newest"
				 "    WHERE newest.home = event.home AND newest.pipeline = "
				 "event.pipeline)"
				 "    - ?",
				 "i", (long long)STORE_EVENTS);
}

int store_prune(struct store *s, __u32 keep, struct braid_error *err)
{
	_cleanup_transaction_ struct db_transaction t = {};
	int r;

	r = db_begin(s, &t, err);
	if (r)
		return r;
	r = forget_numbers(s, keep, err);
	if (r)
		return r;
	r = db_run(s, err,
		   "DELETE FROM object WHERE digest NOT IN (SELECT digest FROM revision_object)",
		   "");
	if (r)
		return r;
	r = db_commit(s, &t, err);
	if (r)
		return r;
	/* gives the space back to the file system */
	return db_run(s, err, "PRAGMA incremental_vacuum", "");
}
