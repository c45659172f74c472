/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A revision that is still pending belongs to a command that was killed: nobody else
 * changes pipelines without the lock, which we hold.
 */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/iface.h"
#include "kernel/rcu.h"
#include "live/counters.h"
#include "live/displaced.h"
#include "live/observe.h"
#include "live/recover.h"

static void leftover_done(struct leftover *l)
{
	free(l->path);
	revision_done(&l->pending);
	revision_done(&l->current);
	json_decref(l->pending_plan);
	json_decref(l->current_plan);
	attachments_done(&l->attachments);
	front_done(&l->new);
	front_done(&l->old);
}

static int open_front(const struct leftover *l, const struct revision *rev, json_t **ret_plan,
		      struct front *ret, struct braid_error *err)
{
	_cleanup_free_ char *folder = path_revision(l->path, rev->number);

	*ret_plan = json_loads(rev->plan, 0, NULL);
	return folder ? front_open(*ret_plan, folder, ret, err) : error_oom(err);
}

/* The current revision, if there is one, and what is attached. */
static int find_current(struct leftover *l, struct braid_error *err)
{
	int r = revision_find(l->b->store, l->b->home.name, l->pipeline, REVISION_CURRENT,
			      &l->current, err);

	l->has_current = !r;
	if (r == -ENOENT) {
		braid_error_clear(err);
		r = 0;
	}
	if (!r && l->has_current)
		r = open_front(l, &l->current, &l->current_plan, &l->old, err);
	return r ?: attachments_read(l->path, &l->attachments, err);
}

static int find(struct leftover *l, struct braid_error *err)
{
	return find_current(l, err) ?: open_front(l, &l->pending, &l->pending_plan, &l->new, err);
}

int leftover_each(struct leftover *l, const struct revision *rev,
		  int (*visit)(struct leftover *l, struct visited *v, struct braid_error *err),
		  size_t *ret_missing, struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	const struct braid_pipeline *p;
	int r = braid_manifest_parse(rev->manifest, strlen(rev->manifest), "store", NULL, &m, err);

	if (r)
		return r;
	p = braid_manifest_get(m, 0);
	array_foreach (iface, &p->interfaces) {
		_cleanup_error_ struct braid_error gone = BRAID_ERROR_INIT;
		struct visited v = {
			.at = {.ns = NETNS_INIT, .hook = p->hook},
			.wish = {.p = p,
				 .strategy = plan_strategy(rev == &l->current ? l->current_plan
									      : l->pending_plan,
							   p->strategy),
				 .root = l->root,
				 .home = l->b->home.name,
				 .path = l->path,
				 .is = json_object_get(l->current_plan, "wanted"),
				 .was = json_object_get(l->pending_plan, "wanted"),
				 .partial = true},
		};

		if (netns_open(iface->netns, &v.at.ns, &gone) ||
		    iface_index(&v.at.ns, iface->name, &v.at.ifindex, &gone))
			(*ret_missing)++;
		else
			r = r ?: visit(l, &v, err);
		spot_done(&v.at);
	}
	return r;
}

struct attachment *leftover_running(struct leftover *l, const struct spot *at,
				    const struct front *f)
{
	array_foreach (a, &l->attachments.list)
		if (a->live && a->cookie == at->ns.cookie && a->ifindex == at->ifindex &&
		    a->hook == at->hook && front_is(f, &a->runs))
			return a;
	return NULL;
}

static int count_unfinished(struct leftover *l, struct visited *v, struct braid_error *err)
{
	if (!leftover_running(l, &v->at, &l->new))
		l->unfinished++;
	return 0;
}

/* If the pending revision replaces one slot only: does that hold its program? */
static bool is_switched(const struct leftover *l)
{
	_cleanup_free_ char *folder = path_revision(l->path, l->pending.number);

	return folder && slot_is_switched(l->pending_plan, folder);
}

/* Does every interface that the pending revision names run its programs? */
static int is_complete(struct leftover *l, bool *ret, struct braid_error *err)
{
	size_t missing = 0;
	int r = leftover_each(l, &l->pending, count_unfinished, &missing, err);

	*ret = l->new.list.n && !missing && !l->unfinished &&is_switched(l);
	return r;
}

/* Those of interfaces that the revision with this front no longer names. */
static int drop_others(struct leftover *l, const struct front *f, struct braid_error *err)
{
	int r = 0;

	array_foreach (a, &l->attachments.list)
		if (!front_is(f, &a->runs))
			r = r ?: attachment_remove(&l->attachments, a, err);
	return r;
}

