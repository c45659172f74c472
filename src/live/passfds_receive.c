/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The receiving end of a socket. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/text.h"
#include "braid/fds.h"
#include "live/live.h"
#include "live/passfds.h"

struct received {
	char *text; /* what it is */
	json_t *j;  /* the same */
	int fd;
};

struct braid_fds {
	ARRAY(struct received) list;
};

void braid_fds_free(struct braid_fds *f)
{
	if (!f)
		return;
	array_foreach (d, &f->list) {
		free(d->text);
		json_decref(d->j);
		closep(&d->fd);
	}
	array_done(&f->list);
	free(f);
}

DEFINE_CLEANUP(struct braid_fds *, braid_fds_free)

/* A message that is being received. */
struct message {
	struct buf text;
	ARRAY(int) fds; /* owned */
};

static void message_done(struct message *m)
{
	buf_done(&m->text);
	array_foreach (fd, &m->fds)
		closep(fd);
	array_done(&m->fds);
}

static int broken(int code, const char *why, struct braid_error *err)
{
	error_set(err, code, NULL, "cannot receive descriptors");
	error_why(err, "%s", why);
	return code;
}

static int keep_fds(struct message *m, struct msghdr *msg, struct braid_error *err)
{
	int r = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (array_add(&m->fds, fd))
				continue;
			close(fd);
			r = error_oom(err);
		}
	}
	if (!r && msg->msg_flags & MSG_CTRUNC)
		return broken(-EMFILE, "this process may not open that many files", err);
	return r;
}

/* Exactly @n bytes, which are there; and what comes with them. */
static int take_bytes(int socket, struct message *m, size_t n, struct braid_error *err)
{
	_cleanup_free_ char *bytes = malloc(n);
	union {
		struct cmsghdr head; /* for its alignment */
		char room[CMSG_SPACE(PASSFDS_MAX_FDS * sizeof(int))];
	} control;
	struct iovec part = {.iov_base = bytes, .iov_len = n};
	struct msghdr msg = {.msg_iov = &part,
			     .msg_iovlen = 1,
			     .msg_control = control.room,
			     .msg_controllen = sizeof(control.room)};
	ssize_t got = bytes ? recvmsg(socket, &msg, MSG_CMSG_CLOEXEC) : -ENOMEM;
	int r;

	if (!bytes)
		return error_oom(err);
	if (got < 0)
		return broken(-errno, error_name(-errno), err);
	r = keep_fds(m, &msg, err);
	return r ?: buf_add(&m->text, bytes, got) ? error_oom(err) : 0;
}

/* How many bytes there are, without taking them; waits for the first. 0: the other end is closed.
 */
static ssize_t look(int socket, char *bytes, size_t room)
{
	for (;;) {
		struct pollfd p = {.fd = socket, .events = POLLIN};
		ssize_t n = recv(socket, bytes, room, MSG_PEEK);

		if (n >= 0)
			return n;
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
		if (errno == EAGAIN)
			poll(&p, 1, -1);
	}
}

/*
 * A line, and nothing behind it: what comes next may be for somebody else. So bytes are looked
 * at before they are taken, and taken only up to where the line ends.
 */
static int receive_line(int socket, struct message *m, struct braid_error *err)
{
	_cleanup_free_ char *seen = malloc(PASSFDS_MAX_TEXT);

	while (seen) {
		ssize_t n = look(socket, seen, PASSFDS_MAX_TEXT);
		const char *end = n > 0 ? memchr(seen, '\n', n) : NULL;
		int r;

		if (n < 0)
			return broken(n, error_name(n), err);
		if (n == 0)
			return broken(-ECONNRESET, "the sender ended before it had sent all", err);
		r = take_bytes(socket, m, end ? end + 1 - seen : n, err);
		if (r || end)
			return r;
		if (m->text.n > PASSFDS_MAX_TEXT)
			return broken(-EPROTO, "a message is too long", err);
	}
	return error_oom(err);
}

