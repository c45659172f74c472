/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>

#include "base/text.h"
#include "store/db.h"

#define COLUMNS "number, state, created, cause, what, fields, note"

const char *const config_state_names[] = {
	[CONFIG_PENDING] = "pending",
	[CONFIG_CURRENT] = "current",
	[CONFIG_OLD] = "old",
	[CONFIG_FAILED] = "failed",
};

void config_version_done(struct config_version *v)
{
	free(v->cause);
	free(v->what);
	free(v->fields);
	free(v->note);
	*v = (struct config_version){};
}

void config_versions_done(struct config_versions *versions)
{
	array_foreach (v, &versions->list)
		config_version_done(v);
	array_done(&versions->list);
}

static enum config_state parse_state(const char *name)
{
	enum config_state state = CONFIG_PENDING;

	/* the table's CHECK allows no others */
	while (state < CONFIG_FAILED && !text_eq(name, config_state_names[state]))
		state++;
	return state;
}

/* One row into @ret, which is empty; what was read before an error stays in it. */
static int read_row(sqlite3_stmt *stmt, struct config_version *ret, struct braid_error *err)
{
	ret->number = sqlite3_column_int64(stmt, 0);
	ret->state = parse_state((const char *)sqlite3_column_text(stmt, 1));
	ret->created_ns = sqlite3_column_int64(stmt, 2);
	return db_text(stmt, 3, &ret->cause, err) ?: db_text(stmt, 4, &ret->what, err) ?:
	       db_text(stmt, 5, &ret->fields, err) ?: db_text(stmt, 6, &ret->note, err);
}

/* Steps to the only row of @stmt. Return: 0; -ENOENT with nothing said. */
static int read_one(struct store *s, sqlite3_stmt *stmt, struct config_version *ret,
		    struct braid_error *err)
{
	_cleanup_config_version_ struct config_version found = {};
	int r = db_step(s, stmt, err);

	if (r != 1)
		return r ?: -ENOENT;
	r = read_row(stmt, &found, err);
	if (r)
		return r;
	*ret = found;
	found = (struct config_version){};
	return 0;
}

static int no_such(const char *home, const char *pipeline, struct braid_error *err)
{
	error_pipeline(err, home, pipeline);
	error_hint(err, "`braid config history %s` lists those there are", pipeline);
	return -ENOENT;
}

int config_get(struct store *s, const char *home, const char *pipeline, __u32 number,
	       struct config_version *ret, struct braid_error *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(s, &stmt, err,
		       "SELECT " COLUMNS " FROM config"
		       "  WHERE home = ? AND pipeline = ? AND number = ?",
		       "ssi", home, pipeline, (long long)number)
		    ?: read_one(s, stmt, ret, err);
	if (r != -ENOENT)
		return r;
	error_set(err, -ENOENT, NULL, "there is no configuration %u", number);
	return no_such(home, pipeline, err);
}

int config_find(struct store *s, const char *home, const char *pipeline, enum config_state state,
		struct config_version *ret, struct braid_error *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(s, &stmt, err,
		       "SELECT " COLUMNS " FROM config"
		       "  WHERE home = ? AND pipeline = ? AND state = ?"
		       "  ORDER BY number DESC LIMIT 1",
		       "sss", home, pipeline, config_state_names[state])
		    ?: read_one(s, stmt, ret, err);
	if (r != -ENOENT)
		return r;
	error_set(err, -ENOENT, NULL, "no configuration is %s", config_state_names[state]);
	return no_such(home, pipeline, err);
}

int store_configs(struct store *s, const char *home, const char *pipeline,
		  struct config_versions *ret, struct braid_error *err)
{
	_cleanup_(config_versions_done) struct config_versions versions = {};
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(s, &stmt, err,
		       "SELECT " COLUMNS " FROM config WHERE home = ? AND pipeline = ?"
		       "  ORDER BY number DESC",
		       "ss", home, pipeline);
	if (r)
		return r;
	while ((r = db_step(s, stmt, err)) == 1) {
		struct config_version *one = array_push(&versions.list);

		if (!one)
			return error_oom(err);
		r = read_row(stmt, one, err);
		if (r)
			return r;
	}
	if (r)
		return r;
	*ret = versions;
	versions = (struct config_versions){};
	return 0;
}

