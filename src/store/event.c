/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "store/db.h"

void events_done(struct events *events)
{
	array_foreach (e, &events->list) {
		free(e->cause);
		free(e->what);
	}
	array_done(&events->list);
}

int event_add(struct store *s, const char *home, const char *pipeline, const char *cause,
	      const char *what, struct braid_error *err)
{
	/* one statement, so that it may stand within a transaction or alone */
	return db_run(s, err,
		      "INSERT INTO event(home, pipeline, number, revision, created, cause, what)"
		      "  VALUES(?1, ?2,"
		      "    1 + (SELECT ifnull(max(number), 0) FROM event"
		      "      WHERE home = ?1 AND pipeline = ?2),"
		      "    (SELECT ifnull(max(number), 0) FROM revision"
		      "      WHERE home = ?1 AND pipeline = ?2), ?3, ?4, ?5)",
		      "ssiss", home, pipeline, db_now(), cause, what);
}

int store_events(struct store *s, const char *home, const char *pipeline, struct events *ret,
		 struct braid_error *err)
{
	_cleanup_(events_done) struct events events = {};
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(s, &stmt, err,
		       "SELECT number, revision, created, cause, what FROM event"
		       "  WHERE home = ? AND pipeline = ? ORDER BY number DESC",
		       "ss", home, pipeline);
	if (r)
		return r;
	while ((r = db_step(s, stmt, err)) == 1) {
		struct event *e = array_push(&events.list);

		if (!e)
			return error_oom(err);
		e->number = sqlite3_column_int64(stmt, 0);
		e->revision = sqlite3_column_int64(stmt, 1);
		e->created_ns = sqlite3_column_int64(stmt, 2);
		r = db_text(stmt, 3, &e->cause, err) ?: db_text(stmt, 4, &e->what, err);
		if (r)
			return r;
	}
	if (r)
		return r;
	*ret = events;
	events = (struct events){};
	return 0;
}
