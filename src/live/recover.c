/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A revision that is still pending belongs to a command that was killed: nobody else
 * changes pipelines without the lock, which we hold.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/iface.h"
#include "kernel/rcu.h"
#include "live/live.h"

struct leftover {
	struct braid *b;
	const char *pipeline;
	char *path;
	struct revision pending, current;
	bool has_current;
	struct pinned_links links;
	__u32 new_id, old_id; /* programs in front; 0: not pinned */
	size_t unfinished;    /* interfaces of the pending revision without its program */
	int old_fd;
};

/* An interface that a revision names, and its mode there. */
struct spot {
	struct netns ns;
	__u32 ifindex;
	enum xdp_mode mode;
};

static void leftover_done(struct leftover *l)
{
	free(l->path);
	revision_done(&l->pending);
	revision_done(&l->current);
	pinned_links_done(&l->links);
	closep(&l->old_fd);
}

static int open_entry(const struct leftover *l, const struct revision *rev, int *ret_fd,
		      __u32 *ret_id, struct braid_error *err)
{
	_cleanup_json_ json_t *plan = json_loads(rev->plan, 0, NULL);
	_cleanup_free_ char *folder = path_revision(l->path, rev->number);

	return folder ? revision_entry(plan, folder, ret_fd, ret_id, err) : error_oom(err);
}

/* The current revision, if there is one, and the links. */
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
		r = open_entry(l, &l->current, &l->old_fd, &l->old_id, err);
	return r ?: pinned_links_read(l->path, &l->links, err);
}

static int find(struct leftover *l, struct braid_error *err)
{
	_cleanup_close_ int new_fd = -1;

	return find_current(l, err) ?: open_entry(l, &l->pending, &new_fd, &l->new_id, err);
}

/* Calls @visit for each interface that a revision names and that is there now. */
static int each_interface(const struct revision *rev,
			  int (*visit)(struct leftover *l, const struct spot *at,
				       struct braid_error *err),
			  struct leftover *l, size_t *ret_missing, struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	const struct braid_pipeline *p;
	int r = braid_manifest_parse(rev->manifest, strlen(rev->manifest), "store", NULL, &m, err);

	if (r)
		return r;
	p = braid_manifest_get(m, 0);
	array_foreach (iface, &p->interfaces) {
		_cleanup_error_ struct braid_error gone = BRAID_ERROR_INIT;
		struct spot at = {.ns = NETNS_INIT, .mode = wanted_mode(p)};

		if (netns_open(iface->netns, &at.ns, &gone) ||
		    iface_index(&at.ns, iface->name, &at.ifindex, &gone))
			(*ret_missing)++;
		else
			r = r ?: visit(l, &at, err);
		netns_done(&at.ns);
	}
	return r;
}

/* The link that holds this place; NULL: none does. */
static struct pinned_link *find_link(struct leftover *l, const struct spot *at)
{
	array_foreach (link, &l->links.list)
		if (link->cookie == at->ns.cookie && link->ifindex == at->ifindex &&
		    link->info.ifindex)
			return link;
	return NULL;
}

static int count_unfinished(struct leftover *l, const struct spot *at, struct braid_error *err)
{
	struct pinned_link *link = find_link(l, at);

	if (!link || link->info.prog_id != l->new_id)
		l->unfinished++;
	return 0;
}

/* If the pending revision replaces one slot only: does that hold its program? */
static bool is_switched(const struct leftover *l)
{
	_cleanup_json_ json_t *plan = json_loads(l->pending.plan, 0, NULL);
	_cleanup_free_ char *folder = path_revision(l->path, l->pending.number);

	return folder && slot_is_switched(plan, folder);
}

/* Does every interface that the pending revision names run its program? */
static int is_complete(struct leftover *l, bool *ret, struct braid_error *err)
{
	size_t missing = 0;
	int r = each_interface(&l->pending, count_unfinished, l, &missing, err);

	*ret = l->new_id && !missing && !l->unfinished && is_switched(l);
	return r;
}

