/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* One attachment over its life; what depends on the way is in way_*.c. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/live.h"
#include "live/note.h"
#include "manifest/hook.h"

void attachment_done(struct attachment *a)
{
	free(a->path);
	closep(&a->fd);
	closep(&a->program);
	array_done(&a->runs.list);
}

char *attachment_path(const char *pipeline_path, __u64 cookie, __u32 ifindex, enum hook hook,
		      bool next)
{
	return text_fmt("%s/links/%" PRIu64 "-%u%s%s%s", pipeline_path, (uint64_t)cookie, ifindex,
			hook == HOOK_XDP ? "" : "-", hook == HOOK_XDP ? "" : hook_names[hook],
			next ? "-next" : "");
}

/* In the namespaces of all processes; netns_find() knows those with a name. */
static int netns_of_processes(__u64 cookie, struct netns *ret)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	DIR *proc = opendir("/proc");
	struct dirent *d;
	bool found = false;

	while (proc && !found && (d = readdir(proc))) {
		_cleanup_free_ char *path = NULL;
		_cleanup_netns_ struct netns ns = NETNS_INIT;

		if (*d->d_name < '1' || *d->d_name > '9')
			continue;
		path = text_fmt("/proc/%s/ns/net", d->d_name);
		if (!path || netns_open(path, &ns, &ignored) || ns.cookie != cookie)
			continue;
		found = true;
		*ret = ns;
		ns = (struct netns)NETNS_INIT;
	}
	if (proc)
		closedir(proc);
	return found ? 0 : -ENOENT;
}

int attachment_netns(__u64 cookie, struct netns *ret, struct braid_error *err)
{
	int r = netns_find(cookie, ret, err);

	if (r != -ENOENT || netns_of_processes(cookie, ret))
		return r;
	braid_error_clear(err);
	return 0;
}

/* Does another attachment need the pin of @a? */
static bool is_shared(const struct attachments *all, const struct attachment *a)
{
	for (size_t i = 0; all && i < all->list.n; i++) {
		const struct attachment *other = &all->list.v[i];

		if (other != a && other->live && text_eq(other->path, a->path))
			return true;
	}
	return false;
}

static int unpin(const struct attachment *a, struct braid_error *err)
{
	int r = bpffs_unpin(a->path, err);

	if (r != -ENOENT)
		return r;
	braid_error_clear(err);
	return 0;
}

/* Where nothing of ours is attached there may be something that we made for it. */
static int remove_note(struct attachments *all, struct attachment *a, struct braid_error *err)
{
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	bool must_look = a->live || a->made_clsact;
	int r = must_look ? attachment_netns(a->cookie, &ns, err) : 0;

	if (must_look && !r)
		r = a->way->detach(a, &ns, err);
	if (r && !(r == -ENOENT && !a->live)) /* its namespace is gone with all in it */
		return r;
	braid_error_clear(err);
	a->live = false;
	return is_shared(all, a) ? 0 : unpin(a, err);
}

int attachment_remove(struct attachments *all, struct attachment *a, struct braid_error *err)
{
	int r;

	if (!a->way->has_link)
		return remove_note(all, a, err);
	r = unpin(a, err) ?: link_detach(a->fd, err);
	if (!r)
		a->live = false;
	return r;
}

static int set_runs(struct attachment *a, const struct front *f, struct braid_error *err)
{
	a->runs.list.n = 0;
	array_foreach (p, &f->list)
		if (!array_add(&a->runs.list, p->id))
			return error_oom(err);
	if (a->program < 0)
		return 0;
	close(a->program);
	a->program = fd_copy(front_fd(f));
	return a->program >= 0 ? 0 : error_errno(err, a->program, NULL, "cannot use a program");
}

int attachment_note(struct attachment *a, struct braid_error *err)
{
	const struct note note = {.way = a->way->number, .made_clsact = a->made_clsact};

	return a->fd >= 0 ? 0 : note_pin(a->path, &note, &a->fd, err);
}

int attachment_update(struct attachment *a, const struct front *from, const struct front *to,
		      struct braid_error *err)
{
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	int r;

