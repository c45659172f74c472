/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Variants in bpffs, below the folder of their revision. */
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/observe.h"

char *path_observed(const char *folder)
{
	return text_fmt("%s/observed", folder);
}

char *path_variant(const char *folder, __u32 number)
{
	return text_fmt("%s/observed/v%u", folder, number);
}

char *path_slot(const char *folder, __u32 slot)
{
	return text_fmt("%s/observed/s%u", folder, slot);
}

/* A folder that is gone by now has nothing in it. */
static int list(const char *path, struct bpffs_entries *ret, struct braid_error *err)
{
	int r = path ? bpffs_list(path, ret, err) : error_oom(err);

	if (r == -ENOENT)
		braid_error_clear(err);
	return r == -ENOENT ? 0 : r;
}

int variants_each(const char *folder,
		  int (*fn)(void *ctx, const char *path, __u32 number, struct braid_error *err),
		  void *ctx, struct braid_error *err)
{
	_cleanup_free_ char *observed = path_observed(folder);
	struct bpffs_entries entries = {};
	int r = list(observed, &entries, err);

	array_foreach (e, &entries.list) {
		_cleanup_free_ char *path = text_fmt("%s/%s", observed, e->name);
		unsigned int number;
		int end = 0;

		if (r || sscanf(e->name, "v%u%n", &number, &end) != 1 || e->name[end])
			continue;
		r = path ? fn(ctx, path, number, err) : error_oom(err);
	}
	bpffs_entries_done(&entries);
	return r;
}

static int add_program(struct ids *ids, const char *pin, struct braid_error *err)
{
	_cleanup_close_ int fd = -1;
	int r = pin ? bpffs_get(pin, BPFFS_PROGRAM, &fd, err) : error_oom(err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	return r ?: array_add(&ids->list, program_id(fd)) ? 0 : error_oom(err);
}

static int add_variant(void *ctx, const char *path, __u32 number, struct braid_error *err)
{
	_cleanup_free_ char *programs = text_fmt("%s/programs", path);
	struct bpffs_entries entries = {};
	int r = list(programs, &entries, err);

	array_foreach (e, &entries.list) {
		_cleanup_free_ char *pin = text_fmt("%s/%s", programs, e->name);

		r = r ?: add_program(ctx, pin, err);
	}
	bpffs_entries_done(&entries);
	return r;
}

int variants_read(const char *folder, struct ids *ret, struct braid_error *err)
{
	struct ids ids = {};
	int r = variants_each(folder, add_variant, &ids, err);

	if (r)
		array_done(&ids.list);
	else
		*ret = ids;
	return r;
}

int revision_programs(const char *folder, struct ids *ret, struct braid_error *err)
{
	struct ids ids = {};
	int r = add_variant(&ids, folder, 0, err) ?: variants_each(folder, add_variant, &ids, err);

	if (r)
		array_done(&ids.list);
	else
		*ret = ids;
	return r;
}

bool runs_revision(const struct front *front, const char *folder, const struct ids *runs,
		   bool *ret_observed)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	struct ids variants = {};
	bool is = front_is(front, runs), observed = false;

	/* the variant takes the place of all of the front: its programs are there, and no others */
	if (!is && front->list.n && runs->list.n == front->list.n &&
	    !variants_read(folder, &variants, &ignored)) {
		observed = true;
		array_foreach (id, &runs->list)
			observed &= ids_have(&variants, *id);
		array_done(&variants.list);
	}
	if (ret_observed)
		*ret_observed = observed;
	return is || observed;
}
