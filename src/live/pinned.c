/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "live/pinned.h"

#include <errno.h>

#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/live.h"
#include "live/observe.h"

void pinned_programs_done(struct pinned_programs *p)
{
	array_foreach (e, &p->list) {
		free(e->home);
		free(e->pipeline);
	}
	array_done(&p->list);
}

const struct pinned_program *pinned_program_find(const struct pinned_programs *p, __u32 id)
{
	array_foreach (e, &p->list)
		if (e->id == id)
			return e;
	return NULL;
}

/* A folder that is gone by now has nothing in it. */
static int list(const char *path, struct bpffs_entries *ret, struct braid_error *err)
{
	int r = path ? bpffs_list(path, ret, err) : error_oom(err);

	if (r == -ENOENT)
		braid_error_clear(err);
	return r == -ENOENT ? 0 : r;
}

static int add(const char *pin, const char *home, const char *pipeline, struct pinned_programs *all,
	       struct braid_error *err)
{
	_cleanup_close_ int fd = -1;
	struct pinned_program *p;
	int r = pin ? bpffs_get(pin, BPFFS_PROGRAM, &fd, err) : error_oom(err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	if (r)
		return r;
	p = array_push(&all->list);
	if (!p)
		return error_oom(err);
	p->id = program_id(fd);
	p->home = bpffs_unescape(home);
	p->pipeline = bpffs_unescape(pipeline);
	return p->home && p->pipeline ? 0 : error_oom(err);
}

static int read_revision(const char *path, const char *home, const char *pipeline,
			 struct pinned_programs *all, struct braid_error *err)
{
	_cleanup_free_ char *programs = text_fmt("%s/programs", path);
	struct bpffs_entries entries = {};
	int r = list(programs, &entries, err);

	array_foreach (e, &entries.list) {
		_cleanup_free_ char *pin = text_fmt("%s/%s", programs, e->name);

		if (!e->is_folder)
			r = r ?: add(pin, home, pipeline, all, err);
	}
	bpffs_entries_done(&entries);
	return r;
}

/* A variant is the pipeline's, too. */
struct reading {
	const char *home, *pipeline;
	struct pinned_programs *all;
};

static int read_variant(void *ctx, const char *path, __u32 number, struct braid_error *err)
{
	struct reading *r = ctx;

	return read_revision(path, r->home, r->pipeline, r->all, err);
}

static int read_pipeline(const char *path, const char *home, const char *pipeline,
			 struct pinned_programs *all, struct braid_error *err)
{
	struct reading reading = {home, pipeline, all};
	struct bpffs_entries entries = {};
	int r = list(path, &entries, err);
	__u32 number;

	array_foreach (e, &entries.list) {
		_cleanup_free_ char *revision = text_fmt("%s/%s", path, e->name);

		if (!r && e->is_folder && path_parse_revision(e->name, &number))
			r = revision ? read_revision(revision, home, pipeline, all, err)
					       ?: variants_each(revision, read_variant, &reading,
								err)
				     : error_oom(err);
	}
	bpffs_entries_done(&entries);
	return r;
}

static int read_home(const char *path, const char *home, struct pinned_programs *all,
		     struct braid_error *err)
{
	struct bpffs_entries entries = {};
	int r = list(path, &entries, err);

	array_foreach (e, &entries.list) {
		_cleanup_free_ char *pipeline = text_fmt("%s/%s", path, e->name);

		if (!r && e->is_folder)
			r = pipeline ? read_pipeline(pipeline, home, e->name, all, err)
				     : error_oom(err);
	}
	bpffs_entries_done(&entries);
	return r;
}

int pinned_programs_read(const char *root, struct pinned_programs *ret, struct braid_error *err)
{
	_cleanup_free_ char *braid = text_fmt("%s/braid", root);
	struct bpffs_entries entries = {};
	struct pinned_programs all = {};
	int r = list(braid, &entries, err);

	array_foreach (e, &entries.list) {
		_cleanup_free_ char *home = text_fmt("%s/%s", braid, e->name);

		if (!r && e->is_folder)
			r = home ? read_home(home, e->name, &all, err) : error_oom(err);
	}
	bpffs_entries_done(&entries);
	if (r)
		pinned_programs_done(&all);
	else
		*ret = all;
	return r;
}
