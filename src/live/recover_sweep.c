/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Folders of revisions that are not the current one: of a command that was killed behind its last
 * line in the store; or of another store, which this one knows nothing of. What runs out of those
 * stays, however little is known of it: only who applies or deletes the pipeline wants it gone.
 */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/rcu.h"
#include "live/counters.h"
#include "live/observe.h"
#include "live/recover.h"

struct stale {
	char *name, *folder;
	__u32 number;
	bool stays;
	struct ids programs; /* of its variants, too */
};

struct sweeping {
	struct leftover *l;
	ARRAY(struct stale) list;
	size_t n; /* that go */
};

static void sweeping_done(struct sweeping *s)
{
	array_foreach (each, &s->list) {
		free(each->name);
		free(each->folder);
		array_done(&each->programs.list);
	}
	array_done(&s->list);
}

static bool runs_out_of(const struct stale *s, const struct attachment *a)
{
	array_foreach (id, &a->runs.list)
		if (ids_have(&s->programs, *id))
			return true;
	return false;
}

static bool is_attached(const struct leftover *l, const struct stale *s)
{
	array_foreach (a, &l->attachments.list)
		if (a->live && runs_out_of(s, a))
			return true;
	return false;
}

/*
 * What this store has on record goes when what is current is there to run instead of it, or when
 * it runs nowhere. What it has not goes only if it runs nowhere, and what is current is there.
 */
static int judge(const struct leftover *l, struct stale *s, struct braid_error *err)
{
	_cleanup_revision_ struct revision rev = {};
	bool current_is_there = l->old.list.n, known;
	int r = revision_get(l->b->store, l->b->home.name, l->pipeline, s->number, &rev, err);

	known = !r;
	if (r && r != -ENOENT)
		return r;
	if (r)
		braid_error_clear(err);
	if (current_is_there)
		s->stays = !known && is_attached(l, s);
	else
		s->stays = !known || is_attached(l, s);
	return 0;
}

static int add(struct sweeping *s, const char *name, __u32 number, struct braid_error *err)
{
	struct stale *new = array_push(&s->list);
	int r;

	if (!new)
		return error_oom(err);
	new->number = number;
	new->name = strdup(name);
	new->folder = text_fmt("%s/%s", s->l->path, name);
	if (!new->name || !new->folder)
		return error_oom(err);
	r = revision_programs(new->folder, &new->programs, err) ?: judge(s->l, new, err);
	s->n += !r && !new->stays;
	return r;
}

static int find(struct sweeping *s, struct braid_error *err)
{
	const struct leftover *l = s->l;
	struct bpffs_entries all = {};
	__u32 number;
	int r = bpffs_list(l->path, &all, err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	array_foreach (e, &all.list)
		if (!r && path_parse_revision(e->name, &number) &&
		    !(l->has_current && number == l->current.number))
			r = add(s, e->name, number, err);
	bpffs_entries_done(&all);
	return r;
}

static bool stays(const struct sweeping *s, const struct attachment *a)
{
	array_foreach (each, &s->list)
		if (each->stays && runs_out_of(each, a))
			return true;
	return false;
}

/* From interfaces that the current revision does not name. */
static int drop_others(struct sweeping *s, struct braid_error *err)
{
	struct leftover *l = s->l;
	int r = 0;

	array_foreach (a, &l->attachments.list)
		if (!front_is(&l->old, &a->runs) && !stays(s, a))
			r = r ?: attachment_remove(&l->attachments, a, err);
	return r;
}

/* Of a revision before the current one, or of one that failed. */
static int keep_counters(struct leftover *l, const struct stale *s, struct braid_error *err)
{
	_cleanup_free_ char *beside = path_revision(l->path, l->current.number);
	_cleanup_error_ struct braid_error unknown = BRAID_ERROR_INIT;
	_cleanup_revision_ struct revision rev = {};
	_cleanup_json_ json_t *plan = NULL;
	struct fold f = {.home = l->b->home.name,
			 .pipeline = l->pipeline,
			 .number = s->number,
			 .folder = s->folder};

	if (!l->has_current ||
	    revision_get(l->b->store, f.home, f.pipeline, f.number, &rev, &unknown))
		return 0;
	plan = json_loads(rev.plan, 0, NULL);
	f.failed = rev.state != REVISION_OLD;
	f.plan = plan;
	f.stays = l->current_plan;
	f.beside = beside;
	return beside ? counters_fold(l->b, &f, err) : error_oom(err);
}

static int remove_stale(struct leftover *l, const struct stale *s, char **ret_what,
			struct braid_error *err)
{
	_cleanup_free_ char *missing = NULL;
	bool before = l->has_current && s->number < l->current.number;
	int r = kernel_sync_rcu(err) ?: keep_counters(l, s, err) ?: bpffs_remove_tree(s->folder, err);

	if (r)
		return r;
	free(*ret_what);
	missing = before ? carry_cut_short(l->current.plan) : strdup("");
	*ret_what = text_fmt("revision %s had not been removed to the end: done%s", s->name + 1,
			     missing ?: "");
	return *ret_what && missing ? 0 : error_oom(err);
}

int leftover_sweep(struct leftover *l, char **ret_what, struct braid_error *err)
{
	_cleanup_(sweeping_done) struct sweeping s = {.l = l};
	int r = find(&s, err);

	if (!r && s.n && l->old.list.n)
		r = drop_others(&s, err);
	array_foreach (each, &s.list)
		if (!r && !each->stays)
			r = remove_stale(l, each, ret_what, err);
	return r;
}

static int remove_one(const char *path, const char *name, struct braid_error *err)
{
	_cleanup_free_ char *folder = text_fmt("%s/%s", path, name);

	return folder ? kernel_sync_rcu(err) ?: bpffs_remove_tree(folder, err) : error_oom(err);
}

int revisions_remove_but(const char *path, __u32 stays, struct braid_error *err)
{
	struct bpffs_entries all = {};
	__u32 number;
	int r = bpffs_list(path, &all, err);

	array_foreach (e, &all.list)
		if (!r && path_parse_revision(e->name, &number) && number != stays)
			r = remove_one(path, e->name, err);
	bpffs_entries_done(&all);
	return r;
}

int revisions_highest(const char *path, __u32 *ret, struct braid_error *err)
{
	struct bpffs_entries all = {};
	__u32 number, highest = 0;
	int r = bpffs_list(path, &all, err);

	if (r == -ENOENT)
		braid_error_clear(err);
	else if (r)
		return r;
	array_foreach (e, &all.list)
		if (path_parse_revision(e->name, &number) && number > highest)
			highest = number;
	bpffs_entries_done(&all);
	*ret = highest;
	return 0;
}
