/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/netns_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

#define NAMES "/run/netns"

/* Of the namespace in which all processes are visible; the kernel's PROC_PID_INIT_INO. */
#define INITIAL_PIDS 0xeffffffc

DEFINE_CLEANUP(DIR *, closedir)

/* A mount namespace, and what can be seen of it from where a process has its root. */
struct view {
	ino_t mounts, root;
	dev_t dev; /* of @root */
};

struct search {
	struct netns_list *all;   /* what was found so far */
	ARRAY(struct view) views; /* what was looked at */
	bool held;
};

void netns_list_done(struct netns_list *l)
{
	array_foreach (ns, &l->list)
		netns_done(ns);
	array_done(&l->list);
}

static bool is_known(const struct netns_list *l, const struct stat *st)
{
	array_foreach (ns, &l->list) {
		struct stat known;

		if (!fstat(ns->fd, &known) && known.st_ino == st->st_ino &&
		    known.st_dev == st->st_dev)
			return true;
	}
	return false;
}

/* Processes end while they are looked at, and a name may be of something else. */
static bool is_gone(int r)
{
	return r == -ENOENT || r == -ESRCH || r == -EINVAL || r == -ENXIO;
}

static int add(struct netns_list *l, const char *path, struct braid_error *err)
{
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	struct stat st;
	int r;

	if (stat(path, &st)) {
		l->hidden += !is_gone(-errno);
		return 0;
	}
	if (is_known(l, &st))
		return 0;
	r = netns_open(path, &ns, err);
	if (r == -ENOMEM)
		return r;
	if (r) {
		l->hidden += !is_gone(r);
		braid_error_clear(err);
		return 0;
	}
	if (!array_add(&l->list, ns))
		return error_oom(err);
	ns = (struct netns)NETNS_INIT;
	return 0;
}

static int add_named(struct netns_list *l, struct braid_error *err)
{
	_cleanup_(closedirp) DIR *dir = opendir(NAMES);
	const struct dirent *d;
	int r = 0;

	while (dir && !r && (d = readdir(dir))) {
		_cleanup_free_ char *path = text_fmt(NAMES "/%s", d->d_name);

		if (!path)
			return error_oom(err);
		if (!text_eq(d->d_name, ".") && !text_eq(d->d_name, ".."))
			r = add(l, path, err);
	}
	return r;
}

