/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Waiting for interfaces: one file descriptor that becomes readable when, in one of the
 * network namespaces that are followed, an interface came, went or changed its name, or
 * when a namespace got a name or lost it. What it was is not told: whoever waits looks
 * again, and then nothing that was missed matters.
 */
#pragma once

#include "base/array.h"
#include "kernel/netns.h"

struct linkwatch_ns {
	__u64 cookie;
	int fd;     /* rtnetlink, made inside; it keeps the namespace alive */
	bool added; /* since linkwatch_begin() */
};

struct linkwatch {
	int fd;     /* epoll: poll() it for POLLIN */
	int mounts; /* a namespace gets its name by a mount, which inotify does not see */
	int files;  /* inotify: names that are symbolic links, and linkwatch_file() */
	int above;  /* of @files: the folder above, while there is none for names; -1 */
	ARRAY(struct linkwatch_ns) list;
};

#define LINKWATCH_INIT                                                                             \
	{                                                                                          \
		.fd = -1, .mounts = -1, .files = -1, .above = -1                                   \
	}

/** linkwatch_open() - from now on names of namespaces are watched. @ret: linkwatch_done() it. */
int linkwatch_open(struct linkwatch *ret, struct braid_error *err);
void linkwatch_done(struct linkwatch *w);

/** linkwatch_file() - also when file @path is written. */
int linkwatch_file(struct linkwatch *w, const char *path, struct braid_error *err);

/*
 * Which namespaces to follow: those that are added between linkwatch_begin() and
 * linkwatch_end(). One that is followed cannot end, so that others must be let go: what
 * was added before and is not added again is no longer followed behind linkwatch_end().
 */
void linkwatch_begin(struct linkwatch *w);
/** linkwatch_add() - Needs: CAP_SYS_ADMIN for namespaces other than the caller's. */
int linkwatch_add(struct linkwatch *w, const struct netns *ns, struct braid_error *err);
void linkwatch_end(struct linkwatch *w);

/** linkwatch_drain() - forget what has been seen: the fd is readable when there is more. */
void linkwatch_drain(struct linkwatch *w);
