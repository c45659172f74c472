/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Readers of libxdp ask what is attached, open that program, and only then wait for the lock to
 * read its pins. One that finds them gone takes the dispatcher for a program of its own, and
 * gives up. So the pins of an old dispatcher stay until nobody is on the way to them. Who
 * reads them though they are old is told by the kernel at its own exchange, and begins again.
 */
#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "dispatch/inside.h"
#include "kernel/owner.h"

enum {
	PAUSE_NS = 5000000,
	SHORT = 20, /* pauses, for who has the program open; it may have read already */
	LONG = 800, /* for who waits for the lock */
};

/* "2: -> FLOCK  ADVISORY  WRITE 4711 00:1c:1027 0 EOF": does @pid wait for the lock of @st? */
static bool waits(const struct stat *st, __u32 pid)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/locks", "re");
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0) {
		unsigned int who, major, minor;
		unsigned long ino;

		if (sscanf(line, "%*s -> FLOCK %*s %*s %u %x:%x:%lu", &who, &major, &minor, &ino) ==
			    4 &&
		    who == pid && makedev(major, minor) == st->st_dev && ino == st->st_ino)
			return true;
	}
	return false;
}

/* Is somebody on the way to the pins of @id, who is to be waited for after that many pauses? */
static bool is_awaited(const struct stat *st, __u32 id, int pauses)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_(owners_done) struct owners o = {};

	if (owners_read(NULL, &o, &ignored))
		return false;
	owners_foreach(h, &o, id, 0)
	{
		if (h->pid != (__u32)getpid() && (pauses < SHORT || waits(st, h->pid)))
			return true;
	}
	return false;
}

void dispatch_lock_yield(const struct dispatch_lock *l, __u32 id)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct stat st;

	if (!id || fstat(l->fd, &st))
		return;
	flock(l->fd, LOCK_UN);
	for (int i = 0; i < LONG && is_awaited(&st, id, i); i++)
		nanosleep(&pause, NULL);
	while (flock(l->fd, LOCK_EX) && errno == EINTR)
		;
}