/* "\\040" is a blank. */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from; to++) {
		unsigned int code;

		if (sscanf(from, "\\%3o", &code) == 1) {
			*to = code;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/*
 * Containers keep theirs in places of their own, maybe for themselves:
 * "… net:[4026532281] /run/docker/netns/… …"
 */
static int read_mounts(struct search *s, const char *task, struct braid_error *err)
{
	_cleanup_free_ char *mounts = text_fmt("%s/mountinfo", task);
	_cleanup_fclose_ FILE *f = mounts ? fopen(mounts, "re") : NULL;
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	int r = mounts ? 0 : error_oom(err);

	s->all->hidden += mounts && !f && !is_gone(-errno);
	while (f && !r && getline(&line, &room, f) > 0) {
		_cleanup_free_ char *seen = NULL;
		char root[64], path[4096];

		if (sscanf(line, "%*u %*u %*s %63s %4095s", root, path) != 2 ||
		    !text_has_prefix(root, "net:["))
			continue;
		unescape(path);
		seen = text_fmt("%s/root%s", task, path);
		r = seen ? add(s->all, seen, err) : error_oom(err);
	}
	return r;
}

/* Those that @task can see, once. */
static int add_mounted(struct search *s, const char *task, struct braid_error *err)
{
	_cleanup_free_ char *ns = text_fmt("%s/ns/mnt", task), *root = text_fmt("%s/root/.", task);
	struct stat mounts, top;
	struct view v;

	if (!ns || !root)
		return error_oom(err);
	if (stat(ns, &mounts) || stat(root, &top))
		return 0; /* who may not be looked at counts as hidden already */
	v = (struct view){mounts.st_ino, top.st_ino, top.st_dev};
	array_foreach (known, &s->views)
		if (known->mounts == v.mounts && known->root == v.root && known->dev == v.dev)
			return 0;
	return array_add(&s->views, v) ? read_mounts(s, task, err) : error_oom(err);
}

/*
 * A descriptor of one is called "net:[…]", or by where it was mounted when it was opened, or "/"
 * if it is not mounted there any more. Only those are looked at: asking a file for more may
 * take forever on a file system of a network.
 */
static bool may_be_one(const char *target)
{
	return text_has_prefix(target, "net:[") || text_eq(target, "/") || strstr(target, "netns");
}

/* The first one in the list is our own. */
static bool is_of_nsfs(const struct netns_list *l, const char *path)
{
	struct stat own, st;

	return !fstat(l->list.v[0].fd, &own) && !stat(path, &st) && st.st_dev == own.st_dev;
}

static int add_held(struct netns_list *l, const char *process, struct braid_error *err)
{
	_cleanup_free_ char *folder = text_fmt("%s/fd", process);
	_cleanup_(closedirp) DIR *dir = folder ? opendir(folder) : NULL;
	const struct dirent *d;
	int r = 0;

	while (dir && !r && (d = readdir(dir))) {
		_cleanup_free_ char *path = NULL;
		char target[4096];
		ssize_t n = readlinkat(dirfd(dir), d->d_name, target, sizeof(target) - 1);

		if (n < 0)
			continue;
		target[n] = '\0';
		if (!may_be_one(target))
			continue;
		path = text_fmt("%s/%s", folder, d->d_name);
		if (!path)
			return error_oom(err);
		if (is_of_nsfs(l, path))
			r = add(l, path, err);
	}
	return r;
}

/* @task: "/proc/1/task/1". Each may be in namespaces of its own. */
static int add_of_task(struct search *s, const char *task, struct braid_error *err)
{
	_cleanup_free_ char *path = text_fmt("%s/ns/net", task);

	return path ? add(s->all, path, err) ?: add_mounted(s, task, err) : error_oom(err);
}

static int add_of_process(struct search *s, const char *process, struct braid_error *err)
{
	_cleanup_free_ char *folder = text_fmt("%s/task", process);
	_cleanup_(closedirp) DIR *dir = folder ? opendir(folder) : NULL;
	const struct dirent *d;
	int r = folder ? 0 : error_oom(err);

	s->all->hidden += folder && !dir && !is_gone(-errno);
	while (dir && !r && (d = readdir(dir))) {
		_cleanup_free_ char *task = text_fmt("%s/%s", folder, d->d_name);

		if (!task)
			return error_oom(err);
		if (strtoul(d->d_name, NULL, 10))
			r = add_of_task(s, task, err);
	}
	return r || !s->held ? r : add_held(s->all, process, err);
}

static int add_of_processes(struct search *s, struct braid_error *err)
{
	_cleanup_(closedirp) DIR *proc = opendir("/proc");
	const struct dirent *d;
	int r = 0;

	while (proc && !r && (d = readdir(proc))) {
		_cleanup_free_ char *process = text_fmt("/proc/%s", d->d_name);

		if (!process)
			return error_oom(err);
		if (strtoul(d->d_name, NULL, 10))
			r = add_of_process(s, process, err);
	}
	return r;
}

/* In a container there are processes outside, in places that nobody here knows of. */
static bool sees_all_processes(void)
{
	struct stat st;

	return !stat("/proc/1/ns/pid", &st) && st.st_ino == INITIAL_PIDS;
}

int netns_list_read(bool held, struct netns_list *ret, struct braid_error *err)
{
	_cleanup_(netns_list_done) struct netns_list l = {.hidden = !sees_all_processes()};
	struct search s = {.all = &l, .held = held};
	int r;

	r = add(&l, "/proc/thread-self/ns/net", err);
	r = r ?: add_named(&l, err);
	r = r ?: add_mounted(&s, "/proc/thread-self", err);
	r = r ?: add_of_processes(&s, err);
	array_done(&s.views);
	if (r)
		return r;
	*ret = l;
	l = (struct netns_list){};
	return 0;
}
