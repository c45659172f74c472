/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a change would do, without doing it. */
#include <errno.h>

#include "base/error.h"
#include "compose/plan_json.h"
#include "kernel/iface.h"
#include "live/change.h"
#include "live/foreign.h"
#include "manifest/opts.h"

static json_t *error_to_json(const struct braid_error *err)
{
	return json_pack("{s:i, s:s?, s:s?, s:s?, s:s?}", "code", err->code, "where", err->where,
			 "what", err->what, "why", err->why, "hint", err->hint);
}

/* What was found out about an interface; NULL: nothing, as something is in the way. */
static const struct target *find_target(const struct change *c, const struct interface *iface)
{
	array_foreach (t, &c->targets.list)
		if (t->iface == iface)
			return t;
	return NULL;
}

static struct foreign_view view_of(const struct change *c, const struct target *t)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	struct foreign_view view = {
		.home = c->b->home.name,
		.pipeline = c->p->name,
		.hook = c->p->hook,
		.replace = c->replace,
		.joins = c->strategy == STRATEGY_DISPATCHER,
		.clsact = wanted_way(c->p, c->strategy, NULL) == &way_clsact,
		.place.position = c->p->attach.order == ATTACH_FIRST ? TC_FIRST : TC_LAST,
	};

	if (!t)
		return view;
	view.attached = t->held;
	view.moves = t->action == TARGET_MOVE || t->action == TARGET_WAY;
	view.clsact = t->way == &way_clsact;
	if (c->p->hook != HOOK_XDP)
		tc_place_find(&t->at, &t->how, view.clsact, &view.place, &ignored);
	return view;
}

static void interface_foreigners(const struct change *c, const struct interface *iface,
				 struct foreign *foreign, json_t *list)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_spot_ struct spot at = {.ns = NETNS_INIT, .hook = c->p->hook};
	_cleanup_json_ json_t *j = NULL;
	struct foreign_view view = view_of(c, find_target(c, iface));

	if (netns_open(iface->netns, &at.ns, &err) ||
	    iface_index(&at.ns, iface->name, &at.ifindex, &err))
		return;
	if (!spot_look(&at, &err) && at.chain)
		view.closed = dispatcher_closed(at.chain);
	j = json_pack("{s:s, s:s, s:I}", "name", iface->name, "netns", at.ns.name, "ifindex",
		      (json_int_t)at.ifindex);
	foreign_add(foreign, &at.ns, at.ifindex, &view, j);
	if (json_array_size(json_object_get(j, "foreigners")))
		json_array_append(list, j);
}

/* Also of interfaces that are blocked: this says by whom. */
static int add_foreigners(const struct change *c, json_t *plan, struct braid_error *err)
{
	_cleanup_foreign_ struct foreign *foreign = NULL;
	json_t *list = json_array();
	int r = foreign_new(c->root, &foreign, err);

	for (size_t i = 0; !r && i < c->p->interfaces.n; i++)
		interface_foreigners(c, &c->p->interfaces.v[i], foreign, list);
	json_object_set_new(plan, "foreigners", list);
	return r;
}

static int preview(struct change *c, json_t **ret, struct braid_error *err)
{
	_cleanup_(braid_plan_freep) struct braid_plan *plan = NULL;
	_cleanup_(image_freep) struct image *image = NULL;
	_cleanup_error_ struct braid_error blocked = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *changes = json_array();
	int r = plan_new(c->p, c->strategy, c->why, &plan, err) ?:
			image_new(plan, NULL, &image, err) ?:
			carry_find(image, c->old_plan, c->old_path ?: "", &c->carry, err) ?:
			across_find(c->b, c->root, image, &c->carry, err) ?:
			plan_to_json(image, ret, err);

	if (r)
		return r;
	if (c->has_current &&
	    diff_values(json_object_get(c->old_plan, "wanted"), c->wanted, "", changes))
		return error_oom(err);
	json_object_set_new(*ret, "runs",
			    c->has_current ? json_integer(c->current.number) : json_null());
	json_object_set(*ret, "changes", changes);
	r = change_find_targets(c, &blocked) ?: carry_check(&c->carry, &blocked);
	if (r == -EPERM || r == -EACCES) /* to look; whoever applies may be somebody else */
		return error_move(err, &blocked);
	if (r)
		json_object_set_new(*ret, "blocked", error_to_json(&blocked));
	json_object_set_new(*ret, "interfaces", targets_to_json(&c->targets));
	json_object_set_new(*ret, "carry", carry_to_json(&c->carry));
	return add_foreigners(c, *ret, err);
}

int braid_preview(struct braid *b, const struct braid_pipeline *p,
		  const struct braid_apply_opts *opts, char **ret_json, struct braid_error *err)
{
	_cleanup_change_ struct change c = {.b = b, .p = p, .slot = SLOT_INIT};
	_cleanup_json_ json_t *j = NULL;
	struct braid_apply_opts o;
	ERROR_SCRATCH(err);
	int r;

	r = opts_take(&o, sizeof(o), opts, err);
	c.replace = o.replace;
	c.partial = o.partial;
	r = r ?: change_look(&c, err) ?: preview(&c, &j, err);
	if (r)
		return r;
	*ret_json = json_dumps(j, JSON_INDENT(2));
	return *ret_json ? 0 : error_oom(err);
}