/* One that was moved, and lost who did it before its pin got the name that lasts. */
static int settle_paths(struct leftover *l, struct braid_error *err)
{
	int r = 0;

	array_foreach (a, &l->attachments.list)
		if (a->live)
			r = r ?: attachment_settle_path(a, l->path, err);
	return r;
}

static int drop_displaced(const struct leftover *l, const struct revision *rev,
			  struct braid_error *err)
{
	_cleanup_free_ char *folder = path_revision(l->path, rev->number);

	return folder ? displaced_drop(folder, err) : error_oom(err);
}

/* The pending revision is the current one now; @old: the folder of the one before it. */
static int keep_counters(struct leftover *l, const char *old, struct braid_error *err)
{
	_cleanup_free_ char *beside = path_revision(l->path, l->pending.number);
	const struct fold f = {
		.home = l->b->home.name,
		.pipeline = l->pipeline,
		.number = l->current.number,
		.plan = l->current_plan,
		.stays = l->pending_plan,
		.folder = old,
		.beside = beside,
	};

	return beside ? counters_fold(l->b, &f, err) : error_oom(err);
}

static int finish(struct leftover *l, struct braid_error *err)
{
	_cleanup_free_ char *old = NULL;
	int r = revision_commit(l->b->store, l->b->home.name, l->pipeline, l->pending.number, err);

	r = r ?: drop_displaced(l, &l->pending, err) ?: drop_others(l, &l->new, err) ?: settle_paths(l, err);
	if (r || !l->has_current)
		return r;
	old = path_revision(l->path, l->current.number);
	return !old ? error_oom(err)
		    : kernel_sync_rcu(err)
			       ?: keep_counters(l, old, err) ?: bpffs_remove_tree(old, err);
}

static int settle(struct leftover *l, char **ret_what, struct braid_error *err)
{
	_cleanup_free_ char *missing = NULL;
	bool complete = false;
	int r;

	r = find(l, err) ?: is_complete(l, &complete, err);
	r = r ?: complete ? finish(l, err) : leftover_undo(l, err);
	if (r) {
		error_within(err, "settling revision %u, which an interrupted command left",
			     l->pending.number);
		return r;
	}
	missing = complete ? carry_cut_short(l->pending.plan) : strdup("");
	*ret_what = text_fmt("revision %u (%s) was interrupted: %s%s", l->pending.number,
			     l->pending.cause, complete ? "finished" : "undone", missing ?: "");
	return *ret_what && missing ? 0 : error_oom(err);
}

/* None is pending, but there may be folders that nobody needs. */
static int sweep(struct leftover *l, char **ret_what, struct braid_error *err)
{
	int r = find_current(l, err) ?: leftover_sweep(l, ret_what, err);

	return r ?: l->has_current ? drop_displaced(l, &l->current, err) : 0;
}

/* @gone: of observers; what was found beside it stays in front. */
static int tell(const char *gone, char **ret_what, struct braid_error *err)
{
	char *both = gone ? text_fmt("%s%s%s", *ret_what ?: "", *ret_what ? "; " : "", gone) : NULL;

	if (!gone)
		return 0;
	if (!both)
		return error_oom(err);
	free(*ret_what);
	*ret_what = both;
	return 0;
}

int recover(struct braid *b, const char *root, const char *pipeline, char **ret_what,
	    struct braid_error *err)
{
	return recover_beside(b, root, pipeline, OBSERVERS_GO, ret_what, err);
}

int recover_beside(struct braid *b, const char *root, const char *pipeline,
		   enum observers_stay stay, char **ret_what, struct braid_error *err)
{
	struct leftover l = {.b = b, .pipeline = pipeline, .root = root};
	_cleanup_free_ char *gone = NULL;
	int r = observe_end_unless(b, root, pipeline, stay, &gone, err);

	l.path = path_pipeline(root, b->home.name, pipeline);
	if (!l.path)
		r = error_oom(err);
	r = r ?: revision_find(b->store, b->home.name, pipeline, REVISION_PENDING, &l.pending, err);
	if (r == -ENOENT) {
		braid_error_clear(err);
		r = sweep(&l, ret_what, err);
	} else {
		r = r ?: settle(&l, ret_what, err);
	}
	leftover_done(&l);
	r = r ?: runtime_sync(b, pipeline, ret_what, err) ?: tell(gone, ret_what, err);
	if (!r && *ret_what)
		r = event_add(b->store, b->home.name, pipeline, b->cause, *ret_what, err);
	return r;
}
