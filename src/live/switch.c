/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The switch: the new programs on all interfaces, or the old ones back on all of them.
 * On one interface a switch is one atomic exchange, unless the pipeline must be attached in
 * another mode or by another way; over several it is undone in reverse when one fails.
 */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/displaced.h"
#include "live/live.h"

struct switching {
	const struct wish *w;
	const struct front *new;
	const char *folder; /* of the new revision */
};

static int create(const struct switching *sw, struct target *t, struct braid_error *err)
{
	return attachment_create(t->way, &t->at, &t->how, sw->new, sw->w->path, &t->made, err);
}

/* As it was, with what ran. */
static int create_back(const struct switching *sw, struct target *t, struct braid_error *err)
{
	struct attachment back;
	int r = attachment_create(t->held->way, &t->at, &t->was, &t->old, sw->w->path, &back, err);

	if (!r)
		attachment_done(&back);
	return r;
}

/*
 * Detached, attached: packets in between meet no program. But out of a dispatcher: an exchange.
 * Its components stay, pinned as they are, until this cannot be undone any more.
 */
static int recreate(const struct switching *sw, struct target *t, struct braid_error *err)
{
	int r = t->atomic ? 0 : attachment_remove(NULL, t->held, err);

	if (r)
		return r;
	if (t->atomic)
		t->how.instead = t->at.chain->fd;
	r = create(sw, t, err);
	if (r) { /* its own half is undone here: the caller undoes only what succeeded */
		_cleanup_error_ struct braid_error back = BRAID_ERROR_INIT;

		create_back(sw, t, &back);
	}
	return r;
}

static int move_back(const struct switching *sw, struct target *t, struct braid_error *err)
{
	struct attachment back;
	int r = spot_look(&t->at, err)
			?: attachment_move(&t->made, &t->at, &t->was, &t->old, sw->w->path, &back,
					   err);

	if (!r)
		attachment_done(&back);
	return r;
}

static int put_foreign_back(struct target *t, struct braid_error *err)
{
	const struct xdp_attached *there = spot_xdp(&t->at);

	if (there->links) {
		error_set(err, -EOPNOTSUPP, NULL, "'%s' was attached by a link of its owner's",
			  there->name);
		return -EOPNOTSUPP;
	}
	return xdp_attach_foreign(&t->at.ns, t->at.ifindex, front_fd(&t->old), there->mode, err);
}

static int replace(const struct switching *sw, struct target *t, struct braid_error *err)
{
	const struct xdp_attached *there = spot_xdp(&t->at);
	int r = there->links ? 0 : displaced_keep(sw->folder, &t->at, &t->old, err);

	if (r)
		return r;
	if (t->atomic) {
		t->how.instead = front_fd(&t->old);
		return create(sw, t, err);
	}
	r = xdp_detach_foreign(&t->at.ns, t->at.ifindex, there, err);
	if (r)
		return r;
	r = create(sw, t, err);
	if (r) {
		_cleanup_error_ struct braid_error back = BRAID_ERROR_INIT;

		if (put_foreign_back(t, &back))
			error_hint(err, "what was attached here is gone: %s", back.what ?: "");
	}
	return r;
}

static int replace_back(const struct switching *sw, struct target *t, struct braid_error *err)
{
	int r;

	if (!t->atomic)
		return attachment_remove(NULL, &t->made, err) ?: put_foreign_back(t, err);
	r = attachment_update(&t->made, sw->new, &t->old, err);
	return r ?: bpffs_unpin(t->made.path, err); /* what runs is not ours: only the note goes */
}

static int recreate_back(const struct switching *sw, struct target *t, struct braid_error *err)
{
	_cleanup_front_ struct front chain = {};
	int r;

	if (!t->atomic)
		return attachment_remove(NULL, &t->made, err) ?: create_back(sw, t, err);
	r = front_by_id(t->at.chain->id, &chain, err)
		    ?: attachment_update(&t->made, sw->new, &chain, err);
	return r ?: create_back(sw, t, err); /* which finds its components there */
}

static int switch_one(const struct switching *sw, struct target *t, struct braid_error *err)
{
	switch (t->action) {
	case TARGET_UPDATE:
		return attachment_update(t->held, &t->old, sw->new, err);
	case TARGET_MODE:
	case TARGET_WAY:
		return recreate(sw, t, err);
	case TARGET_MOVE:
		return attachment_move(t->held, &t->at, &t->how, sw->new, sw->w->path, &t->made,
				       err);
	case TARGET_FOREIGN:
		return replace(sw, t, err);
	default:
		return create(sw, t, err);
	}
}

static int undo_one(const struct switching *sw, struct target *t, struct braid_error *err)
{
	switch (t->action) {
	case TARGET_UPDATE:
		return attachment_update(t->held, sw->new, &t->old, err);
	case TARGET_MODE:
	case TARGET_WAY:
		return recreate_back(sw, t, err);
	case TARGET_MOVE:
		return move_back(sw, t, err);
	case TARGET_FOREIGN:
		return replace_back(sw, t, err);
	default:
		return attachment_remove(NULL, &t->made, err);
	}
}

void targets_undo(struct targets *t, const struct wish *w, const struct front *f,
		  struct braid_error *err)
{
	struct switching sw = {w, f, NULL};

	for (size_t i = t->list.n; i-- > 0;) {
		struct target *target = &t->list.v[i];
		_cleanup_error_ struct braid_error back = BRAID_ERROR_INIT;

		if (!target->switched || !undo_one(&sw, target, &back))
			continue;
		error_hint(err, "%s could not be put back (%s): braid apply --replace",
			   target->iface->name, back.what ?: "");
	}
}

static int switch_those(const struct switching *sw, struct targets *t, bool foreign,
			struct braid_error *err)
{
	array_foreach (target, &t->list) {
		int r;

		if ((target->action == TARGET_FOREIGN) != foreign)
			continue;
		r = switch_one(sw, target, err);
		if (r)
			return r;
		target->switched = true;
	}
	return 0;
}

int targets_switch(struct targets *t, const struct wish *w, const struct front *f,
		   const char *folder, struct braid_error *err)
{
	struct switching sw = {w, f, folder};
	/* detaching another's program cannot always be undone: when all else has succeeded */
	int r = switch_those(&sw, t, false, err) ?: switch_those(&sw, t, true, err);

	if (r)
		targets_undo(t, w, f, err);
	return r;
}

int targets_clean(struct targets *t, struct braid_error *err)
{
	_cleanup_free_ char *bpffs = NULL;
	int r = 0;

	array_foreach (target, &t->list) {
		if (!target->at.chain || target->way == &way_dispatcher)
			continue;
		/* what somebody has open is not cleaned away */
		spot_forget_chain(&target->at);
		front_done(&target->old);
		target->old = (struct front){};
		if (!bpffs)
			r = r ?: dispatch_bpffs(&bpffs, err);
		r = r ?: dispatch_tidy(target->at.ifindex, bpffs, &target->pins_left, err);
	}
	return r;
}