	if (a->way->has_link)
		r = link_update(a->fd, front_fd(from), front_fd(to), err);
	else
		r = attachment_note(a, err) ?: attachment_netns(a->cookie, &ns, err) ?: a->way->update(a, &ns, from, to, err);
	return r ?: set_runs(a, to, err);
}

bool attachment_is_at(const struct attachment *a, const struct spot *s)
{
	const struct xdp_attached *there = spot_xdp(s);

	if (!a->live || a->cookie != s->ns.cookie || a->ifindex != s->ifindex || a->hook != s->hook)
		return false;
	if (s->hook == HOOK_XDP)
		return a->way->has_link ? there && there->prog_id == ids_first(&a->runs) : true;
	array_foreach (t, &s->tc.list)
		if (a->link_id ? t->link_id == a->link_id
			       : t->clsact && t->prog_id == ids_first(&a->runs))
			return true;
	return false;
}

struct attachment *attachment_at(const struct attachments *all, const struct spot *s)
{
	array_foreach (a, &all->list)
		if (attachment_is_at(a, s))
			return a;
	return NULL;
}

/* All fields besides those that the way has set. */
static int complete(struct attachment *a, const struct front *f, struct braid_error *err)
{
	struct link_info info;
	int r = a->way->has_link ? link_info(a->fd, &info, err) : 0;

	if (r)
		return r;
	if (a->way->has_link)
		a->link_id = info.id;
	else
		a->program = fd_copy(front_fd(f));
	if (!a->way->has_link && a->program < 0)
		return error_errno(err, a->program, NULL, "cannot use a program");
	a->live = true;
	return set_runs(a, f, err);
}

static struct attachment begin(const struct way *way, const struct spot *s)
{
	return (struct attachment){
		.way = way,
		.cookie = s->ns.cookie,
		.ifindex = s->ifindex,
		.hook = s->hook,
		.fd = -1,
		.program = -1,
	};
}

/* What was attached goes again if not all could be done. */
static int end(struct attachment *a, int r, struct attachment *ret)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;

	if (!r) {
		*ret = *a;
		return 0;
	}
	if (a->fd >= 0) {
		a->live = true;
		attachment_remove(NULL, a, &ignored);
	}
	attachment_done(a);
	return r;
}

int attachment_create(const struct way *way, struct spot *s, const struct how *how,
		      const struct front *f, const char *pipeline_path, struct attachment *ret,
		      struct braid_error *err)
{
	struct attachment a = begin(way, s);
	int r;

	a.path = attachment_path(pipeline_path, a.cookie, a.ifindex, a.hook, false);
	r = a.path ? way->attach(s, how, f, a.path, &a, err) : error_oom(err);
	return end(&a, r ?: complete(&a, f, err), ret);
}

int attachment_settle_path(struct attachment *a, const char *pipeline_path, struct braid_error *err)
{
	char *path = attachment_path(pipeline_path, a->cookie, a->ifindex, a->hook, false);

	if (!path)
		return error_oom(err);
	if (!text_eq(path, a->path) && rename(a->path, path)) {
		error_errno(err, -errno, a->path, "cannot rename a pin");
		free(path);
		return error_code(err);
	}
	free(a->path);
	a->path = path;
	return 0;
}

/* The old one loses its pin in the moment in which the new one has one that lasts. */
static int detach_moved(struct attachment *a, struct braid_error *err)
{
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	int r;

	a->live = false;
	if (a->way->has_link)
		return link_detach(a->fd, err);
	r = attachment_netns(a->cookie, &ns, err);
	return r ?: a->way->detach(a, &ns, err);
}

int attachment_move(struct attachment *a, struct spot *s, const struct how *how,
		    const struct front *f, const char *pipeline_path, struct attachment *ret,
		    struct braid_error *err)
{
	struct attachment new = begin(a->way, s);
	int r;

	new.path = attachment_path(pipeline_path, new.cookie, new.ifindex, new.hook,
				   a->way->has_link);
	r = new.path ? a->way->move(a, s, how, f, new.path, &new, err) : error_oom(err);
	r = r ?: complete(&new, f, err) ?: attachment_settle_path(&new, pipeline_path, err);
	return end(&new, r ?: detach_moved(a, err), ret);
}
