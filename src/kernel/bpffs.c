/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/bpffs.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/text.h"

#define DEFAULT_ROOT "/sys/fs/bpf"

DEFINE_CLEANUP(DIR *, closedir)

/*
 * Does process 1 have mount @id, or file system @dev mounted (0: not asked)? Also true if
 * we may not look. Its /proc/1/ns/mnt would say less and takes more privileges.
 */
static bool init_has_mount(__u64 id, dev_t dev)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/1/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	unsigned int mount, major, minor;
	size_t room = 0;
	bool any = false;

	if (!f)
		return true;
	while (getline(&line, &room, f) > 0) {
		any = true;
		if (sscanf(line, "%u %*u %u:%u", &mount, &major, &minor) != 3)
			continue;
		if ((id && mount == id) || (dev && makedev(major, minor) == dev))
			return true;
	}
	return !any;
}

static bool is_private_mount_namespace(void)
{
	struct statx root;

	return !statx(AT_FDCWD, "/", 0, STATX_MNT_ID, &root) && root.stx_mask & STATX_MNT_ID &&
	       !init_has_mount(root.stx_mnt_id, 0);
}

static int not_mounted(const char *root, struct braid_error *err)
{
	error_set(err, -ENODEV, root, "no BPF file system is mounted here");
	if (is_private_mount_namespace())
		error_hint(err, "this shell has mounts of its own, as under `ip netns exec`: run "
				"braid outside and say `netns:` in the manifest");
	else
		error_hint(err, "mount -t bpf bpf %s", root);
	return -ENODEV;
}

int bpffs_root(char **ret, struct braid_error *err)
{
	const char *named = secure_getenv("BRAID_BPFFS");
	const char *root = named && *named ? named : DEFAULT_ROOT;
	size_t n = strlen(root);
	struct statfs fs;
	struct stat st;

	if (statfs(root, &fs) || stat(root, &st)) {
		int r = -errno;

		error_errno(err, r, root, "cannot use this BPF file system");
		if (root == named)
			error_hint(err, "it comes from $BRAID_BPFFS");
		else if (r == -EACCES)
			error_hint(err, "run as root");
		return r;
	}
	if (fs.f_type != BPF_FS_MAGIC)
		return not_mounted(root, err);
	if (root != named && !init_has_mount(0, st.st_dev)) {
		error_set(err, -EXDEV, root, "this BPF file system is private to this shell");
		error_why(err, "what is pinned there vanishes with the last process inside");
		error_hint(err,
			   "under `ip netns exec`? run braid outside and say `netns:` in the "
			   "manifest; or set BRAID_BPFFS=%s if this is meant",
			   root);
		return -EXDEV;
	}
	while (n > 1 && root[n - 1] == '/')
		n--;
	*ret = strndup(root, n);
	return *ret ? 0 : error_oom(err);
}

char *bpffs_escape(const char *name)
{
	_cleanup_(buf_done) struct buf b = {};

	for (const char *p = name; *p; p++) {
		if (*p == '.' || *p == '%')
			buf_fmt(&b, "%%%02x", *p);
		else
			buf_add(&b, p, 1);
	}
	return buf_take(&b);
}

char *bpffs_unescape(const char *pinned)
{
	_cleanup_(buf_done) struct buf b = {};

	for (const char *p = pinned; *p; p++) {
		if (text_has_prefix(p, "%2e") || text_has_prefix(p, "%25")) {
			buf_str(&b, p[2] == 'e' ? "." : "%");
			p += 2;
		} else {
			buf_add(&b, p, 1);
		}
	}
	return buf_take(&b);
}

/* The errnos of bpffs in words. */
static int explain(int r, const char *path, const char *what, struct braid_error *err)
{
	const char *name = strrchr(path, '/');

	error_errno(err, r, path, "%s", what);
	if (r == -EPERM && strchr(name ? name : path, '.'))
		error_why(err, "a BPF file system allows no '.' in names");
	else if (r == -EPERM || r == -EACCES)
		error_hint(err, "it takes CAP_BPF and a folder that is yours: run as root");
	return r;
}

int bpffs_mkdir(const char *path, struct braid_error *err)
{
	_cleanup_free_ char *part = strdup(path);

	if (!part)
		return error_oom(err);
	for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(part, 0700) && errno != EEXIST)
			return explain(-errno, part, "cannot make this folder", err);
		if (!slash)
			return 0;
		*slash = '/';
	}
}

void bpffs_entries_done(struct bpffs_entries *entries)
{
	array_foreach (e, &entries->list)
		free(e->name);
	array_done(&entries->list);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct bpffs_entry *)a)->name, ((const struct bpffs_entry *)b)->name);
}

