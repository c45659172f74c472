/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a change finds: the current revision, and what runs on the interfaces. */
#include "live/change.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/iface.h"
#include "live/observe.h"

void change_done(struct change *c)
{
	free(c->root);
	free(c->path);
	free(c->recovered);
	free(c->why);
	revision_done(&c->current);
	json_decref(c->old_plan);
	free(c->old_path);
	targets_done(&c->targets);
	attachments_done(&c->attachments);
	front_done(&c->old);
	front_done(&c->new);
	carry_done(&c->carry);
	slot_done(&c->slot);
	array_done(&c->reuse.list);
	running_image_done(&c->run);
	json_decref(c->wanted);
	json_decref(c->plan);
	json_decref(c->dropped);
	free(c->new_path);
}

static int find_current(struct change *c, struct braid_error *err)
{
	int r = revision_find(c->b->store, c->b->home.name, c->p->name, REVISION_CURRENT,
			      &c->current, err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	if (r)
		return r;
	c->has_current = true;
	c->old_plan = json_loads(c->current.plan, 0, NULL);
	c->old_path = path_revision(c->path, c->current.number);
	if (!c->old_path)
		return error_oom(err);
	if (!c->old_plan) {
		error_set(err, -EBADMSG, c->p->name, "the store's plan of revision %u is damaged",
			  c->current.number);
		return -EBADMSG;
	}
	return observers_add_known(c->b, c->b->home.name, c->p->name, c->current.number,
				   c->old_plan, err);
}

static int beside_others(struct change *c, const struct interface *iface, const struct spot *s,
			 struct braid_error *err)
{
	const struct component *other = &s->chain->components.v[0];

	c->strategy = STRATEGY_DISPATCHER;
	c->why = text_fmt("auto: %s has a libxdp dispatcher, with '%s' of another tool",
			  iface->name, other->name);
	return c->why ? 0 : error_oom(err);
}

/*
 * auto: where a libxdp dispatcher is, the pipeline becomes part of it, and stays so. What cannot
 * be looked at is not decided by: it is an error later, or of no importance.
 */
static int choose_strategy(struct change *c, struct braid_error *err)
{
	int r = 0;

	c->strategy = c->p->strategy;
	if (c->p->hook != HOOK_XDP || c->strategy != STRATEGY_AUTO || c->replace ||
	    c->p->attach.via == VIA_LINK)
		return 0;
	array_foreach (a, &c->attachments.list)
		if (a->live && a->way == &way_dispatcher) {
			c->strategy = STRATEGY_DISPATCHER;
			c->why = strdup("auto: it is in a libxdp dispatcher already");
			return c->why ? 0 : error_oom(err);
		}
	for (size_t i = 0; i < c->p->interfaces.n && !r && !c->why; i++) {
		_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
		const struct interface *iface = &c->p->interfaces.v[i];
		_cleanup_spot_ struct spot s = SPOT_INIT;

		if (netns_open(iface->netns, &s.ns, &ignored) ||
		    iface_index(&s.ns, iface->name, &s.ifindex, &ignored) ||
		    spot_look(&s, &ignored))
			continue;
		if (spot_has_chain(&s) && spot_has_others(&s, NULL))
			r = beside_others(c, iface, &s, err);
	}
	return r;
}

int change_look(struct change *c, struct braid_error *err)
{
	int r = bpffs_root(&c->root, err);

	if (r)
		return r;
	c->path = path_pipeline(c->root, c->b->home.name, c->p->name);
	if (!c->path)
		return error_oom(err);
	return find_current(c, err) ?:
	       attachments_read(c->path, &c->attachments, err) ?:
	       choose_strategy(c, err) ?:
	       comparable(c->p, &c->wanted, err);
}

int change_find_targets(struct change *c, struct braid_error *err)
{
	c->wish = (struct wish){
		.p = c->p,
		.strategy = c->strategy,
		.root = c->root,
		.home = c->b->home.name,
		.path = c->path,
		.is = c->wanted,
		.was = c->old_plan ? json_object_get(c->old_plan, "wanted") : NULL,
		.known = c->old_plan ? json_object_get(c->old_plan, "front") : NULL,
		.replace = c->replace,
		.partial = c->partial,
	};
	return targets_find(&c->wish, &c->attachments, &c->targets, err);
}

static int updated_by_others(const struct change *c, const struct target *t,
			     struct braid_error *err)
{
	_cleanup_free_ char *where = iface_where(&t->at.ns, t->at.ifindex);
	__u32 id = ids_first(&t->held->runs);

	error_set(err, -ESTALE, where,
		  "the pipeline's link runs program %u, not that of revision %u", id,
		  c->current.number);
	error_why(err, "someone else has updated the link");
	error_hint(err, "see what it is (bpftool prog show id %u), or use --replace", id);
	return -ESTALE;
}

int change_expect_programs(struct change *c, struct braid_error *err)
{
	int r = 0;

	if (c->has_current)
		r = front_open(c->old_plan, c->old_path, &c->old, err);
	array_foreach (t, &c->targets.list) {
		bool right;

		if (r || !t->held)
			continue;
		/* a variant stays only while nothing is changed: for a preview it is the same */
		right = runs_revision(&c->old, c->old_path, &t->held->runs, NULL);
		if (!right && c->old.list.n && !c->replace)
			r = updated_by_others(c, t, err);
		else
			r = right ? front_copy(&c->old, &t->old, err)
				  : front_by_ids(&t->held->runs, &t->old, err);
	}
	return r;
}

bool change_is_attached(const struct change *c)
{
	if (!c->has_current || c->attachments.list.n != c->targets.list.n)
		return false;
	array_foreach (t, &c->targets.list)
		if (t->action != TARGET_UPDATE ||
		    !runs_revision(&c->old, c->old_path, &t->held->runs, NULL))
			return false;
	return true;
}

int change_take_out_observers(struct change *c, struct braid_error *err)
{
	_cleanup_free_ char *observed = c->has_current ? path_observed(c->old_path) : NULL;
	_cleanup_free_ char *gone = NULL;
	int r;

	if (c->has_current && !observed)
		return error_oom(err);
	if (!observed || access(observed, F_OK))
		return 0;
	r = observe_end(c->b, c->root, c->p->name, &gone, err);
	if (r)
		return r;
	targets_done(&c->targets);
	attachments_done(&c->attachments);
	front_done(&c->old);
	return attachments_read(c->path, &c->attachments, err) ?:
	       change_find_targets(c, err) ?:
	       change_expect_programs(c, err);
}
