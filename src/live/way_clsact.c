/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * TC by a filter of clsact, on any kernel. Which filter is ours is known by its program. The
 * kernel cannot compare when it exchanges one: that is looked at right before.
 */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/note.h"
#include "live/way.h"

enum { NUMBER = 4 };

static bool find(const struct spot *s, const struct ids *ours, size_t *at, struct attachment *ret)
{
	while (*at < s->tc.list.n) {
		const struct tc_attached *t = &s->tc.list.v[(*at)++];

		if (!t->clsact || t->chain || !ids_have(ours, t->prog_id))
			continue;
		ret->filter = (struct tc_filter){.priority = t->priority, .handle = t->handle};
		return array_add(&ret->runs.list, t->prog_id);
	}
	return false;
}

static int add_filter(const struct spot *s, const struct how *how, const struct front *f,
		      struct attachment *ret, struct braid_error *err)
{
	struct tc_filter filter = how->filter;
	int r;

	if (how->wanted) {
		filter = (struct tc_filter){};
		r = tc_place_find(s, how, true, &filter.place, err);
		if (r)
			return r;
		if (how->wanted->has_priority)
			filter.priority = how->wanted->priority;
	}
	r = tc_filter_attach(&s->ns, s->ifindex, tc_hook_of(s->hook), front_fd(f), &filter,
			     &ret->made_clsact, err);
	if (!r)
		ret->filter = filter;
	return r;
}

static bool note_says_made(const char *path)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_close_ int fd = -1;
	struct note note;

	return !bpffs_get(path, BPFFS_MAP, &fd, &ignored) &&
	       !note_read(fd, path, &note, &ignored) && note.made_clsact;
}

/* Did the pipeline in @folder make clsact at @s? */
static bool pipeline_made(const char *folder, const struct spot *s)
{
	static const enum hook hooks[] = {HOOK_TC_INGRESS, HOOK_TC_EGRESS};
	bool made = false;

	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
		_cleanup_free_ char *path = attachment_path(folder, s->ns.cookie, s->ifindex,
							    hooks[i], false);

		made |= path && note_says_made(path);
	}
	return made;
}

/* … or any of a home? Then whoever goes last removes it. */
static bool home_made(const char *home, const struct spot *s)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	struct bpffs_entries pipelines = {};
	bool made = false;

	if (bpffs_list(home, &pipelines, &ignored))
		return false;
	array_foreach (p, &pipelines.list) {
		_cleanup_free_ char *folder = text_fmt("%s/%s", home, p->name);

		made |= folder && pipeline_made(folder, s);
	}
	bpffs_entries_done(&pipelines);
	return made;
}

/*
 * Was the clsact that is there made by a pipeline? Also by this one: somebody may have removed
 * its filter only.
 */
static bool is_ours(const struct spot *s, const struct how *how)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_free_ char *top = how->root ? text_fmt("%s/braid", how->root) : NULL;
	struct bpffs_entries homes = {};
	bool made = false;

	if (!s->tc.has_clsact || !top || bpffs_list(top, &homes, &ignored))
		return false;
	array_foreach (home, &homes.list) {
		_cleanup_free_ char *folder = text_fmt("%s/%s", top, home->name);

		made |= folder && home_made(folder, s);
	}
	bpffs_entries_done(&homes);
	return made;
}

/* What the note says beforehand, since the command may be killed: as things look. */
static int attach(struct spot *s, const struct how *how, const struct front *f, const char *path,
		  struct attachment *ret, struct braid_error *err)
{
	bool ours = is_ours(s, how);
	struct note note = {.way = NUMBER, .made_clsact = ours || !s->tc.has_clsact};
	_cleanup_close_ int fd = -1;
	int r = note_pin(path, &note, &fd, err);

	if (r)
		return r;
	r = add_filter(s, how, f, ret, err);
	if (r) {
		_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;

		bpffs_unpin(path, &ignored);
		return r;
	}
	ret->fd = TAKE_FD(fd);
	ret->made_clsact |= ours;
	if (ret->made_clsact == note.made_clsact)
		return 0;
	note.made_clsact = ret->made_clsact;
	return note_write(ret->fd, &note, err);
}

static int update(struct attachment *a, const struct netns *ns, const struct front *from,
		  const struct front *to, struct braid_error *err)
{
	return tc_filter_update(ns, a->ifindex, tc_hook_of(a->hook), &a->filter, front_id(from),
				front_fd(to), err);
}

/* Also if the filter is gone already: clsact may be ours. */
static int detach(struct attachment *a, const struct netns *ns, struct braid_error *err)
{
	return tc_filter_detach(ns, a->ifindex, tc_hook_of(a->hook), &a->filter,
				ids_first(&a->runs), a->made_clsact, err);
}

/* A second filter. The note says no more than before: to look here. */
static int move(const struct attachment *a, struct spot *s, const struct how *how,
		const struct front *f, const char *path, struct attachment *ret,
		struct braid_error *err)
{
	int r = add_filter(s, how, f, ret, err);

	if (r)
		return r;
	ret->made_clsact = a->made_clsact;
	ret->fd = fd_copy(a->fd);
	return ret->fd >= 0 ? 0 : error_errno(err, ret->fd, NULL, "cannot use a map");
}

static int stands(const struct attachment *a, const struct spot *s, const struct how *how,
		  bool *ret, struct braid_error *err)
{
	struct tc_place place;
	int r;

	if (how->wanted->has_priority) {
		*ret = a->filter.priority == how->wanted->priority;
		return 0;
	}
	r = tc_place_find(s, how, true, &place, err);
	if (!r)
		*ret = tc_place_is_right(s, a, &place);
	return r;
}

static void describe(const struct attachment *a, const struct spot *s, struct how *ret)
{
	ret->filter = a->filter;
}

const struct way way_clsact = {
	.number = NUMBER,
	.name = "clsact",
	.find = find,
	.attach = attach,
	.update = update,
	.detach = detach,
	.stands = stands,
	.move = move,
	.describe = describe,
};