/* Everything in the folder @fd (borrowed); @path is for errors. */
static int list_at(int fd, const char *path, struct bpffs_entries *ret, struct braid_error *err)
{
	_cleanup_(bpffs_entries_done) struct bpffs_entries entries = {};
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	_cleanup_(closedirp) DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *d;

	if (!dir) {
		int r = -errno;

		closep(&copy);
		return error_errno(err, r, path, "cannot read this folder");
	}
	while ((errno = 0, d = readdir(dir))) {
		struct bpffs_entry *e;

		if (text_eq(d->d_name, ".") || text_eq(d->d_name, ".."))
			continue;
		e = array_push(&entries.list);
		if (!e)
			return error_oom(err);
		e->is_folder = d->d_type == DT_DIR;
		e->name = strdup(d->d_name);
		if (!e->name)
			return error_oom(err);
	}
	if (errno)
		return error_errno(err, -errno, path, "cannot read this folder");
	if (entries.list.n)
		qsort(entries.list.v, entries.list.n, sizeof(*entries.list.v), by_name);
	*ret = entries;
	entries = (struct bpffs_entries){};
	return 0;
}

static int open_folder(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

int bpffs_list(const char *path, struct bpffs_entries *ret, struct braid_error *err)
{
	_cleanup_close_ int fd = open_folder(AT_FDCWD, path);

	if (fd < 0)
		return error_errno(err, fd, path, "cannot open this folder");
	return list_at(fd, path, ret, err);
}

int bpffs_pin(int fd, const char *path, struct braid_error *err)
{
	int r = bpf_obj_pin(fd, path);

	return r ? explain(r, path, "cannot pin here", err) : 0;
}

static const struct {
	const char *word, *file[2];
} kinds[] = {
	[BPFFS_PROGRAM] = {"program", {"anon_inode:bpf-prog"}},
	[BPFFS_MAP] = {"map", {"anon_inode:bpf-map"}},
	/* spelled with '_' since it exists; accept what a tidy-up would make of it */
	[BPFFS_LINK] = {"link", {"anon_inode:bpf_link", "anon_inode:bpf-link"}},
};

/* An fd does not say what it is, and a system call on the wrong kind says only EINVAL. */
static bool is_kind(const char *file, enum bpffs_kind kind)
{
	return text_eq(file, kinds[kind].file[0]) || text_eq(file, kinds[kind].file[1]);
}

static int check_kind(int fd, enum bpffs_kind kind, const char *path, struct braid_error *err)
{
	char proc[64], file[64];
	const char *word = "something else";
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, file, sizeof(file) - 1);
	if (n < 0)
		return error_errno(err, -errno, path, "cannot tell what is pinned here");
	file[n] = '\0';
	if (is_kind(file, kind))
		return 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (is_kind(file, i))
			word = kinds[i].word;
	error_set(err, -EMEDIUMTYPE, path, "a %s was expected here, not a %s", kinds[kind].word,
		  word);
	return -EMEDIUMTYPE;
}

int bpffs_get(const char *path, enum bpffs_kind kind, int *ret_fd, struct braid_error *err)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	int r;

	if (fd < 0)
		return explain(fd, path, "cannot open what is pinned here", err);
	r = check_kind(fd, kind, path, err);
	if (r)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int bpffs_unpin(const char *path, struct braid_error *err)
{
	if (unlink(path))
		return explain(-errno, path, "cannot unpin", err);
	return 0;
}

/* Removes what is in folder @fd (borrowed), which is on file system @dev. */
static int empty_folder(int fd, dev_t dev, const char *path, struct braid_error *err)
{
	_cleanup_(bpffs_entries_done) struct bpffs_entries entries = {};
	struct stat st;
	int r;

	r = list_at(fd, path, &entries, err);
	if (r)
		return r;
	array_foreach (e, &entries.list) {
		_cleanup_free_ char *below = text_fmt("%s/%s", path, e->name);
		_cleanup_close_ int sub = -1;

		if (!below)
			return error_oom(err);
		if (fstatat(fd, e->name, &st, AT_SYMLINK_NOFOLLOW))
			return error_errno(err, -errno, below, "cannot remove");
		if (st.st_dev != dev || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
			error_set(err, -EXDEV, below, "neither pinned nor a folder: left alone");
			return -EXDEV;
		}
		if (S_ISDIR(st.st_mode)) {
			sub = open_folder(fd, e->name);
			r = sub < 0 ? error_errno(err, sub, below, "cannot open this folder")
				    : empty_folder(sub, dev, below, err);
			if (r)
				return r;
		}
		if (unlinkat(fd, e->name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0))
			return explain(-errno, below, "cannot remove", err);
	}
	return 0;
}

int bpffs_remove_tree(const char *path, struct braid_error *err)
{
	_cleanup_close_ int fd = open_folder(AT_FDCWD, path);
	struct statfs fs;
	struct stat st;
	int r;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return error_errno(err, fd, path, "cannot open this folder");
	if (fstatfs(fd, &fs) || fstat(fd, &st))
		return error_errno(err, -errno, path, "cannot examine this folder");
	if (fs.f_type != BPF_FS_MAGIC) {
		error_set(err, -ENODEV, path, "not on a BPF file system: left alone");
		return -ENODEV;
	}
	r = empty_folder(fd, st.st_dev, path, err);
	if (r)
		return r;
	if (rmdir(path))
		return explain(-errno, path, "cannot remove this folder", err);
	return 0;
}
