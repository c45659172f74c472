/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The interfaces of a pipeline: what is on them, and what must happen there. */
#include <errno.h>
#include <time.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/iface.h"
#include "live/live.h"
#include "live/orphan.h"

const char *const target_action_names[] = {
	[TARGET_CREATE] = "attach",   [TARGET_UPDATE] = "update",  [TARGET_MODE] = "change-mode",
	[TARGET_FOREIGN] = "replace", [TARGET_WAY] = "change-way", [TARGET_MOVE] = "move",
};

void targets_done(struct targets *t)
{
	array_foreach (target, &t->list) {
		spot_done(&target->at);
		front_done(&target->old);
		orphan_free(target->orphan);
		attachment_done(&target->made);
		free(target->pins_left);
	}
	array_done(&t->list);
	array_done(&t->missing);
}

enum xdp_mode wanted_mode(const struct braid_pipeline *p)
{
	return p->mode == MODE_GENERIC ? XDP_GENERIC : XDP_NATIVE;
}

/*
 * Whoever took another's place by netlink stays there until it is detached. So does who was in a
 * dispatcher: netlink has attached that, and exchanges it.
 */
const struct way *wanted_way(const struct braid_pipeline *p, enum strategy strategy,
			     const struct way *held)
{
	enum via via = p->attach.via;
	bool clsact = via == VIA_NETLINK;
	bool stays = via == VIA_AUTO && (held == &way_xdp_netlink || held == &way_dispatcher);

	if (strategy == STRATEGY_DISPATCHER)
		return &way_dispatcher;
	if (p->hook == HOOK_XDP)
		return via == VIA_NETLINK || stays ? &way_xdp_netlink : &way_xdp_link;
	if (via == VIA_AUTO && (p->hook == HOOK_TC_INGRESS || p->hook == HOOK_TC_EGRESS))
		clsact = !tc_has_links(tc_hook_of(p->hook));
	return clsact ? &way_clsact : &way_tc_link;
}

struct how wanted_how(const struct wish *w)
{
	return (struct how){
		.mode = wanted_mode(w->p),
		.wanted = &w->p->attach,
		.home = w->home,
		.root = w->root,
		.lenient = w->partial,
		.instead = -1,
	};
}

/* The pipeline, of any home, that is attached at @s; NULL: none. Caller frees. */
static char *find_owner(const char *root, const struct spot *s)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ char *top = text_fmt("%s/braid", root);
	struct bpffs_entries homes = {};
	char *owner = NULL;

	if (!top || bpffs_list(top, &homes, &err))
		return NULL;
	array_foreach (home, &homes.list) {
		_cleanup_free_ char *folder = text_fmt("%s/%s", top, home->name);
		struct bpffs_entries pipelines = {};

		if (!folder || bpffs_list(folder, &pipelines, &err))
			continue;
		array_foreach (pipeline, &pipelines.list) {
			_cleanup_free_ char *path = text_fmt("%s/%s", folder, pipeline->name);
			struct attachments all = {};

			if (!path || attachments_read(path, &all, &err))
				continue;
			if (!owner && attachment_at(&all, s))
				owner = bpffs_unescape(pipeline->name);
			attachments_done(&all);
		}
		bpffs_entries_done(&pipelines);
	}
	bpffs_entries_done(&homes);
	return owner;
}

static int foreign(const struct target *t, const struct xdp_attached *a, const char *root,
		   struct braid_error *err)
{
	_cleanup_free_ char *where = iface_where(&t->at.ns, t->at.ifindex);
	_cleanup_free_ char *owner = find_owner(root, &t->at);

