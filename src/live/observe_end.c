/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What observers look through goes out again: at their end, before a change, and after a kill. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/rcu.h"
#include "live/observe.h"

/* Who looks no more, in a sentence. NULL in @ret: all do. */
static int tell(const struct observers *all, const char *folder, char **ret,
		struct braid_error *err)
{
	struct buf text = {};
	size_t n = 0;

	array_foreach (o, &all->list) {
		if (observing_looks(o, folder))
			continue;
		buf_fmt(&text, "%sprocess %u (%s)", n++ ? ", " : "", o->process.pid, o->cause);
	}
	if (!n)
		return 0;
	buf_fmt(&text, " looked at packets and has gone: taken out");
	*ret = buf_take(&text);
	return *ret ? 0 : error_oom(err);
}

/* Where the base is not pinned any more the variant stays, until another revision replaces it. */
static int put_back(struct braid *b, const char *name, const struct running *run,
		    struct braid_error *err)
{
	_cleanup_free_ char *observed = path_observed(run->folder);
	_cleanup_swap_ struct swap swap = {};
	int r = observed ? swap_open(b, name, run, &swap, err) : error_oom(err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	return r ?: swap_to(&swap, &swap.base, err) ?:
		    kernel_sync_rcu(err) ?:
		    bpffs_remove_tree(observed, err);
}

static int end(struct braid *b, const char *name, const struct running *run, char **ret_what,
	       struct braid_error *err)
{
	_cleanup_observers_ struct observers all = {};
	const struct observers none = {};
	int r = observers_read(b, b->home.name, name, run->revision.number, &all, err)
			?: tell(&all, run->folder, ret_what, err);

	/* observers see by the pins that they are to join again: so they go first */
	r = r ?: observe_unpin_slots(run->folder, &none, err) ?: put_back(b, name, run, err) ?:
		 observers_write(b, name, &none, NULL, err);
	if (r)
		error_within(err, "taking out what observers look through");
	return r;
}

/* Is something of the kind there? Not what the document says: another revision has taken it out. */
static bool is_observed(const char *path, __u32 revision)
{
	_cleanup_free_ char *folder = path_revision(path, revision);
	_cleanup_free_ char *observed = folder ? path_observed(folder) : NULL;

	return observed && !access(observed, F_OK);
}

int observe_end(struct braid *b, const char *root, const char *pipeline, char **ret_what,
		struct braid_error *err)
{
	_cleanup_free_ char *path = path_pipeline(root, b->home.name, pipeline);
	_cleanup_running_ struct running run = {};
	int r;

	if (!path)
		return error_oom(err);
	r = running_open(b, pipeline, &run, err);
	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	if (r == -EBADMSG) { /* a damaged plan must not keep anyone from deleting it */
		braid_error_clear(err);
		return 0;
	}
	if (r || !is_observed(path, run.revision.number))
		return r;
	return end(b, pipeline, &run, ret_what, err);
}

/* Did a killed command leave something that recover() must settle? */
static int is_unsettled(struct braid *b, const char *path, const char *pipeline, __u32 current,
			bool *ret, struct braid_error *err)
{
	_cleanup_revision_ struct revision pending = {};
	struct bpffs_entries entries = {};
	__u32 number;
	int r = revision_find(b->store, b->home.name, pipeline, REVISION_PENDING, &pending, err);

	*ret = !r;
	if (r != -ENOENT)
		return r;
	braid_error_clear(err);
	r = bpffs_list(path, &entries, err);
	array_foreach (e, &entries.list)
		*ret |= path_parse_revision(e->name, &number) && number != current;
	bpffs_entries_done(&entries);
	if (r == -ENOENT)
		braid_error_clear(err);
	return r == -ENOENT ? 0 : r;
}

static bool are_well(struct braid *b, const char *path, const char *pipeline, __u32 current)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_free_ char *folder = path_revision(path, current);
	_cleanup_observers_ struct observers all = {};

	return folder && !observers_read(b, b->home.name, pipeline, current, &all, &ignored) &&
	       observers_are_well(&all, folder);
}

bool observe_is_left(struct braid *b, const char *path, const char *pipeline, __u32 current)
{
	return is_observed(path, current) && !are_well(b, path, pipeline, current);
}

int observe_end_unless(struct braid *b, const char *root, const char *pipeline,
		       enum observers_stay stay, char **ret_what, struct braid_error *err)
{
	_cleanup_free_ char *path = path_pipeline(root, b->home.name, pipeline);
	_cleanup_revision_ struct revision current = {};
	bool unsettled = true;
	int r;

	if (!path)
		return error_oom(err);
	r = revision_find(b->store, b->home.name, pipeline, REVISION_CURRENT, &current, err);
	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	if (r || !is_observed(path, current.number))
		return r;
	if (stay != OBSERVERS_GO)
		r = is_unsettled(b, path, pipeline, current.number, &unsettled, err);
	if (r ||
	    (!unsettled && (stay == OBSERVERS_STAY || are_well(b, path, pipeline, current.number))))
		return r;
	return observe_end(b, root, pipeline, ret_what, err);
}
