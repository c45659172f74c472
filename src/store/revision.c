/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "store/db.h"

const char *const revision_state_names[] = {
	[REVISION_PENDING] = "pending", [REVISION_CURRENT] = "current", [REVISION_OLD] = "old",
	[REVISION_FAILED] = "failed",   [REVISION_DELETED] = "deleted",
};

struct braid_error *error_pipeline(struct braid_error *err, const char *home, const char *pipeline)
{
	if (text_eq(home, "init"))
		return error_within(err, "pipeline %s", pipeline);
	return error_within(err, "pipeline %s in netns %s", pipeline, home);
}

/* The number of the newest in @state, or in any for NULL; 0: none. */
static int newest(struct store *s, const char *home, const char *pipeline, const char *state,
		  __u32 *ret, struct braid_error *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(s, &stmt, err,
		       "SELECT ifnull(max(number), 0) FROM revision"
		       "  WHERE home = ? AND pipeline = ? AND state = ifnull(?, state)",
		       "sss", home, pipeline, state);
	if (r)
		return r;
	r = db_step(s, stmt, err);
	if (r == 1)
		*ret = sqlite3_column_int64(stmt, 0);
	return r < 0 ? r : 0;
}

static int add_objects(struct store *s, const struct revision *wanted, __u32 number,
		       struct braid_error *err)
{
	array_foreach (o, &wanted->objects) {
		char name[STORE_DIGEST_TEXT];
		int r;

		r = db_run(s, err, "INSERT INTO revision_object VALUES(?, ?, ?, ?, ?)", "ssisb",
			   wanted->home, wanted->pipeline, (long long)number, o->stage, o->digest,
			   sizeof(o->digest));
		if (r && sqlite3_extended_errcode(s->db) == SQLITE_CONSTRAINT_FOREIGNKEY) {
			error_set(err, -ENOENT, s->path,
				  "stage '%s' has object %s, which was never stored", o->stage,
				  store_digest_text(o->digest, name));
			return -ENOENT;
		}
		if (r)
			return r;
	}
	return 0;
}

int revision_begin(struct store *s, const struct revision *wanted, __u32 *ret_number,
		   struct braid_error *err)
{
	_cleanup_transaction_ struct db_transaction t = {};
	__u32 pending = 0, last = 0;
	int r;

	r = db_begin(s, &t, err);
	if (r)
		return r;
	r = newest(s, wanted->home, wanted->pipeline, "pending", &pending, err)
		    ?: newest(s, wanted->home, wanted->pipeline, NULL, &last, err);
	if (r)
		return r;
	if (pending) {
		error_set(err, -EEXIST, NULL, "revision %u is still pending", pending);
		error_pipeline(err, wanted->home, wanted->pipeline);
		return -EEXIST;
	}
	if (last < wanted->number)
		last = wanted->number;
	r = db_run(s, err,
		   "INSERT INTO revision(home, pipeline, number, state, created, cause, manifest,"
		   "  plan, note) VALUES(?, ?, ?, 'pending', ?, ?, ?, ?, ?)",
		   "ssiissss", wanted->home, wanted->pipeline, last + 1LL, db_now(), wanted->cause,
		   wanted->manifest, wanted->plan, wanted->note);
	r = r ?: add_objects(s, wanted, last + 1, err) ?: db_commit(s, &t, err);
	if (!r)
		*ret_number = last + 1;
	return r;
}

/* Pending to @state, within a transaction that changed nothing yet. */
static int leave_pending(struct store *s, const char *home, const char *pipeline, __u32 number,
			 enum revision_state state, const char *note, struct braid_error *err)
{
	_cleanup_revision_ struct revision is = {};
	int r;

	r = revision_get(s, home, pipeline, number, &is, err);
	if (r)
		return r;
	if (is.state != REVISION_PENDING) {
		error_set(err, -ESTALE, NULL, "revision %u is not pending but %s", number,
			  revision_state_names[is.state]);
		error_pipeline(err, home, pipeline);
		return -ESTALE;
	}
	if (state == REVISION_CURRENT)
		r = db_run(s, err,
			   "UPDATE revision SET state = 'old'"
			   "  WHERE home = ? AND pipeline = ? AND state = 'current'",
			   "ss", home, pipeline);
	if (r)
		return r;
	return db_run(s, err,
		      "UPDATE revision SET state = ?, note = ifnull(?, note)"
		      "  WHERE home = ? AND pipeline = ? AND number = ?",
		      "ssssi", revision_state_names[state], note, home, pipeline,
		      (long long)number);
}

static int end_pending(struct store *s, const char *home, const char *pipeline, __u32 number,
		       enum revision_state state, const char *note, struct braid_error *err)
{
	_cleanup_transaction_ struct db_transaction t = {};
	int r;

	r = db_begin(s, &t, err);
	if (r)
		return r;
	r = leave_pending(s, home, pipeline, number, state, note, err);
	if (r)
		return r;
	return db_commit(s, &t, err);
}

int revision_commit(struct store *s, const char *home, const char *pipeline, __u32 number,
		    struct braid_error *err)
{
	return end_pending(s, home, pipeline, number, REVISION_CURRENT, NULL, err);
}

int revision_abort(struct store *s, const char *home, const char *pipeline, __u32 number,
		   const char *note, struct braid_error *err)
{
	return end_pending(s, home, pipeline, number, REVISION_FAILED, note, err);
}

int revision_delete(struct store *s, const char *home, const char *pipeline, const char *note,
		    struct braid_error *err)
{
	_cleanup_transaction_ struct db_transaction t = {};
	int r;

	r = db_begin(s, &t, err)
		    ?: db_run(s, err,
			      "UPDATE revision SET state = 'deleted', note = ifnull(?, note)"
			      "  WHERE home = ? AND pipeline = ? AND state = 'current'",
			      "sss", note, home, pipeline);
	if (r)
		return r;
	if (!sqlite3_changes(s->db)) {
		error_set(err, -ENOENT, NULL, "no revision is current");
		error_pipeline(err, home, pipeline);
		return -ENOENT;
	}
	r = db_run(s, err, "DELETE FROM runtime WHERE home = ? AND pipeline = ?", "ss", home,
		   pipeline);
	r = r
		    ?: db_run(s, err,
			      "UPDATE config SET state = iif(state = 'pending', 'failed', 'old')"
			      "  WHERE home = ? AND pipeline = ? AND state IN ('pending', "
			      "'current')",
			      "ss", home, pipeline);
	return r ?: db_commit(s, &t, err);
}

void revision_done(struct revision *r)
{
	free(r->home);
	free(r->pipeline);
	free(r->cause);
	free(r->manifest);
	free(r->plan);
	free(r->note);
	array_foreach (o, &r->objects)
		free(o->stage);
	array_done(&r->objects);
	*r = (struct revision){};
}