/* The number of the pending one and of the newest; 0: none. */
static int last_numbers(struct store *s, const char *home, const char *pipeline, __u32 *ret_pending,
			__u32 *ret_newest, struct braid_error *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(s, &stmt, err,
		       "SELECT ifnull(max(iif(state = 'pending', number, 0)), 0),"
		       "  ifnull(max(number), 0) FROM config WHERE home = ? AND pipeline = ?",
		       "ss", home, pipeline)
		    ?: db_step(s, stmt, err);
	if (r != 1)
		return r;
	*ret_pending = sqlite3_column_int64(stmt, 0);
	*ret_newest = sqlite3_column_int64(stmt, 1);
	return 0;
}

int config_begin(struct store *s, const char *home, const char *pipeline,
		 const struct config_version *wanted, __u32 *ret_number, struct braid_error *err)
{
	_cleanup_transaction_ struct db_transaction t = {};
	__u32 pending = 0, last = 0;
	int r;

	r = db_begin(s, &t, err) ?: last_numbers(s, home, pipeline, &pending, &last, err);
	if (r)
		return r;
	if (pending) {
		error_set(err, -EEXIST, NULL, "configuration %u is still pending", pending);
		error_pipeline(err, home, pipeline);
		return -EEXIST;
	}
	r = db_run(s, err,
		   "INSERT INTO config(home, pipeline, number, state, created, cause, what, fields)"
		   "  VALUES(?, ?, ?, 'pending', ?, ?, ?, ?)",
		   "ssiisss", home, pipeline, last + 1LL, db_now(), wanted->cause, wanted->what,
		   wanted->fields);
	r = r ?: db_commit(s, &t, err);
	if (!r)
		*ret_number = last + 1;
	return r;
}

/* Pending to @state, within a transaction. @ret: what it was. */
static int leave_pending(struct store *s, const char *home, const char *pipeline, __u32 number,
			 enum config_state state, const char *note, struct config_version *ret,
			 struct braid_error *err)
{
	int r = config_get(s, home, pipeline, number, ret, err);

	if (r)
		return r;
	if (ret->state != CONFIG_PENDING) {
		error_set(err, -ESTALE, NULL, "configuration %u is not pending but %s", number,
			  config_state_names[ret->state]);
		error_pipeline(err, home, pipeline);
		return -ESTALE;
	}
	if (state == CONFIG_CURRENT)
		r = db_run(s, err,
			   "UPDATE config SET state = 'old'"
			   "  WHERE home = ? AND pipeline = ? AND state = 'current'",
			   "ss", home, pipeline);
	return r
		       ?: db_run(s, err,
				 "UPDATE config SET state = ?, note = ?"
				 "  WHERE home = ? AND pipeline = ? AND number = ?",
				 "ssssi", config_state_names[state], note, home, pipeline,
				 (long long)number);
}

int config_commit(struct store *s, const char *home, const char *pipeline, __u32 number,
		  struct braid_error *err)
{
	_cleanup_transaction_ struct db_transaction t = {};
	_cleanup_config_version_ struct config_version was = {};
	_cleanup_free_ char *what = NULL;
	int r;

	r = db_begin(s, &t, err)
		    ?: leave_pending(s, home, pipeline, number, CONFIG_CURRENT, NULL, &was, err);
	if (r)
		return r;
	what = text_fmt("configuration %u: %s", number, was.what);
	if (!what)
		return error_oom(err);
	return event_add(s, home, pipeline, was.cause, what, err) ?: db_commit(s, &t, err);
}

int config_abort(struct store *s, const char *home, const char *pipeline, __u32 number,
		 const char *note, struct braid_error *err)
{
	_cleanup_transaction_ struct db_transaction t = {};
	_cleanup_config_version_ struct config_version was = {};

	return db_begin(s, &t, err) ?:
	       leave_pending(s, home, pipeline, number, CONFIG_FAILED, note, &was, err) ?:
	       db_commit(s, &t, err);
}
