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

DEFINE_CLEANUP(DIR *, closedir)

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

/* Containers keep theirs in places of their own: "… net:[4026532281] /run/docker/netns/… …" */
static int add_mounted(struct netns_list *l, struct braid_error *err)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	int r = 0;

	while (f && !r && getline(&line, &room, f) > 0) {
		char root[64], path[4096];

		if (sscanf(line, "%*u %*u %*s %63s %4095s", root, path) == 2 &&
		    text_has_prefix(root, "net:["))
			r = add(l, path, err);
	}
	return r;
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

static int add_held(struct netns_list *l, const char *pid, struct braid_error *err)
{
	_cleanup_free_ char *folder = text_fmt("/proc/%s/fd", pid);
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

static int add_of_processes(struct netns_list *l, bool held, struct braid_error *err)
{
	_cleanup_(closedirp) DIR *proc = opendir("/proc");
	const struct dirent *d;
	int r = 0;

	while (proc && !r && (d = readdir(proc))) {
		_cleanup_free_ char *path = text_fmt("/proc/%s/ns/net", d->d_name);

		if (!path)
			return error_oom(err);
		if (!strtoul(d->d_name, NULL, 10))
			continue;
		r = add(l, path, err);
		if (!r && held)
			r = add_held(l, d->d_name, err);
	}
	return r;
}

int netns_list_read(bool held, struct netns_list *ret, struct braid_error *err)
{
	_cleanup_(netns_list_done) struct netns_list l = {};
	int r;

	r = add(&l, "/proc/thread-self/ns/net", err);
	r = r ?: add_named(&l, err);
	r = r ?: add_mounted(&l, err);
	r = r ?: add_of_processes(&l, held, err);
	if (r)
		return r;
	*ret = l;
	l = (struct netns_list){};
	return 0;
}
