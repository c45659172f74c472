/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Where libxdp keeps its pins, and the lock around them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>

#include "base/text.h"
#include "dispatch/inside.h"
#include "kernel/bpffs.h"

static int named_bpffs(const char *named, char **ret, struct braid_error *err)
{
	size_t n = strlen(named);
	struct statfs fs;

	if (statfs(named, &fs)) {
		error_errno(err, -errno, named, "cannot use this BPF file system");
		error_hint(err, "it comes from $LIBXDP_BPFFS");
		return error_code(err);
	}
	if (fs.f_type != BPF_FS_MAGIC) {
		error_set(err, -ENODEV, named, "no BPF file system is mounted here");
		error_hint(err, "it comes from $LIBXDP_BPFFS");
		return -ENODEV;
	}
	while (n > 1 && named[n - 1] == '/')
		n--;
	*ret = strndup(named, n);
	return *ret ? 0 : error_oom(err);
}

int dispatch_bpffs(char **ret, struct braid_error *err)
{
	const char *named = secure_getenv("LIBXDP_BPFFS");

	return named && *named ? named_bpffs(named, ret, err) : bpffs_root(ret, err);
}

static char *lock_folder(const char *bpffs)
{
	return text_fmt("%s/xdp", bpffs);
}

static int take(const char *path, int how, struct dispatch_lock *ret, struct braid_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	do
		r = flock(fd, how) ? -errno : 0;
	while (r == -EINTR);
	if (r)
		return r;
	ret->fd = TAKE_FD(fd);
	return 0;
}

int dispatch_lock(const char *bpffs, struct dispatch_lock *ret, struct braid_error *err)
{
	_cleanup_free_ char *path = lock_folder(bpffs);
	int r = path ? bpffs_mkdir(path, err) : error_oom(err);

	if (r)
		return r;
	r = take(path, LOCK_EX, ret, err);
	return r ? error_errno(err, r, path, "cannot lock libxdp's pins") : 0;
}

int dispatch_lock_shared(const char *bpffs, struct dispatch_lock *ret, struct braid_error *err)
{
	_cleanup_free_ char *path = lock_folder(bpffs);
	int r = path ? take(path, LOCK_SH, ret, err) : -ENOMEM;

	if (r == -ENOENT)
		return 0;
	return r ? error_errno(err, r, path, "cannot lock libxdp's pins") : 0;
}

void dispatch_unlock(struct dispatch_lock *l)
{
	if (l->fd < 0)
		return;
	/* not left to close(): a forked child may still have it open */
	flock(l->fd, LOCK_UN);
	close(l->fd);
	l->fd = -1;
}

char *dispatch_folder(const char *bpffs, __u32 ifindex, __u32 id)
{
	return text_fmt("%s/xdp/dispatch-%u-%u", bpffs, ifindex, id);
}

char *dispatch_pin(const char *folder, __u32 slot, const char *what)
{
	return text_fmt("%s/prog%u-%s", folder, slot, what);
}

void dispatch_places_done(struct dispatch_places *p)
{
	array_foreach (place, &p->list)
		free(place->folder);
	array_done(&p->list);
}

/* false: somebody else's name, which is none of our business. */
static bool parse(const struct bpffs_entry *e, struct dispatch_place *ret)
{
	const char *format = e->is_folder ? "dispatch-%u-%u%c" : "prog-test-link-%u-%u%c";
	char rest;

	ret->is_trial = !e->is_folder;
	return sscanf(e->name, format, &ret->ifindex, &ret->id, &rest) == 2;
}

static int add_place(const char *xdp, const struct bpffs_entry *e, struct dispatch_places *ret)
{
	struct dispatch_place place = {};

	if (!parse(e, &place))
		return 0;
	place.folder = text_fmt("%s/%s", xdp, e->name);
	if (place.folder && array_add(&ret->list, place))
		return 0;
	free(place.folder);
	return -ENOMEM;
}

int dispatch_places_read(const char *bpffs, struct dispatch_places *ret, struct braid_error *err)
{
	_cleanup_(bpffs_entries_done) struct bpffs_entries entries = {};
	_cleanup_(dispatch_places_done) struct dispatch_places places = {};
	_cleanup_free_ char *xdp = lock_folder(bpffs);
	/* iproute2 makes it a symbolic link, to `tc`, if it comes first */
	_cleanup_free_ char *inside = text_fmt("%s/xdp/.", bpffs);
	int r = xdp && inside ? bpffs_list(inside, &entries, err) : error_oom(err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		r = 0;
	}
	if (r)
		return r;
	array_foreach (e, &entries.list)
		if (add_place(xdp, e, &places))
			return error_oom(err);
	*ret = places;
	places = (struct dispatch_places){};
	return 0;
}
