/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* All pipelines of the store, put back as far as that is possible now; and when to look again. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/probe.h"
#include "live/restore.h"
#include "manifest/opts.h"

/* A revision that could not be restored: it is not tried again and again. */
struct given_up {
	char *home, *name;
	__u32 revision;
};

struct braid_restore {
	struct braid *b; /* borrowed */
	ARRAY(char *) names;
	ARRAY(struct given_up) given_up;
	struct linkwatch watch;
};

struct totals {
	json_t *pipelines;
	size_t missing, failed;
};

/* By enum restored. */
static const char *const restored_names[] = {
	"", "runs", "restored", "waiting", "skipped", "failed",
};

void braid_restore_close(struct braid_restore *rs)
{
	if (!rs)
		return;
	array_foreach (name, &rs->names)
		free(*name);
	array_done(&rs->names);
	array_foreach (g, &rs->given_up) {
		free(g->home);
		free(g->name);
	}
	array_done(&rs->given_up);
	linkwatch_done(&rs->watch);
	free(rs);
}

DEFINE_CLEANUP(struct braid_restore *, braid_restore_close)

int braid_restore_open(struct braid *b, const struct braid_restore_opts *opts,
		       struct braid_restore **ret, struct braid_error *err)
{
	_cleanup_(braid_restore_closep) struct braid_restore *rs = calloc(1, sizeof(*rs));
	struct braid_restore_opts o;
	ERROR_SCRATCH(err);
	int r;

	if (!rs)
		return error_oom(err);
	rs->b = b;
	rs->watch = (struct linkwatch)LINKWATCH_INIT;
	r = opts_take(&o, sizeof(o), opts, err);
	for (size_t i = 0; i < o.n_names && !r; i++) {
		char **name = array_push(&rs->names);

		r = name && (*name = strdup(o.names[i])) ? 0 : error_oom(err);
	}
	r = r ?: linkwatch_open(&rs->watch, err) ?:
		 linkwatch_file(&rs->watch, store_path(b->store), err);
	if (r)
		return r;
	*ret = TAKE_PTR(rs);
	return 0;
}

int braid_restore_fd(const struct braid_restore *rs)
{
	return rs->watch.fd;
}

static bool is_asked_for(const struct braid_restore *rs, const struct store_pipeline *sp)
{
	array_foreach (name, &rs->names)
		if (text_eq(*name, sp->name))
			return true;
	return !rs->names.n;
}

static struct given_up *find_given_up(struct braid_restore *rs, const struct store_pipeline *sp)
{
	array_foreach (g, &rs->given_up)
		if (text_eq(g->home, sp->home) && text_eq(g->name, sp->name))
			return g;
	return NULL;
}

static int give_up(struct braid_restore *rs, const struct store_pipeline *sp,
		   struct braid_error *err)
{
	struct given_up *g = find_given_up(rs, sp) ?: array_push(&rs->given_up);

	if (!g)
		return error_oom(err);
	g->revision = sp->current;
	g->home = g->home ?: strdup(sp->home);
	g->name = g->name ?: strdup(sp->name);
	return g->home && g->name ? 0 : error_oom(err);
}

static json_t *error_to_json(const struct braid_error *err)
{
	return json_pack("{s:i, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?}", "code", err->code, "name",
			 strerrorname_np(-err->code), "where", err->where, "what", err->what, "why",
			 err->why, "hint", err->hint, "log", err->log);
}

static json_t *to_json(const struct restoring *r)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:I}", "pipeline", r->sp->name, "home", r->sp->home,
			      "state", restored_names[r->state], "revision",
			      (json_int_t)r->revision);

	if (r->attached)
		json_object_set(j, "attached", r->attached);
	if (r->missing)
		json_object_set(j, "missing", r->missing);
	if (r->recovered)
		json_object_set_new(j, "recovered", json_string(r->recovered));
	if (r->state == RESTORED_FAILED)
		json_object_set_new(j, "error", error_to_json(&r->error));
	return j;
}

static int one(struct braid_restore *rs, const char *root, const struct store_pipeline *sp,
	       struct totals *t, struct braid_error *err)
{
	struct restoring r = {
		.b = rs->b, .root = root, .watch = &rs->watch, .sp = sp, .error = BRAID_ERROR_INIT};
	int e = restore_pipeline(&r, err);

	if (!e && r.state == RESTORED_FAILED)
		e = give_up(rs, sp, err);
	if (!e && r.state != RESTORED_NONE)
		json_array_append_new(t->pipelines, to_json(&r));
	t->failed += r.state == RESTORED_FAILED;
	/* a home that is away counts even if nothing in it was named */
	if (r.state != RESTORED_FAILED)
		t->missing += json_array_size(r.missing) ?: r.state == RESTORED_WAITS;
	restoring_done(&r);
	return e;
}

static int check_names(const struct braid_restore *rs, const struct store_pipelines *all,
		       struct braid_error *err)
{
	array_foreach (name, &rs->names) {
		bool found = false;

		array_foreach (sp, &all->list)
			found |= text_eq(sp->name, *name);
		if (found)
			continue;
		if (pipeline_elsewhere(rs->b, rs->b->home.name, *name, err))
			return -ENOENT;
		error_set(err, -ENOENT, NULL, "there is no pipeline '%s'", *name);
		return -ENOENT;
	}
	return 0;
}

/*
 * What happens from here on is seen by the next step: namespaces are followed before it is
 * looked for interfaces in them.
 */
static int all(struct braid_restore *rs, const char *root, struct totals *t,
	       struct braid_error *err)
{
	struct store_pipelines pipelines = {};
	int r;

	linkwatch_drain(&rs->watch);
	linkwatch_begin(&rs->watch);
	r = store_pipelines(rs->b->store, &pipelines, err) ?: check_names(rs, &pipelines, err);
	array_foreach (sp, &pipelines.list) {
		const struct given_up *g = find_given_up(rs, sp);

		if (!(sp->current || sp->pending) || !is_asked_for(rs, sp))
			continue;
		if (!g || g->revision != sp->current)
			r = r ?: one(rs, root, sp, t, err);
	}
	if (!r)
		linkwatch_end(&rs->watch);
	store_pipelines_done(&pipelines);
	return r;
}

int braid_restore_step(struct braid_restore *rs, char **ret_report, struct braid_error *err)
{
	_cleanup_json_ json_t *j = NULL, *pipelines = json_array();
	struct totals t = {.pipelines = pipelines};
	_cleanup_free_ char *root = NULL;
	ERROR_SCRATCH(err);
	int r;

	r = probe_privileges(err) ?: bpffs_root(&root, err) ?: all(rs, root, &t, err);
	if (r || !ret_report)
		return r;
	j = json_pack("{s:O, s:I, s:I}", "pipelines", t.pipelines, "missing", (json_int_t)t.missing,
		      "failed", (json_int_t)t.failed);
	*ret_report = json_dumps(j, JSON_INDENT(2));
	return *ret_report ? 0 : error_oom(err);
}