/* Those of interfaces that the revision with this program no longer names. */
static int drop_other_links(struct leftover *l, __u32 program, struct braid_error *err)
{
	int r = 0;

	array_foreach (link, &l->links.list)
		if (link->info.prog_id != program)
			r = r ?: link_remove(link->fd, link->path, err);
	return r;
}

static int finish(struct leftover *l, struct braid_error *err)
{
	_cleanup_free_ char *old = NULL;
	int r = revision_commit(l->b->store, l->b->home.name, l->pipeline, l->pending.number, err);

	r = r ?: drop_other_links(l, l->new_id, err);
	if (r || !l->has_current)
		return r;
	old = path_revision(l->path, l->current.number);
	return !old ? error_oom(err) : kernel_sync_rcu(err) ?: bpffs_remove_tree(old, err);
}

static int remove_link(struct pinned_link *link, struct braid_error *err)
{
	int r = link_remove(link->fd, link->path, err);

	if (!r)
		link->info.ifindex = 0;
	return r;
}

static int update_back(struct leftover *l, struct pinned_link *link, struct braid_error *err)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(l->new_id);
	int r;

	if (fd < 0)
		return error_errno(err, -errno, l->pipeline, "cannot open program %u", l->new_id);
	r = link_update(link->fd, fd, l->old_fd, err);
	if (r == -ENODEV) { /* with its interface */
		braid_error_clear(err);
		r = 0;
	}
	if (!r)
		link->info.prog_id = l->old_id;
	return r;
}

/* The old program on an interface of the current revision, in the mode that it had there. */
static int put_back(struct leftover *l, const struct spot *at, struct braid_error *err)
{
	struct pinned_link *link = find_link(l, at);
	_cleanup_close_ int fd = -1;
	struct xdp_state state;
	bool other_mode;
	int r = xdp_query(&at->ns, at->ifindex, &state, err);

	if (r || l->old_fd < 0)
		return r;
	other_mode = state.n && state.v[state.n - 1].mode != at->mode;
	if (link && link->info.prog_id == l->new_id && other_mode) {
		r = remove_link(link, err);
		if (r)
			return r;
	} else if (link && link->info.prog_id == l->new_id) {
		return update_back(l, link, err);
	} else if (state.n) {
		return 0; /* the old program already, or another's */
	}
	/* killed between the detaching from one mode and the attaching in the other */
	return link_create(l->path, &at->ns, at->ifindex, l->old_fd, at->mode, &fd, err);
}

/* An interface that only the new revision names. */
static int drop_new(struct leftover *l, const struct spot *at, struct braid_error *err)
{
	struct pinned_link *link = find_link(l, at);

	return link && link->info.prog_id == l->new_id ? remove_link(link, err) : 0;
}

/*
 * Links that are still on the new program, behind put_back(): of interfaces that only the
 * new revision names; or of one that was renamed since, and then the old one was there.
 */
static int undo_rest(struct leftover *l, struct braid_error *err)
{
	size_t missing = 0;
	int r = each_interface(&l->pending, drop_new, l, &missing, err);

	array_foreach (link, &l->links.list) {
		if (!link->info.ifindex || link->info.prog_id != l->new_id)
			continue;
		r = r ?: l->old_fd >= 0 ? update_back(l, link, err) : remove_link(link, err);
	}
	return r;
}

/* The program in front is the same in both: it was about one slot. */
static int undo_slot(struct leftover *l, struct braid_error *err)
{
	_cleanup_json_ json_t *plan = json_loads(l->pending.plan, 0, NULL);
	_cleanup_json_ json_t *old_plan = json_loads(l->current.plan, 0, NULL);
	_cleanup_free_ char *old = path_revision(l->path, l->current.number);

	return old ? slot_put_back(plan, old_plan, old, err) : error_oom(err);
}

