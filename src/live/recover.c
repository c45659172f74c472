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

static void leftover_done(struct leftover *l)
{
	free(l->path);
	revision_done(&l->pending);
	revision_done(&l->current);
	pinned_links_done(&l->links);
	closep(&l->old_fd);
}

/* The program in front of a revision: its fd and id; none is fine. */
static int open_entry(const struct leftover *l, const struct revision *rev, int *ret_fd,
		      __u32 *ret_id, struct braid_error *err)
{
	_cleanup_json_ json_t *plan = json_loads(rev->plan, 0, NULL);
	const json_t *first = json_array_get(json_object_get(plan, "segments"), 0);
	const char *name = json_string_value(json_object_get(first, "program"));
	_cleanup_free_ char *folder = path_revision(l->path, rev->number);
	_cleanup_free_ char *pin = folder && name ? path_program(folder, name) : NULL;
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int r;

	if (!pin)
		return error_oom(err);
	r = bpffs_get(pin, BPFFS_PROGRAM, ret_fd, err);
	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	if (r)
		return r;
	if (bpf_obj_get_info_by_fd(*ret_fd, &info, &size))
		return error_errno(err, -errno, pin, "cannot look at a program");
	*ret_id = info.id;
	return 0;
}

static int find(struct leftover *l, struct braid_error *err)
{
	_cleanup_close_ int new_fd = -1;
	int r = revision_find(l->b->store, l->b->home.name, l->pipeline, REVISION_CURRENT,
			      &l->current, err);

	l->has_current = !r;
	if (r == -ENOENT) {
		braid_error_clear(err);
		r = 0;
	}
	r = r ?: open_entry(l, &l->pending, &new_fd, &l->new_id, err);
	if (!r && l->has_current)
		r = open_entry(l, &l->current, &l->old_fd, &l->old_id, err);
	return r ?: pinned_links_read(l->path, &l->links, err);
}

/* Calls @visit for each interface that a revision names and that is there now. */
static int each_interface(const struct revision *rev,
			  void (*visit)(struct leftover *l, __u64 cookie, __u32 ifindex),
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
		_cleanup_netns_ struct netns ns = NETNS_INIT;
		__u32 ifindex;

		if (netns_open(iface->netns, &ns, &gone) ||
		    iface_index(&ns, iface->name, &ifindex, &gone))
			(*ret_missing)++;
		else
			visit(l, ns.cookie, ifindex);
	}
	return 0;
}

static struct pinned_link *find_link(struct leftover *l, __u64 cookie, __u32 ifindex)
{
	array_foreach (link, &l->links.list)
		if (link->cookie == cookie && link->ifindex == ifindex)
			return link;
	return NULL;
}

static void count_unfinished(struct leftover *l, __u64 cookie, __u32 ifindex)
{
	struct pinned_link *link = find_link(l, cookie, ifindex);

	if (!link || !link->info.ifindex || link->info.prog_id != l->new_id)
		l->unfinished++;
}

static void mark_old(struct leftover *l, __u64 cookie, __u32 ifindex)
{
	struct pinned_link *link = find_link(l, cookie, ifindex);

	if (link)
		link->was_there = true;
}

/* Does every interface that the pending revision names run its program? */
static int is_complete(struct leftover *l, bool *ret, struct braid_error *err)
{
	size_t missing = 0;
	int r = each_interface(&l->pending, count_unfinished, l, &missing, err);

	*ret = l->new_id && !missing && !l->unfinished;
	return r;
}

static int finish(struct leftover *l, struct braid_error *err)
{
	_cleanup_free_ char *old = NULL;
	int r = 0;

	array_foreach (link, &l->links.list)
		if (link->info.prog_id != l->new_id) /* of an interface that it no longer names */
			r = r ?: xdp_link_detach(link->fd, err) ?: bpffs_unpin(link->path, err);
	r = r ?: revision_commit(l->b->store, l->b->home.name, l->pipeline, l->pending.number, err);
	if (r || !l->has_current)
		return r;
	old = path_revision(l->path, l->current.number);
	return !old ? error_oom(err) : kernel_sync_rcu(err) ?: bpffs_remove_tree(old, err);
}

/* A link on the new program goes back to the old one; one without an old one goes. */
static int put_back(struct leftover *l, const struct pinned_link *link, struct braid_error *err)
{
	int fd, r;

	if (!l->new_id || link->info.prog_id != l->new_id)
		return 0;
	if (l->old_fd < 0 || !link->was_there)
		return xdp_link_detach(link->fd, err) ?: bpffs_unpin(link->path, err);
	fd = bpf_prog_get_fd_by_id(l->new_id);
	if (fd < 0)
		return error_errno(err, -errno, l->pipeline, "cannot open program %u", l->new_id);
	r = xdp_link_update(link->fd, fd, l->old_fd, err);
	close(fd);
	return r == -ENODEV ? (braid_error_clear(err), 0) : r;
}

static int undo(struct leftover *l, struct braid_error *err)
{
	_cleanup_free_ char *folder = path_revision(l->path, l->pending.number);
	size_t missing = 0;
	int r = folder ? 0 : error_oom(err);

	if (!r && l->has_current)
		r = each_interface(&l->current, mark_old, l, &missing, err);
	array_foreach (link, &l->links.list)
		r = r ?: put_back(l, link, err);
	return r ?: kernel_sync_rcu(err) ?:
	       bpffs_remove_tree(folder, err) ?:
	       revision_abort(l->b->store, l->b->home.name, l->pipeline, l->pending.number,
			      "the command was interrupted; undone by the next one", err);
}

static int settle(struct leftover *l, const char *root, char **ret_what, struct braid_error *err)
{
	bool complete = false;
	int r;

	l->path = path_pipeline(root, l->b->home.name, l->pipeline);
	if (!l->path)
		return error_oom(err);
	r = find(l, err) ?: is_complete(l, &complete, err);
	r = r ?: complete ? finish(l, err) : undo(l, err);
	if (r) {
		error_within(err, "settling revision %u, which an interrupted command left",
			     l->pending.number);
		return r;
	}
	*ret_what = text_fmt("revision %u (%s) was interrupted: %s", l->pending.number,
			     l->pending.cause, complete ? "finished" : "undone");
	return *ret_what ? 0 : error_oom(err);
}

int recover(struct braid *b, const char *root, const char *pipeline, char **ret_what,
	    struct braid_error *err)
{
	struct leftover l = {.b = b, .pipeline = pipeline, .old_fd = -1};
	int r = revision_find(b->store, b->home.name, pipeline, REVISION_PENDING, &l.pending, err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	r = r ?: settle(&l, root, ret_what, err);
	leftover_done(&l);
	return r;
}
