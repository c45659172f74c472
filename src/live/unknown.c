/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A pipeline that this store does not know: it may run nevertheless, as another one knows it. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/live.h"

/* Not what cannot be looked at. */
static bool is_attached(const char *path)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	struct attachments all = {};
	bool is = false;

	if (!attachments_read(path, &all, &ignored))
		array_foreach (a, &all.list)
			is |= a->live;
	attachments_done(&all);
	return is;
}

int pipeline_elsewhere(struct braid *b, const char *home, const char *name, struct braid_error *err)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_free_ char *root = NULL, *path = NULL;
	__u32 revision;

	if (bpffs_root(&root, &ignored))
		return 0;
	path = path_pipeline(root, home, name);
	if (!path || revisions_highest(path, &revision, &ignored) || !revision)
		return 0;
	error_set(err, -ENOENT, store_path(b->store),
		  "pipeline '%s' %s in network namespace %s, but this store does not know it", name,
		  is_attached(path) ? "runs" : "is loaded", home);
	error_why(err,
		  "another store has its history, or it was lost; revision %u is pinned below %s",
		  revision, path);
	error_hint(err,
		   "name its store by --state or BRAID_STATE; if it is lost, braid apply takes "
		   "over what runs, with new maps");
	return -ENOENT;
}

int pipeline_unknown(struct braid *b, const char *name, struct braid_error *err)
{
	_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;
	struct store_pipelines all = {};
	const char *names[64], *near;
	size_t n = 0;
	int r = pipeline_elsewhere(b, b->home.name, name, err);

	if (r)
		return r;
	if (!store_pipelines(b->store, &all, &second))
		array_foreach (sp, &all.list)
			if (text_eq(sp->home, b->home.name) && n < 64)
				names[n++] = sp->name;
	near = text_nearest(name, names, n);
	error_set(err, -ENOENT, NULL, "there is no pipeline '%s' in network namespace %s", name,
		  b->home.name);
	if (text_eq(near, name))
		error_hint(err, "it was deleted: 'braid rollback %s REVISION' brings it back",
			   name);
	else if (near)
		error_hint(err, "did you mean '%s'?", near);
	store_pipelines_done(&all);
	return -ENOENT;
}
