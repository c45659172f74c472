/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The other way from a revision that did not get as far as to be committed. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/rcu.h"
#include "live/counters.h"
#include "live/displaced.h"
#include "live/recover.h"

static int update_back(struct leftover *l, struct attachment *a, struct braid_error *err)
{
	int r = attachment_update(a, &l->new, &l->old, err);

	if (r != -ENODEV) /* with its interface */
		return r;
	braid_error_clear(err);
	a->live = false;
	return 0;
}

/* A new one that runs what ran. */
static int attach_back(struct leftover *l, struct visited *v, const struct way *way,
		       struct braid_error *err)
{
	struct how how = wanted_how(&v->wish);
	struct attachment a;
	int r = attachment_create(way, &v->at, &how, &l->old, l->path, &a, err);

	if (r)
		return r;
	if (array_add(&l->attachments.list, a))
		return 0;
	attachment_done(&a);
	return error_oom(err);
}

/* Does it stand where the new revision wanted it, and the old one did not? */
static int is_moved(struct visited *v, const struct attachment *a, bool *ret,
		    struct braid_error *err)
{
	struct how how = wanted_how(&v->wish);
	bool right = true;
	int r = 0;

	if (a->way->stands && wish_order_changed(&v->wish))
		r = a->way->stands(a, &v->at, &how, &right, err);
	*ret = !right;
	return r;
}

/* The old programs instead of the new ones, where they stood. */
static int exchange_back(struct leftover *l, struct visited *v, struct attachment *a,
			 struct braid_error *err)
{
	struct how how = wanted_how(&v->wish);
	struct attachment moved;
	bool is = false;
	int r = is_moved(v, a, &is, err);

	if (r || !is)
		return r ?: update_back(l, a, err);
	r = attachment_move(a, &v->at, &how, &l->old, l->path, &moved, err);
	if (r)
		return r;
	attachment_done(a);
	*a = moved;
	return 0;
}

/* By which way the current revision was attached there. */
static const struct way *old_way(const struct leftover *l, const struct visited *v)
{
	const struct way *held = NULL;
	json_t *at;
	size_t i;

	json_array_foreach (json_object_get(l->current_plan, "interfaces"), i, at)
		if (text_eq(json_string_value(json_object_get(at, "netns")), v->at.ns.name) &&
		    json_integer_value(json_object_get(at, "ifindex")) == v->at.ifindex &&
		    text_eq(json_string_value(json_object_get(at, "way")), way_xdp_netlink.name))
			held = &way_xdp_netlink;
	return wanted_way(v->wish.p, v->wish.strategy, held);
}

/* The old programs on an interface of the current revision, as they were there. */
static int put_back(struct leftover *l, struct visited *v, struct braid_error *err)
{
	struct attachment *a = leftover_running(l, &v->at, &l->new);
	const struct way *way = old_way(l, v);
	const struct xdp_attached *there;
	int r = spot_look(&v->at, err);

	if (r || !l->old.list.n || leftover_running(l, &v->at, &l->old))
		return r;
	there = spot_xdp(&v->at);
	if (a && a->way == way && (!there || there->mode == wanted_mode(v->wish.p)))
		return exchange_back(l, v, a, err);
	if (a)
		r = attachment_remove(&l->attachments, a, err) ?: spot_look(&v->at, err);
	else if (there && !(way == &way_dispatcher && spot_has_chain(&v->at)))
		return 0; /* another's */
	/* killed between the detaching from one mode, or way, and the attaching in the other */
	return r ?: attach_back(l, v, way, err);
}

/* An interface that only the new revision names. */
static int drop_new(struct leftover *l, struct visited *v, struct braid_error *err)
{
	struct attachment *a = leftover_running(l, &v->at, &l->new);

	return a ? attachment_remove(&l->attachments, a, err) : 0;
}

/*
 * What still runs the new program, behind put_back(): at interfaces that only the new revision
 * names; beside one that was to be moved; or at one that was renamed since, and then the old
 * one was there. And notes where nothing is attached (yet).
 */
static int undo_rest(struct leftover *l, struct braid_error *err)
{
	size_t missing = 0;
	int r = leftover_each(l, &l->pending, drop_new, &missing, err);

	array_foreach (a, &l->attachments.list) {
		if (a->live && front_is(&l->new, &a->runs))
			r = r
				    ?: l->old.list.n ? update_back(l, a, err)
						     : attachment_remove(&l->attachments, a, err);
		else if (!a->live && !a->way->has_link)
			r = r ?: attachment_remove(&l->attachments, a, err);
	}
	return r;
}

/* The program in front is the same in both: it was about one slot. */
static int undo_slot(struct leftover *l, struct braid_error *err)
{
	_cleanup_free_ char *old = path_revision(l->path, l->current.number);

	return old ? slot_put_back(l->pending_plan, l->current_plan, old, err) : error_oom(err);
}

static int undo_attachments(struct leftover *l, const char *folder, struct braid_error *err)
{
	size_t missing = 0;
	int r = displaced_put_back(folder, &l->attachments, &l->new, err);

	if (!r && l->has_current)
		r = leftover_each(l, &l->current, put_back, &missing, err);
	return r ?: l->new.list.n ? undo_rest(l, err) : 0;
}

/* Some interface may have had the pending revision for a while. */
static int keep_counters(struct leftover *l, const char *folder, struct braid_error *err)
{
	_cleanup_free_ char *beside = path_revision(l->path, l->current.number);
	const struct fold f = {
		.home = l->b->home.name,
		.pipeline = l->pipeline,
		.number = l->pending.number,
		.failed = true,
		.plan = l->pending_plan,
		.stays = l->current_plan,
		.folder = folder,
		.beside = beside,
	};

	if (!l->has_current)
		return 0;
	return beside ? counters_fold(l->b, &f, err) : error_oom(err);
}

int leftover_undo(struct leftover *l, struct braid_error *err)
{
	_cleanup_free_ char *folder = path_revision(l->path, l->pending.number);
	int r = folder ? 0 : error_oom(err);

	if (!r && l->new.list.n &&front_id(&l->new) == front_id(&l->old))
		r = undo_slot(l, err);
	else if (!r)
		r = undo_attachments(l, folder, err);
	return r ?: kernel_sync_rcu(err) ?:
	       keep_counters(l, folder, err) ?:
	       bpffs_remove_tree(folder, err) ?:
	       revision_abort(l->b->store, l->b->home.name, l->pipeline, l->pending.number,
			      "the command was interrupted; undone by the next one", err);
}
