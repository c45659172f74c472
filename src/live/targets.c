/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The interfaces of a pipeline: what is on them, and what must happen there. */
#include <errno.h>
#include <time.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/iface.h"
#include "live/live.h"

const char *const target_action_names[] = {"attach", "update", "change-mode", "replace"};

void targets_done(struct targets *t)
{
	array_foreach (target, &t->list) {
		netns_done(&target->ns);
		closep(&target->old_program);
		closep(&target->new_link);
	}
	array_done(&t->list);
	array_done(&t->missing);
}

enum xdp_mode wanted_mode(const struct braid_pipeline *p)
{
	return p->mode == MODE_GENERIC ? XDP_GENERIC : XDP_NATIVE;
}

/* What is attached where this pipeline wants to be; hardware offload is not in its way. */
static const struct xdp_attached *in_the_way(const struct xdp_state *state)
{
	for (size_t i = 0; i < state->n; i++)
		if (state->v[i].mode != XDP_HARDWARE)
			return &state->v[i];
	return NULL;
}

const struct xdp_attached *target_foreign(const struct target *t)
{
	return in_the_way(&t->state);
}

static struct pinned_link *own_link(const struct pinned_links *links, const struct target *t)
{
	array_foreach (l, &links->list)
		if (l->cookie == t->ns.cookie && l->ifindex == t->ifindex &&
		    l->info.ifindex == t->ifindex)
			return l;
	return NULL;
}

/* The pipeline, of any home, whose pinned link has that id; NULL: none. Caller frees. */
static char *find_owner(const char *root, __u32 link_id)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ char *top = text_fmt("%s/braid", root);
	struct bpffs_entries homes = {};
	char *owner = NULL;

	if (!top || !link_id || bpffs_list(top, &homes, &err))
		return NULL;
	array_foreach (home, &homes.list) {
		_cleanup_free_ char *folder = text_fmt("%s/%s", top, home->name);
		struct bpffs_entries pipelines = {};

		if (!folder || bpffs_list(folder, &pipelines, &err))
			continue;
		array_foreach (pipeline, &pipelines.list) {
			_cleanup_free_ char *path = text_fmt("%s/%s", folder, pipeline->name);
			struct pinned_links links = {};

			if (!path || pinned_links_read(path, &links, &err))
				continue;
			array_foreach (l, &links.list)
				if (!owner && l->info.id == link_id)
					owner = bpffs_unescape(pipeline->name);
			pinned_links_done(&links);
		}
		bpffs_entries_done(&pipelines);
	}
	bpffs_entries_done(&homes);
	return owner;
}

static int foreign(const struct target *t, const struct xdp_attached *a, const char *root,
		   struct braid_error *err)
{
	_cleanup_free_ char *where = iface_where(&t->ns, t->ifindex);
	_cleanup_free_ char *owner = find_owner(root, a->link_id);

	if (owner) {
		error_set(err, -EBUSY, where, "pipeline '%s' is attached here already", owner);
		error_hint(err, "add the stages to it, or: braid delete %s", owner);
		return -EBUSY;
	}
	error_set(err, -EBUSY, where, "another XDP program is attached here: '%s', id %u", a->name,
		  a->prog_id);
	error_why(err, "%s, %s mode, loaded by uid %u",
		  a->links ? "through a link of its owner's" : "attached through netlink",
		  xdp_mode_names[a->mode], a->uid);
	error_hint(err, "detach it, or let braid do so with --replace");
	return -EBUSY;
}

/* What became of an interface that has no such name (any more). */
static int explain_missing(const struct braid_pipeline *p, const struct interface *iface,
			   const struct pinned_links *links, int r, struct braid_error *err)
{
	_cleanup_free_ char *now = r == -ENODEV ? renamed_to(p, iface, NULL, links, NULL) : NULL;

	if (now) {
		error_why(err, "the pipeline runs on '%s', which was '%s' before", now,
			  iface->name);
		error_hint(err, "name it '%s' in the manifest, or give it its old name back", now);
	}
	return r;
}

/* The place of @iface. @ret_missing: set when there is no such namespace or interface. */
static int resolve(const struct interface *iface, struct target *t, bool *ret_missing,
		   struct braid_error *err)
{
	int r = netns_open(iface->netns, &t->ns, err);

	/* -EINVAL: `ip netns add` makes the file first, and a namespace of it later */
	*ret_missing = r == -ENOENT || (r == -EINVAL && iface->netns);
	if (r)
		return r;
	r = iface_index(&t->ns, iface->name, &t->ifindex, err)
		    ?: xdp_query(&t->ns, t->ifindex, &t->state, err);
	*ret_missing = r == -ENODEV;
	return r;
}

static int choose_action(const struct braid_pipeline *p, const char *root, bool replace,
			 struct target *t, struct braid_error *err)
{
	const struct xdp_attached *there = in_the_way(&t->state);

	if (!there)
		t->action = TARGET_CREATE;
	else if (t->link && there->prog_id == t->link->info.prog_id)
		t->action = there->mode == wanted_mode(p) ? TARGET_UPDATE : TARGET_MODE;
	else if (replace)
		t->action = TARGET_FOREIGN;
	else
		return foreign(t, there, root, err);
	return 0;
}

static int find_one(const struct braid_pipeline *p, const struct interface *iface,
		    const struct pinned_links *links, const char *root, bool replace,
		    struct target *t, bool *ret_missing, struct braid_error *err)
{
	int r;

	*t = (struct target){.iface = iface, .ns = NETNS_INIT, .old_program = -1, .new_link = -1};
	r = resolve(iface, t, ret_missing, err);
	if (r) {
		char at[256];

		place_text(iface->at, at, sizeof(at));
		if (*at)
			error_within(err, "%s", at);
		return *ret_missing ? explain_missing(p, iface, links, r, err) : r;
	}
	t->link = own_link(links, t);
	return choose_action(p, root, replace, t, err);
}

static int find_all(const struct braid_pipeline *p, const struct pinned_links *links,
		    const char *root, bool replace, bool partial, struct targets *ret,
		    struct braid_error *err)
{
	struct targets t = {};
	int r = 0;

	for (size_t i = 0; i < p->interfaces.n && !r; i++) {
		const struct interface *iface = &p->interfaces.v[i];
		struct target *target = array_push(&t.list);
		bool missing = false;

		r = target ? find_one(p, iface, links, root, replace, target, &missing, err)
			   : error_oom(err);
		if (!missing || !partial)
			continue;
		netns_done(&target->ns);
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

int targets_find(const struct braid_pipeline *p, const struct pinned_links *links, const char *root,
		 bool replace, struct targets *ret, struct braid_error *err)
{
	return find_all(p, links, root, replace, false, ret, err);
}

int targets_find_present(const struct braid_pipeline *p, const struct pinned_links *links,
			 const char *root, bool replace, struct targets *ret,
			 struct braid_error *err)
{
	return find_all(p, links, root, replace, true, ret, err);
}

json_t *targets_to_json(const struct targets *t)
{
	json_t *list = json_array();

	array_foreach (target, &t->list)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:I, s:s}", "name", target->iface->name,
						"netns", target->ns.name, "ifindex",
						(json_int_t)target->ifindex, "action",
						target_action_names[target->action]));
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
