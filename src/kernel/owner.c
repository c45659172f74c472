/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/owner.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/text.h"

/* Bounds of what may be a bpffs with anything in it. */
enum { MAX_DEPTH = 12, MAX_PINS = 10000 };

DEFINE_CLEANUP(DIR *, closedir)

void owners_done(struct owners *o)
{
	array_foreach (h, &o->list)
		free(h->pin);
	array_done(&o->list);
}

const struct holder *owners_next(const struct owners *o, const struct holder *last, __u32 prog_id,
				 __u32 link_id)
{
	const struct holder *end = o->list.v + o->list.n;

	for (last = last ? last + 1 : o->list.v; last && last < end; last++)
		if (last->id && last->id == (last->is_link ? link_id : prog_id))
			return last;
	return NULL;
}

/* @f: of fdinfo. false: neither program nor link. What a link says of its program is not asked. */
static bool parse_fdinfo(FILE *f, struct holder *ret)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	__u32 prog_id = 0, link_id = 0;

	while (getline(&line, &room, f) > 0) {
		sscanf(line, "prog_id: %u", &prog_id);
		sscanf(line, "link_id: %u", &link_id);
	}
	ret->is_link = link_id;
	ret->id = link_id ?: prog_id;
	return ret->id;
}

static FILE *open_at(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f)
		closep(&fd);
	return f;
}

static DIR *open_dir(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		closep(&fd);
	return dir;
}

static bool is_known(const struct owners *o, size_t since, const struct holder *h)
{
	for (size_t i = since; i < o->list.n; i++)
		if (o->list.v[i].id == h->id && o->list.v[i].is_link == h->is_link)
			return true;
	return false;
}

/* Most descriptors are something else, which the name tells for less than fdinfo. */
static bool is_bpf(int fds, const char *name)
{
	char target[64];
	ssize_t n = readlinkat(fds, name, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	return text_has_prefix(target, "anon_inode:bpf");
}

static void read_comm(int process, char ret[16])
{
	_cleanup_fclose_ FILE *f = open_at(process, "comm");

	if (!f || !fgets(ret, 16, f))
		ret[0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

/* @process: its folder in /proc. */
static int read_process(int process, __u32 pid, struct owners *o)
{
	_cleanup_(closedirp) DIR *fds = open_dir(process, "fd");
	size_t since = o->list.n;
	const struct dirent *d;

	while (fds && (d = readdir(fds))) {
		_cleanup_fclose_ FILE *f = NULL;
		struct holder h = {.pid = pid};
		char name[sizeof("fdinfo/") + sizeof(d->d_name)];

		if (!is_bpf(dirfd(fds), d->d_name))
			continue;
		snprintf(name, sizeof(name), "fdinfo/%s", d->d_name);
		f = open_at(process, name);
		if (!f || !parse_fdinfo(f, &h) || is_known(o, since, &h))
			continue;
		read_comm(process, h.comm);
		if (!array_add(&o->list, h))
			return -ENOMEM;
	}
	return 0;
}

static int read_processes(struct owners *o)
{
	_cleanup_(closedirp) DIR *proc = open_dir(AT_FDCWD, "/proc");
	const struct dirent *d;
	int r = 0;

	while (proc && !r && (d = readdir(proc))) {
		unsigned long pid = strtoul(d->d_name, NULL, 10);
		_cleanup_close_ int process = -1;

		if (!pid)
			continue;
		process = openat(dirfd(proc), d->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (process >= 0)
			r = read_process(process, pid, o);
	}
	return r;
}

/* A walk through a bpffs. */
struct walk {
	struct owners *owners;
	dev_t dev;
	size_t pins;
};

/* What is pinned there says its descriptor, the same way as those of others. */
static int read_pin(const char *path, struct owners *o)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	_cleanup_fclose_ FILE *f = NULL;
	struct holder h = {};
	char info[64];

	if (fd < 0)
		return 0;
	snprintf(info, sizeof(info), "/proc/self/fdinfo/%d", fd);
	f = open_at(AT_FDCWD, info);
	if (!f || !parse_fdinfo(f, &h))
		return 0;
	h.pin = strdup(path);
	if (h.pin && array_add(&o->list, h))
		return 0;
	free(h.pin);
	return -ENOMEM;
}

static int read_folder(struct walk *w, int at, const char *name, const char *path, int depth)
{
	_cleanup_(closedirp) DIR *dir = open_dir(at, name);
	const struct dirent *d;
	struct stat st;
	int r = 0;

	while (dir && !r && (d = readdir(dir))) {
		_cleanup_free_ char *below = NULL;

		if (d->d_name[0] == '.' || fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (st.st_dev != w->dev || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
			continue;
		if (depth == MAX_DEPTH || ++w->pins > MAX_PINS) {
			w->owners->cut = true;
			continue;
		}
		below = text_fmt("%s/%s", path, d->d_name);
		if (!below)
			r = -ENOMEM;
		else if (S_ISDIR(st.st_mode))
			r = read_folder(w, dirfd(dir), d->d_name, below, depth + 1);
		else
			r = read_pin(below, w->owners);
	}
	return r;
}

/* Nothing else than a bpffs is walked: other file systems may be large, or hang. */
static int read_pins(const char *root, struct owners *o)
{
	_cleanup_free_ char *inside = text_fmt("%s/.", root); /* the root may be a symbolic link */
	struct walk w = {.owners = o};
	struct statfs fs;
	struct stat st;

	if (!inside)
		return -ENOMEM;
	if (statfs(root, &fs) || fs.f_type != BPF_FS_MAGIC || stat(root, &st))
		return 0;
	w.dev = st.st_dev;
	return read_folder(&w, AT_FDCWD, inside, root, 0);
}

int owners_read(const char *bpffs_root, struct owners *ret, struct braid_error *err)
{
	_cleanup_(owners_done) struct owners o = {};

	if (read_processes(&o) || (bpffs_root && read_pins(bpffs_root, &o)))
		return error_oom(err);
	*ret = o;
	o = (struct owners){};
	return 0;
}