/* The descriptors of a message become ours, if there are as many as it says. */
static int add_all(struct braid_fds *f, struct message *m, const json_t *list,
		   struct braid_error *err)
{
	json_t *j;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) != m->fds.n)
		return broken(-EPROTO, "a message has other descriptors than it says", err);
	json_array_foreach (list, i, j) {
		struct received *d = array_push(&f->list);

		if (!d)
			return error_oom(err);
		d->fd = TAKE_FD(m->fds.v[i]);
		d->j = json_incref(j);
		d->text = json_dumps(j, JSON_COMPACT);
		if (!d->text)
			return error_oom(err);
	}
	return 0;
}

static const char *text_of(const json_t *j, const char *name)
{
	return json_string_value(json_object_get(j, name));
}

/* The sender's own error. */
static int failed_there(const json_t *j, struct braid_error *err)
{
	int code = json_integer_value(json_object_get(j, "code"));

	if (code >= 0)
		return broken(-EPROTO, "the sender failed, and does not say with what", err);
	error_set(err, code, text_of(j, "where"), "%s", text_of(j, "what") ?: error_name(code));
	if (text_of(j, "why"))
		error_why(err, "%s", text_of(j, "why"));
	if (text_of(j, "hint"))
		error_hint(err, "%s", text_of(j, "hint"));
	return code;
}

/* @ret_end: that was the mark. */
static int receive_one(int socket, struct braid_fds *f, bool *ret_end, struct braid_error *err)
{
	_cleanup_(message_done) struct message m = {};
	_cleanup_json_ json_t *j = NULL;
	int r = receive_line(socket, &m, err);

	if (r)
		return r;
	j = json_loadb(m.text.v, m.text.n, 0, NULL);
	if (json_integer_value(json_object_get(j, "braid-fds")) != PASSFDS_VERSION)
		return broken(-EPROTO, "what came is none of braid's messages that are known here",
			      err);
	*ret_end = json_is_true(json_object_get(j, "end"));
	if (json_object_get(j, "error"))
		return failed_there(json_object_get(j, "error"), err);
	return *ret_end ? 0 : add_all(f, &m, json_object_get(j, "descriptors"), err);
}

int braid_fds_receive(int socket, struct braid_fds **ret, struct braid_error *err)
{
	_cleanup_(braid_fds_freep) struct braid_fds *f = NULL;
	bool end = false;
	ERROR_SCRATCH(err);
	int r = braid_fds_check(socket, err);

	/* a sender may have sent all and gone */
	if (r && r != -ENOTCONN)
		return r;
	f = calloc(1, sizeof(*f));
	if (!f)
		return error_oom(err);
	for (r = 0; !r && !end;)
		r = receive_one(socket, f, &end, err);
	if (r)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

size_t braid_fds_count(const struct braid_fds *f)
{
	return f->list.n;
}

const char *braid_fds_json(const struct braid_fds *f, size_t i)
{
	return i < f->list.n ? f->list.v[i].text : NULL;
}

int braid_fds_get(const struct braid_fds *f, size_t i)
{
	return i < f->list.n ? f->list.v[i].fd : -1;
}

int braid_fds_take(struct braid_fds *f, size_t i)
{
	return i < f->list.n ? TAKE_FD(f->list.v[i].fd) : -1;
}

/* NULL matches all. */
static bool matches(const char *wanted, const char *is)
{
	return !wanted || text_eq(wanted, is);
}

long braid_fds_find(const struct braid_fds *f, const char *kind, const char *owner,
		    const char *stage, const char *name)
{
	for (size_t i = 0; i < f->list.n; i++) {
		const json_t *j = f->list.v[i].j;

		if (text_eq(kind, text_of(j, "kind")) && matches(stage, text_of(j, "stage")) &&
		    matches(owner, text_of(j, "pipeline") ?: text_of(j, "interface")) &&
		    matches(name, text_of(j, "name")))
			return i;
	}
	return -1;
}
