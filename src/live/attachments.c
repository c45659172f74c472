/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Where a pipeline is attached: what its folder `links` says, and what is true of that. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/live.h"
#include "manifest/hook.h"
#include "live/note.h"
#include "live/observe.h"

void attachments_done(struct attachments *all)
{
	array_foreach (a, &all->list)
		attachment_done(a);
	array_done(&all->list);
}

static bool parse_hook(const char *text, enum hook *ret)
{
	if (text_eq(text, "") || text_eq(text, "-next")) {
		*ret = HOOK_XDP;
		return true;
	}
	for (size_t i = HOOK_XDP + 1; *text == '-' && hook_names[i]; i++) {
		size_t n = strlen(hook_names[i]);

		if (strncmp(text + 1, hook_names[i], n) != 0 ||
		    !(text_eq(text + 1 + n, "") || text_eq(text + 1 + n, "-next")))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

/* A name from the links folder. false: it is none of ours. */
static bool parse_name(const char *name, struct attachment *a)
{
	unsigned long long cookie;
	unsigned int ifindex;
	int end = 0;

	if (sscanf(name, "%llu-%u%n", &cookie, &ifindex, &end) != 2 || !end)
		return false;
	a->cookie = cookie;
	a->ifindex = ifindex;
	return parse_hook(name + end, &a->hook);
}

/* The programs that a pipeline has pinned, of all its revisions, and variants of them. */
struct own {
	bool known;
	struct ids ids;
	ARRAY(int) fds; /* by ids */
};

static void own_done(struct own *own)
{
	array_foreach (fd, &own->fds)
		close(*fd);
	array_done(&own->fds);
	array_done(&own->ids.list);
}

static int own_add(struct own *own, const char *pin, struct braid_error *err)
{
	int fd, r = bpffs_get(pin, BPFFS_PROGRAM, &fd, err);

	if (r)
		return r;
	if (array_reserve(&own->ids.list, 1) && array_add(&own->fds, fd))
		return array_add(&own->ids.list, program_id(fd)) ? 0 : error_oom(err);
	close(fd);
	return error_oom(err);
}

static int own_add_revision(struct own *own, const char *folder, struct braid_error *err)
{
	_cleanup_free_ char *programs = text_fmt("%s/programs", folder);
	struct bpffs_entries entries = {};
	int r = programs ? bpffs_list(programs, &entries, err) : error_oom(err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	array_foreach (e, &entries.list) {
		_cleanup_free_ char *pin = text_fmt("%s/%s", programs, e->name);

		r = r ?: pin ? own_add(own, pin, err) : error_oom(err);
	}
	bpffs_entries_done(&entries);
	return r;
}

static int own_add_variant(void *ctx, const char *path, __u32 number, struct braid_error *err)
{
	int r = own_add_revision(ctx, path, err);

	if (r == -ENOENT) /* observers come and go while readers look */
		braid_error_clear(err);
	return r == -ENOENT ? 0 : r;
}

static int own_read(struct own *own, const char *pipeline_path, struct braid_error *err)
{
	struct bpffs_entries entries = {};
	__u32 number;
	int r = own->known ? 0 : bpffs_list(pipeline_path, &entries, err);

	array_foreach (e, &entries.list) {
		_cleanup_free_ char *folder = text_fmt("%s/%s", pipeline_path, e->name);

		if (!r && path_parse_revision(e->name, &number))
			r = folder ? own_add_revision(own, folder, err)
					     ?: variants_each(folder, own_add_variant, own, err)
				   : error_oom(err);
	}
	bpffs_entries_done(&entries);
	own->known = !r;
	return r;
}

static int read_link(struct attachment *a, struct braid_error *err)
{
	struct link_info info;
	int r = link_info(a->fd, &info, err);

	if (r)
		return r;
	a->way = way_of_link(info.kind);
	a->link_id = info.id;
	a->live = link_is_at(&info, a->ifindex);
	return array_add(&a->runs.list, info.prog_id) ? 0 : error_oom(err);
}

/* Another one of the same pin. */
static int split(const struct attachment *a, struct attachment *ret, struct braid_error *err)
{
	struct attachment copy = *a;

	copy.runs = (struct ids){};
	copy.program = -1;
	copy.path = strdup(a->path);
	copy.fd = fd_copy(a->fd);
	if (copy.path && copy.fd >= 0) {
		*ret = copy;
		return 0;
	}
	attachment_done(&copy);
	return error_oom(err);
}

static int take_program(struct attachment *a, const struct own *own, struct braid_error *err)
{
	for (size_t i = 0; i < own->ids.list.n; i++)
		if (own->ids.list.v[i] == ids_first(&a->runs))
			a->program = fd_copy(own->fds.v[i]);
	return a->program >= 0 ? 0 : error_errno(err, a->program, a->path, "cannot use a program");
}

/* Puts what is found at @s into @all: @a as often as it is there. @a stays the caller's. */
static int find_there(const struct attachment *a, const struct spot *s, const struct own *own,
		      struct attachments *all, struct braid_error *err)
{
	struct attachment found = *a;
	size_t at = 0;
	int r = 0;

	while (!r && a->way->find(s, &own->ids, &at, &found)) {
		struct attachment *slot = array_reserve(&all->list, 1) ? array_push(&all->list)
								       : NULL;

		r = slot ? split(&found, slot, err) : error_oom(err);
		if (r && slot)
			all->list.n--;
		if (!r) {
			slot->live = true;
			slot->runs = found.runs;
			r = take_program(slot, own, err);
		}
		found.runs = (struct ids){};
	}
	return r;
}

/* The interface, or its namespace, may be gone. */
static int look_there(const struct attachment *a, const struct own *own, struct attachments *all,
		      struct braid_error *err)
{
	_cleanup_spot_ struct spot s = SPOT_INIT;
	int r = attachment_netns(a->cookie, &s.ns, err);

	s.ifindex = a->ifindex;
	s.hook = a->hook;
	r = r ?: spot_look(&s, err);
	if (r == -ENOENT || r == -ENODEV) {
		braid_error_clear(err);
		return 0;
	}
	return r ?: find_there(a, &s, own, all, err);
}

static int read_note(struct attachment *a, const char *pipeline_path, struct own *own,
		     struct attachments *all, struct braid_error *err)
{
	size_t n = all->list.n;
	struct note note;
	int r = note_read(a->fd, a->path, &note, err);

	if (r)
		return r;
	a->way = way_by_number(note.way);
	a->made_clsact = note.made_clsact;
	if (!a->way) {
		error_set(err, -EPROTONOSUPPORT, a->path,
			  "attached by a way (%u) that this braid "
			  "does not know",
			  note.way);
		error_hint(err, "use the later braid that attached it");
		return -EPROTONOSUPPORT;
	}
	r = own_read(own, pipeline_path, err) ?: look_there(a, own, all, err);
	if (r || all->list.n > n)
		return r;
	return array_reserve(&all->list, 1) ? split(a, array_push(&all->list), err)
					    : error_oom(err);
}

static int read_pin(const char *pipeline_path, const char *name, struct own *own,
		    struct attachments *all, struct braid_error *err)
{
	_cleanup_(attachment_done) struct attachment a = {.fd = -1, .program = -1};
	int r;

	if (!parse_name(name, &a))
		return 0;
	a.path = text_fmt("%s/links/%s", pipeline_path, name);
	r = a.path ? bpffs_get(a.path, BPFFS_LINK, &a.fd, err) : error_oom(err);
	if (r == -EMEDIUMTYPE) {
		braid_error_clear(err);
		return bpffs_get(a.path, BPFFS_MAP, &a.fd, err)
			       ?: read_note(&a, pipeline_path, own, all, err);
	}
	r = r ?: read_link(&a, err);
	if (r)
		return r;
	if (!array_add(&all->list, a))
		return error_oom(err);
	a = (struct attachment){.fd = -1, .program = -1};
	return 0;
}

int attachments_read(const char *pipeline_path, struct attachments *ret, struct braid_error *err)
{
	_cleanup_free_ char *folder = text_fmt("%s/links", pipeline_path);
	struct bpffs_entries entries = {};
	struct attachments all = {};
	struct own own = {};
	int r = folder ? bpffs_list(folder, &entries, err) : error_oom(err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		r = 0;
	}
	array_foreach (e, &entries.list)
		if (!r && !e->is_folder)
			r = read_pin(pipeline_path, e->name, &own, &all, err);
	bpffs_entries_done(&entries);
	own_done(&own);
	if (r)
		attachments_done(&all);
	else
		*ret = all;
	return r;
}
