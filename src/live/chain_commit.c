/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Carrying a change out. What is on the interface decides how:
 *
 *	nothing, a dispatcher	dispatch_change(), which is one transaction
 *	another program		it can only be detached; alone, or in hardware, only attached
 */
#include <errno.h>

#include "base/text.h"
#include "kernel/probe.h"
#include "live/chain.h"
#include "live/live.h"

static int look(struct braid_chain *c, struct braid_error *err)
{
	int r;

	dispatcher_done(&c->now);
	r = dispatcher_read(&c->ns, c->ifindex, c->bpffs, &c->now, err);
	return r ?: xdp_query(&c->ns, c->ifindex, &c->state, err);
}

static int no_pipeline(const struct braid_chain *c, __u32 id, const char *what,
		       struct braid_error *err)
{
	const struct pinned_program *owner = pinned_program_find(&c->owners, id);

	if (!owner)
		return 0;
	error_set(err, -EBUSY, c->where, "program %u belongs to pipeline '%s'", id,
		  owner->pipeline);
	error_why(err, "%s", what);
	if (strcmp(owner->home, "init") != 0)
		error_why(err, "%s. The pipeline's home is network namespace '%s'", what,
			  owner->home);
	error_hint(err,
		   "'braid status %s' shows it, 'braid apply' changes it, 'braid delete %s' "
		   "detaches it",
		   owner->pipeline, owner->pipeline);
	return -EBUSY;
}

/* Nobody takes a pipeline apart from here. */
static int check_pipelines(const struct braid_chain *c, struct braid_error *err)
{
	static const char why[] = "only braid's own commands for pipelines change it";
	int r = 0;

	array_foreach (id, &c->remove)
		r = r ?: no_pipeline(c, *id, why, err);
	array_foreach (set, &c->set)
		r = r ?: no_pipeline(c, set->id, why, err);
	return r;
}

/* @c->now is no dispatcher to which anything could be added. */
static int check_free(struct braid_chain *c, struct braid_error *err)
{
	struct dispatch_edit nothing = {};
	int r = 0;

	if (c->now.state == DISPATCHER_ABSENT || c->now.state == DISPATCHER_SOUND)
		return 0;
	r = no_pipeline(c, c->now.id,
			"it is attached as a program of its own, so there is no dispatcher that "
			"takes others in (strategy `dispatcher` makes one)",
			err);
	if (r)
		return r;
	/* it says who it is, and what to do */
	r = dispatch_change(&c->ns, c->ifindex, &nothing, NULL, err);
	return r ?: look(c, err);
}

static int check_mode(const struct braid_chain *c, struct braid_error *err)
{
	enum xdp_mode wanted = c->mode == CHAIN_GENERIC ? XDP_GENERIC : XDP_NATIVE;

	/* who does not care which one is asked later */
	if (!c->add.n || c->mode == CHAIN_ANY || c->now.state != DISPATCHER_SOUND ||
	    c->now.mode == wanted)
		return 0;
	error_set(err, -EEXIST, c->where, "the dispatcher runs in %s mode, not in %s mode",
		  xdp_mode_names[c->now.mode], xdp_mode_names[wanted]);
	error_hint(err, "the first program decides; all must be unloaded to change it");
	return -EEXIST;
}

static int note_removed(struct braid_chain *c, __u32 id, struct braid_error *err)
{
	return array_add(&c->removed, id) ? 0 : error_oom(err);
}

static int held_by_link(const struct braid_chain *c, const struct xdp_attached *at,
			struct braid_error *err)
{
	error_set(err, -EBUSY, c->where, "'%s' (program %u) is held by a link", at->name,
		  at->prog_id);
	error_why(err, "the kernel lets nobody but the link's owner detach it");
	error_hint(err, "detach it with the tool that attached it");
	return -EBUSY;
}

/* A program as it is: bare, of a dispatcher that cannot be changed, in hardware. */
static int detach(struct braid_chain *c, const struct xdp_attached *at, struct braid_error *err)
{
	static const char why[] = "it is attached as a program of its own";
	int r = no_pipeline(c, at->prog_id, why, err);

	if (!r && at->links)
		r = held_by_link(c, at, err);
	return r ?: xdp_detach_foreign(&c->ns, c->ifindex, at, err)
	       ?: note_removed(c, at->prog_id, err);
}

static int remove_components(struct braid_chain *c, struct braid_error *err)
{
	struct dispatch_edit edit = {};
	ARRAY(__u32) ids = {};
	int r = 0;

	array_foreach (m, &c->now.components) {
		r = r ?: no_pipeline(c, m->id, "it is a component of this dispatcher", err);
		if (!r && !array_add(&ids, m->id))
			r = error_oom(err);
	}
	edit.remove = ids.v;
	edit.n_remove = ids.n;
	r = r ?: dispatch_change(&c->ns, c->ifindex, &edit, NULL, err);
	array_foreach (id, &ids)
		r = r ?: note_removed(c, *id, err);
	array_done(&ids);
	return r;
}

static int remove_attached(struct braid_chain *c, struct braid_error *err)
{
	bool pins = c->now.state == DISPATCHER_BROKEN || c->now.state == DISPATCHER_LATER;
	int r = 0;

	if (c->now.state == DISPATCHER_SOUND)
		r = remove_components(c, err);
	for (size_t i = 0; i < c->state.n && !r; i++)
		if (c->now.state != DISPATCHER_SOUND || c->state.v[i].mode == XDP_HARDWARE)
			r = detach(c, &c->state.v[i], err);
	if (!r && pins)
		r = dispatch_tidy(c->ifindex, c->bpffs, &c->why_pins, err);
	return r;
}

