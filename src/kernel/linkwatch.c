/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/linkwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>

#define NAMES       "/run/netns"
#define ABOVE_NAMES "/run"

static int watch_fd(struct linkwatch *w, int fd, __u32 events, struct braid_error *err)
{
	struct epoll_event e = {.events = events};

	return epoll_ctl(w->fd, EPOLL_CTL_ADD, fd, &e)
		       ? error_errno(err, -errno, NULL, "cannot watch a file descriptor")
		       : 0;
}

/*
 * The folder of names may be made later, and removed, and made again. To watch what is
 * watched already changes nothing.
 */
static void watch_names(struct linkwatch *w)
{
	__u32 events = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;

	if (inotify_add_watch(w->files, NAMES, events) < 0)
		w->above = inotify_add_watch(w->files, ABOVE_NAMES, IN_CREATE | IN_MOVED_TO);
	if (inotify_add_watch(w->files, NAMES, events) < 0 || w->above < 0)
		return;
	inotify_rm_watch(w->files, w->above);
	w->above = -1;
}

int linkwatch_open(struct linkwatch *ret, struct braid_error *err)
{
	_cleanup_(linkwatch_done) struct linkwatch w = LINKWATCH_INIT;
	int r;

	w.fd = epoll_create1(EPOLL_CLOEXEC);
	w.mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	w.files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w.fd < 0 || w.mounts < 0 || w.files < 0)
		return error_errno(err, -errno, NULL, "cannot watch for network namespaces");
	r = watch_fd(&w, w.mounts, EPOLLPRI, err) ?: watch_fd(&w, w.files, EPOLLIN, err);
	if (r)
		return r;
	watch_names(&w);
	*ret = w;
	w = (struct linkwatch)LINKWATCH_INIT;
	return 0;
}

void linkwatch_done(struct linkwatch *w)
{
	array_foreach (ns, &w->list)
		closep(&ns->fd);
	array_done(&w->list);
	closep(&w->fd);
	closep(&w->mounts);
	closep(&w->files);
}

int linkwatch_file(struct linkwatch *w, const char *path, struct braid_error *err)
{
	return inotify_add_watch(w->files, path, IN_MODIFY) < 0
		       ? error_errno(err, -errno, path, "cannot watch this file")
		       : 0;
}

void linkwatch_begin(struct linkwatch *w)
{
	array_foreach (ns, &w->list)
		ns->added = false;
}

int linkwatch_add(struct linkwatch *w, const struct netns *ns, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	struct sockaddr_nl links = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	_cleanup_close_ int fd = -1;
	int r;

	array_foreach (have, &w->list)
		if (have->cookie == ns->cookie) {
			have->added = true;
			return 0;
		}
	r = netns_enter(ns, &guard, err);
	if (r)
		return r;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0 || bind(fd, (struct sockaddr *)&links, sizeof(links)))
		return error_errno(err, -errno, NULL, "cannot watch interfaces in netns '%s'",
				   ns->name);
	r = watch_fd(w, fd, EPOLLIN, err);
	if (r)
		return r;
	if (!array_add(&w->list, ((struct linkwatch_ns){ns->cookie, fd, true})))
		return error_oom(err);
	fd = -1;
	return 0;
}

void linkwatch_end(struct linkwatch *w)
{
	size_t kept = 0;

	array_foreach (ns, &w->list)
		if (ns->added)
			w->list.v[kept++] = *ns;
		else
			closep(&ns->fd);
	w->list.n = kept;
}

void linkwatch_drain(struct linkwatch *w)
{
	struct pollfd mounts = {.fd = w->mounts, .events = POLLPRI};
	char ignored[4096];

	poll(&mounts, 1, 0); /* asking is what resets it */
	while (read(w->files, ignored, sizeof(ignored)) > 0)
		;
	/* ENOBUFS, when there was too much to keep, is no more than another event */
	array_foreach (ns, &w->list)
		while (recv(ns->fd, ignored, sizeof(ignored), 0) >= 0 || errno == ENOBUFS)
			;
	watch_names(w);
}
