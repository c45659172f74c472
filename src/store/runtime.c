/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "store/db.h"

int runtime_put(struct store *s, const char *home, const char *pipeline, const char *key,
		const char *json, struct braid_error *err)
{
	if (!json)
		return db_run(s, err,
			      "DELETE FROM runtime WHERE home = ? AND pipeline = ? AND key = ?",
			      "sss", home, pipeline, key);
	return db_run(s, err,
		      "INSERT INTO runtime(home, pipeline, key, value) VALUES(?1, ?2, ?3, ?4)"
		      "  ON CONFLICT(home, pipeline, key) DO UPDATE SET value = ?4",
		      "ssss", home, pipeline, key, json);
}

int runtime_record(struct store *s, const char *home, const char *pipeline, const char *key,
		   const char *json, const char *cause, const char *what, struct braid_error *err)
{
	_cleanup_transaction_ struct db_transaction t = {};

	return db_begin(s, &t, err) ?:
	       runtime_put(s, home, pipeline, key, json, err) ?:
	       event_add(s, home, pipeline, cause, what, err) ?:
	       db_commit(s, &t, err);
}

int runtime_get(struct store *s, const char *home, const char *pipeline, const char *key,
		char **ret_json, struct braid_error *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(s, &stmt, err,
		       "SELECT value FROM runtime WHERE home = ? AND pipeline = ? AND key = ?",
		       "sss", home, pipeline, key)
		    ?: db_step(s, stmt, err);
	if (r < 0)
		return r;
	if (r)
		return db_text(stmt, 0, ret_json, err);
	*ret_json = NULL;
	return 0;
}