	if (owner) {
		error_set(err, -EBUSY, where, "pipeline '%s' is attached here already", owner);
		error_hint(err, "add the stages to it, or: braid delete %s", owner);
		return -EBUSY;
	}
	if (t->at.chain && dispatcher_closed(t->at.chain)) {
		error_set(err, -EBUSY, where,
			  "libxdp's dispatcher is attached here, id %u, and takes nobody in",
			  a->prog_id);
		error_why(err, "%s", dispatcher_closed(t->at.chain));
		error_hint(err, "detach it, or let braid do so with --replace: its components go, "
				"too");
		return -EBUSY;
	}
	error_set(err, -EBUSY, where, "another XDP program is attached here: '%s', id %u", a->name,
		  a->prog_id);
	error_why(err, "%s, %s mode, loaded by uid %u",
		  a->links ? "through a link of its owner's" : "attached through netlink",
		  xdp_mode_names[a->mode], a->uid);
	error_hint(err, "detach it, or let braid do so with --replace%s",
		   spot_has_chain(&t->at) ? "; or join the others with strategy dispatcher" : "");
	return -EBUSY;
}

/* What became of an interface that has no such name (any more). */
static int explain_missing(const struct braid_pipeline *p, const struct interface *iface,
			   const struct attachments *all, int r, struct braid_error *err)
{
	_cleanup_free_ char *now = r == -ENODEV ? renamed_to(p, iface, NULL, all, NULL) : NULL;

	if (now) {
		error_why(err, "the pipeline runs on '%s', which was '%s' before", now,
			  iface->name);
		error_hint(err, "name it '%s' in the manifest, or give it its old name back", now);
	}
	return r;
}

/* The place of @iface. @ret_missing: set when there is no such namespace or interface. */
static int resolve(const struct interface *iface, struct spot *s, bool *ret_missing,
		   struct braid_error *err)
{
	int r = netns_open(iface->netns, &s->ns, err);

	/* -EINVAL: `ip netns add` makes the file first, and a namespace of it later */
	*ret_missing = r == -ENOENT || (r == -EINVAL && iface->netns);
	if (r)
		return r;
	r = iface_index(&s->ns, iface->name, &s->ifindex, err) ?: spot_look(s, err);
	*ret_missing = r == -ENODEV;
	return r;
}

/* What is said of the order alone: not by what it is attached. */
static json_t *order_of(const json_t *model)
{
	json_t *order = json_copy(json_object_get(model, "attach")) ?: json_object();

	json_object_del(order, "via");
	if (!json_object_size(order))
		json_object_set_new(order, "order", json_string("last"));
	return order;
}

/* Others come and go, so where a link stands is looked at only when something else is wanted. */
bool wish_order_changed(const struct wish *w)
{
	_cleanup_json_ json_t *is = order_of(w->is), *was = order_of(w->was);

	return w->is && w->was && !json_equal(is, was);
}

static int choose_place(const struct wish *w, struct target *t, struct braid_error *err)
{
	struct tc_place place;
	bool right = true;
	int r = 0;

	if (!t->way->stands)
		return 0;
	if (t->action != TARGET_UPDATE) /* said now, not when all else is done */
		return tc_place_find(&t->at, &t->how, t->way == &way_clsact, &place, err);
	if (wish_order_changed(w))
		r = t->way->stands(t->held, &t->at, &t->how, &right, err);
	if (!r && !right)
		t->action = TARGET_MOVE;
	return r;
}

/* Its place can be taken between two packets if it was attached by netlink, in our mode. */
static int choose_foreign(const struct wish *w, struct target *t, const struct xdp_attached *there,
			  struct braid_error *err)
{
	if (!w->replace)
		return foreign(t, there, w->root, err);
	t->action = TARGET_FOREIGN;
	t->atomic = !there->links && there->mode == t->how.mode && w->p->attach.via != VIA_LINK &&
		    t->way != &way_dispatcher;
	if (t->atomic)
		t->way = &way_xdp_netlink;
	return front_by_id(there->prog_id, &t->old, err);
}

/* Out of a dispatcher, into its place: an exchange, but others that are in it would go, too. */
static int leave_chain(const struct wish *w, struct target *t, struct braid_error *err)
{
	_cleanup_free_ char *where = NULL;

	t->atomic = t->way == &way_xdp_netlink && t->at.chain->mode == t->how.mode;
	if (w->replace || !spot_has_others(&t->at, &t->held->runs))
		return 0;
	where = iface_where(&t->at.ns, t->at.ifindex);
	error_set(err, -EBUSY, where, "components of others are in the dispatcher, too");
	error_why(err, "strategy %s takes its place", strategy_names[w->strategy]);
	error_hint(err, "take them into the pipeline (braid adopt), stay with strategy dispatcher, "
			"or detach them with --replace");
	return -EBUSY;
}