/* Others may add something meanwhile, and take something out. */
static int remove_everything(struct braid_chain *c, struct braid_error *err)
{
	for (int i = 0; i < 10 && c->state.n; i++) {
		int r;

		braid_error_clear(err);
		r = remove_attached(c, err);
		if (r && r != -ENOENT && r != -ESTALE)
			return r;
		r = look(c, err);
		if (r)
			return r;
	}
	if (!c->state.n)
		return 0;
	error_set(err, -EAGAIN, c->where, "others attach programs over and over");
	return -EAGAIN;
}

static bool is_attached(const struct braid_chain *c, __u32 id)
{
	for (size_t i = 0; i < c->state.n; i++)
		if (c->state.v[i].prog_id == id)
			return true;
	return false;
}

/* A program that is no component may be meant by its id, too. */
static int remove_alone(struct braid_chain *c, bool *ret_done, struct braid_error *err)
{
	*ret_done = false;
	if (c->remove.n != 1 || c->add.n || c->set.n)
		return 0;
	for (size_t i = 0; i < c->state.n; i++) {
		const struct xdp_attached *at = &c->state.v[i];
		bool bare = at->mode == XDP_HARDWARE || c->now.state == DISPATCHER_FOREIGN;

		if (at->prog_id != c->remove.v[0] || !bare)
			continue;
		*ret_done = true;
		return detach(c, at, err);
	}
	return 0;
}

static int add_to_hardware(struct braid_chain *c, struct braid_error *err)
{
	const struct xdp_attached *there = chain_hardware(&c->state);

	if (c->add.n != 1 || c->remove.n || c->set.n) {
		error_set(err, -EOPNOTSUPP, c->where, "a device runs one program");
		error_why(err, "there are no dispatchers in hardware");
		return -EOPNOTSUPP;
	}
	if (there) {
		error_set(err, -EEXIST, c->where, "the device runs '%s' (program %u) already",
			  there->name, there->prog_id);
		error_hint(err, "unload that first");
		return -EEXIST;
	}
	return chain_add_alone(c, err);
}

static bool is_component(const struct braid_chain *c, __u32 id)
{
	array_foreach (m, &c->now.components)
		if (m->id == id)
			return true;
	return false;
}

static int not_here(const struct braid_chain *c, __u32 id, struct braid_error *err)
{
	error_set(err, -ENOENT, c->where, "program %u does not run here", id);
	if (!c->state.n)
		error_why(err, "no XDP program is attached");
	else if (is_attached(c, id))
		error_why(err, "it is the dispatcher itself, which goes with its components");
	return -ENOENT;
}

static int check_ids(const struct braid_chain *c, struct braid_error *err)
{
	array_foreach (id, &c->remove)
		if (!is_component(c, *id))
			return not_here(c, *id, err);
	array_foreach (set, &c->set)
		if (!is_component(c, set->id))
			return not_here(c, set->id, err);
	return 0;
}

static int edit(struct braid_chain *c, struct braid_error *err)
{
	bool done;
	int r = remove_alone(c, &done, err);

	if (r || done)
		return r;
	r = check_ids(c, err);
	if (r)
		return r;
	if (c->mode == CHAIN_HARDWARE && c->add.n)
		return add_to_hardware(c, err);
	r = check_pipelines(c, err) ?: check_free(c, err) ?: check_mode(c, err);
	if (r)
		return r;
	if (c->alone == BRAID_CHAIN_ALWAYS_ALONE && c->add.n == 1 &&
	    c->now.state == DISPATCHER_ABSENT) {
		c->why_alone = strdup("it was asked for");
		return c->why_alone ? chain_add_alone(c, err) : error_oom(err);
	}
	r = chain_add_components(c, err);
	array_foreach (id, &c->remove)
		r = r ?: note_removed(c, *id, err);
	return r;
}

static json_t *ids_to_json(const __u32 *ids, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer(ids[i]));
	return list;
}

static int report(struct braid_chain *c, char **ret, struct braid_error *err)
{
	_cleanup_json_ json_t *j = NULL;
	json_t *added = json_array();
	int r = chain_describe(&c->ns, c->ifindex, c->bpffs, &c->owners, &j, err);

	array_foreach (m, &c->add)
		json_array_append_new(added, json_integer(m->id));
	if (r) {
		json_decref(added);
		error_hint(err, "it is done, but what runs now cannot be looked at");
		return r;
	}
	json_object_set_new(j, "added", added);
	json_object_set_new(j, "removed", ids_to_json(c->removed.v, c->removed.n));
	if (c->why_alone)
		json_object_set_new(j, "alone", json_string(c->why_alone));
	if (c->why_pins)
		json_object_set_new(j, "pins-left", json_string(c->why_pins));
	return json_give(j, ret, err);
}

int braid_chain_commit(struct braid_chain *c, char **ret_json, struct braid_error *err)
{
	ERROR_SCRATCH(err);
	int r;

	if (c->committed) {
		error_set(err, -EINVAL, c->where, "a change is carried out once");
		return -EINVAL;
	}
	c->committed = true;
	r = probe_privileges(err) ?: chain_bpffs(&c->bpffs, err) ?: chain_owners(&c->owners, err);
	r = r ?: look(c, err);
	if (!r)
		r = c->remove_all ? remove_everything(c, err) : edit(c, err);
	if (r) {
		chain_unload(c);
		return r;
	}
	return ret_json ? report(c, ret_json, err) : 0;
}