static int undo_links(struct leftover *l, struct braid_error *err)
{
	size_t missing = 0;
	int r = 0;

	if (l->has_current)
		r = each_interface(&l->current, put_back, l, &missing, err);
	return r ?: l->new_id ? undo_rest(l, err) : 0;
}

static int undo(struct leftover *l, struct braid_error *err)
{
	_cleanup_free_ char *folder = path_revision(l->path, l->pending.number);
	int r = folder ? 0 : error_oom(err);

	if (!r && l->new_id && l->new_id == l->old_id)
		r = undo_slot(l, err);
	else if (!r)
		r = undo_links(l, err);
	return r ?: kernel_sync_rcu(err) ?:
	       bpffs_remove_tree(folder, err) ?:
	       revision_abort(l->b->store, l->b->home.name, l->pipeline, l->pending.number,
			      "the command was interrupted; undone by the next one", err);
}

static int settle(struct leftover *l, char **ret_what, struct braid_error *err)
{
	_cleanup_free_ char *missing = NULL;
	bool complete = false;
	int r;

	r = find(l, err) ?: is_complete(l, &complete, err);
	r = r ?: complete ? finish(l, err) : undo(l, err);
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

/* Folders of revisions other than the current one. */
static int find_stale(const struct leftover *l, struct bpffs_entries *ret, struct braid_error *err)
{
	struct bpffs_entries all = {};
	__u32 number;
	int r = bpffs_list(l->path, &all, err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	array_foreach (e, &all.list)
		if (!r && path_parse_revision(e->name, &number) &&
		    !(l->has_current && number == l->current.number)) {
			struct bpffs_entry *copy = array_push(&ret->list);

			if (!copy || !(copy->name = strdup(e->name)))
				r = error_oom(err);
		}
	bpffs_entries_done(&all);
	return r;
}

static bool is_before(const char *name, const struct leftover *l)
{
	__u32 number;

	return l->has_current && path_parse_revision(name, &number) && number < l->current.number;
}

/*
 * None is pending, but folders are there: of a command that was killed behind its last line
 * in the store, or from before a store that was lost. In that case the links stay: somebody
 * wanted them.
 */
static int sweep(struct leftover *l, char **ret_what, struct braid_error *err)
{
	_cleanup_(bpffs_entries_done) struct bpffs_entries stale = {};
	int r = find_current(l, err) ?: find_stale(l, &stale, err);

	if (!r && stale.list.n && l->old_id)
		r = drop_other_links(l, l->old_id, err);
	array_foreach (e, &stale.list) {
		_cleanup_free_ char *folder = text_fmt("%s/%s", l->path, e->name);
		_cleanup_free_ char *missing = NULL;

		r = r ?: !folder ? error_oom(err)
				 : kernel_sync_rcu(err) ?: bpffs_remove_tree(folder, err);
		free(*ret_what);
		missing = is_before(e->name, l) ? carry_cut_short(l->current.plan) : strdup("");
		*ret_what = text_fmt("revision %s had not been removed to the end: done%s",
				     e->name + 1, missing ?: "");
	}
	return r;
}

int recover(struct braid *b, const char *root, const char *pipeline, char **ret_what,
	    struct braid_error *err)
{
	struct leftover l = {.b = b, .pipeline = pipeline, .old_fd = -1};
	int r;

	l.path = path_pipeline(root, b->home.name, pipeline);
	r = l.path ? revision_find(b->store, b->home.name, pipeline, REVISION_PENDING, &l.pending,
				   err)
		   : error_oom(err);
	if (r == -ENOENT) {
		braid_error_clear(err);
		r = sweep(&l, ret_what, err);
	} else {
		r = r ?: settle(&l, ret_what, err);
	}
	leftover_done(&l);
	r = r ?: runtime_sync(b, pipeline, ret_what, err);
	if (!r && *ret_what)
		r = event_add(b->store, b->home.name, pipeline, b->cause, *ret_what, err);
	return r;
}