static int choose_action(const struct wish *w, const struct attachments *all, struct target *t,
			 struct braid_error *err)
{
	const struct xdp_attached *there = spot_xdp(&t->at);

	t->held = attachment_at(all, &t->at);
	if (!t->held && w->known) {
		int r = orphan_find(w->known, &t->at, w->path, &t->orphan, err);

		if (r)
			return r;
		t->held = t->orphan;
	}
	t->way = wanted_way(w->p, w->strategy, t->held ? t->held->way : NULL);
	t->how = wanted_how(w);
	t->was.root = w->root;
	if (t->held)
		t->held->way->describe(t->held, &t->at, &t->was);
	if (there && !t->held && !(t->way == &way_dispatcher && spot_has_chain(&t->at)))
		return choose_foreign(w, t, there, err);
	if (!t->held)
		t->action = TARGET_CREATE;
	else if (t->held->way != t->way)
		t->action = TARGET_WAY;
	else if (there && there->mode != t->how.mode)
		t->action = TARGET_MODE;
	else
		t->action = TARGET_UPDATE;
	if (t->action == TARGET_WAY && t->held->way == &way_dispatcher)
		return leave_chain(w, t, err);
	return choose_place(w, t, err);
}

static int find_one(const struct wish *w, const struct interface *iface,
		    const struct attachments *all, struct target *t, bool *ret_missing,
		    struct braid_error *err)
{
	int r;

	*t = (struct target){.iface = iface,
			     .at = {.ns = NETNS_INIT, .hook = w->p->hook},
			     .was.instead = -1,
			     .made = {.fd = -1, .program = -1}};
	r = resolve(iface, &t->at, ret_missing, err);
	if (r) {
		char at[256];

		place_text(iface->at, at, sizeof(at));
		if (*at)
			error_within(err, "%s", at);
		return *ret_missing ? explain_missing(w->p, iface, all, r, err) : r;
	}
	return choose_action(w, all, t, err);
}

int targets_find(const struct wish *w, const struct attachments *all, struct targets *ret,
		 struct braid_error *err)
{
	struct targets t = {};
	int r = 0;

	for (size_t i = 0; i < w->p->interfaces.n && !r; i++) {
		const struct interface *iface = &w->p->interfaces.v[i];
		struct target *target = array_push(&t.list);
		bool missing = false;

		r = target ? find_one(w, iface, all, target, &missing, err) : error_oom(err);
		if (!missing || !w->partial)
			continue;
		spot_done(&target->at);
		t.list.n--;
		braid_error_clear(err);
		r = array_add(&t.missing, iface) ? 0 : error_oom(err);
	}
	if (r)
		targets_done(&t);
	else
		*ret = t;
	return r;
}

static json_t *target_to_json(const struct target *t)
{
	json_t *j = json_pack("{s:s, s:s, s:I, s:s, s:s}", "name", t->iface->name, "netns",
			      t->at.ns.name, "ifindex", (json_int_t)t->at.ifindex, "action",
			      target_action_names[t->action], "way", way_name(t->way, t->at.hook));

	if (t->action == TARGET_FOREIGN || t->action == TARGET_WAY)
		json_object_set_new(j, "atomic", json_boolean(t->atomic));
	if (t->pins_left)
		json_object_set_new(j, "pins-left", json_string(t->pins_left));
	return j;
}

json_t *targets_to_json(const struct targets *t)
{
	json_t *list = json_array();

	array_foreach (target, &t->list)
		json_array_append_new(list, target_to_json(target));
	return list;
}

json_t *targets_missing_to_json(const struct targets *t, const char *home)
{
	json_t *list = json_array();

	array_foreach (iface, &t->missing)
		json_array_append_new(list, json_pack("{s:s, s:s}", "name", (*iface)->name, "netns",
						      (*iface)->netns ?: home));
	return list;
}
