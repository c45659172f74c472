/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/db.h"

#define POLL_NS 20000000 /* flock() knows no deadline, and a library sets no signals */

/* "PID COMMAND", by whoever has the lock; empty for a moment after they got it. */
static int held(int fd, const char *path, struct braid_error *err)
{
	char text[512], *command = NULL;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	command = strchr(text, ' ');
	error_set(err, -EBUSY, path, "another command is at work");
	if (command) {
		*command++ = '\0';
		error_why(err, "process %s: %s", text, command);
	}
	error_hint(err, "try again when it has finished");
	return -EBUSY;
}

/* Waits for @fd's lock. Return: 0; -EWOULDBLOCK time is up; negative errno. */
static int wait_for(int fd, __u64 timeout_ns)
{
	__u64 start = clock_ns(CLOCK_MONOTONIC);

	for (;;) {
		struct timespec pause = {.tv_nsec = POLL_NS};
		__u64 spent;

		if (!flock(fd, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK)
			return -errno;
		spent = clock_ns(CLOCK_MONOTONIC) - start;
		if (spent >= timeout_ns)
			return -EWOULDBLOCK;
		if (timeout_ns - spent < POLL_NS)
			pause.tv_nsec = timeout_ns - spent;
		nanosleep(&pause, NULL);
	}
}

int store_lock(struct store *s, const char *command, __u64 timeout_ns, struct braid_error *err)
{
	_cleanup_free_ char *path = text_fmt("%s/lock", s->folder);
	_cleanup_close_ int fd = -1;
	int r;

	if (!path)
		return error_oom(err);
	if (s->lock_fd >= 0) {
		s->locks++;
		return 0;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(err, -errno, path, "cannot lock the store");
	r = wait_for(fd, timeout_ns);
	if (r == -EWOULDBLOCK)
		return held(fd, path, err);
	if (r)
		return error_errno(err, r, path, "cannot lock the store");
	/* who has it is a courtesy: a full disk is no reason to fail */
	if (!ftruncate(fd, 0))
		(void)!dprintf(fd, "%d %s\n", getpid(), command);
	s->lock_fd = TAKE_FD(fd);
	s->locks = 1;
	return 0;
}

void store_unlock(struct store *s)
{
	if (s->lock_fd < 0 || --s->locks)
		return;
	(void)!ftruncate(s->lock_fd, 0);
	/* not left to close(): a forked child may still have it open */
	flock(s->lock_fd, LOCK_UN);
	close(s->lock_fd);
	s->lock_fd = -1;
}
