/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The sending end of a socket. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "braid/fds.h"
#include "live/live.h"
#include "live/passfds.h"

static int no_socket(int socket, int code, const char *why, struct braid_error *err)
{
	error_set(err, code, NULL, "file descriptor %d cannot take descriptors", socket);
	error_why(err, "%s", why);
	error_hint(err, "pass one end of socketpair(AF_UNIX, SOCK_SEQPACKET, …)");
	return code;
}

int braid_fds_check(int socket, struct braid_error *err)
{
	int domain, type;
	socklen_t size = sizeof(int);
	struct sockaddr_un peer;
	socklen_t peer_size = sizeof(peer);
	ERROR_SCRATCH(err);

	if (getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size))
		return no_socket(socket, -errno,
				 errno == EBADF ? "it is not open" : "it is no socket", err);
	if (domain != AF_UNIX)
		return no_socket(socket, -EPROTOTYPE, "its address family is not AF_UNIX", err);
	if (getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size))
		return no_socket(socket, -errno, error_name(-errno), err);
	if (type != SOCK_STREAM && type != SOCK_SEQPACKET)
		return no_socket(socket, -EPROTOTYPE, "it is a socket of datagrams", err);
	if (getpeername(socket, (struct sockaddr *)&peer, &peer_size))
		return no_socket(socket, -errno, "it is not connected", err);
	return 0;
}

static int not_sent(int code, struct braid_error *err)
{
	error_set(err, code, NULL, "cannot hand descriptors over");
	error_why(err, "%s", code == -EPIPE ? "the receiver has closed its end" : error_name(code));
	if (code == -ETOOMANYREFS)
		error_hint(err, "the receiver must take some before there can be more");
	else if (code == -EMSGSIZE)
		error_hint(err, "give the socket a larger buffer (SO_SNDBUF)");
	return code;
}

/* A socket may be set not to wait: then we do. */
static int wait_for_room(int socket)
{
	struct pollfd p = {.fd = socket, .events = POLLOUT};

	return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

union control {
	struct cmsghdr head; /* for its alignment */
	char bytes[CMSG_SPACE(PASSFDS_MAX_FDS * sizeof(int))];
};

/* The descriptors go with the first byte. */
static void attach_fds(struct msghdr *msg, union control *c, const int *fds, size_t n)
{
	struct cmsghdr *head;

	msg->msg_control = c->bytes;
	msg->msg_controllen = CMSG_SPACE(n * sizeof(int));
	head = CMSG_FIRSTHDR(msg);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(head), fds, n * sizeof(int));
}

static int send_all(int socket, const char *text, size_t size, const int *fds, size_t n,
		    struct braid_error *err)
{
	union control control = {};
	int r = 0;

	while (size) {
		struct iovec part = {.iov_base = (char *)text, .iov_len = size};
		struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
		ssize_t sent;

		if (n)
			attach_fds(&msg, &control, fds, n);
		sent = sendmsg(socket, &msg, MSG_NOSIGNAL);
		if (sent >= 0) {
			text += sent;
			size -= sent;
			n = 0;
			continue;
		}
		r = errno == EAGAIN ? wait_for_room(socket) : errno == EINTR ? 0 : -errno;
		if (r)
			return not_sent(r, err);
	}
	return 0;
}

/* One message: a line of JSON. @j is taken. */
static int send_message(int socket, json_t *j, const int *fds, size_t n, struct braid_error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	if (!text)
		return error_oom(err);
	size = strlen(text);
	text[size] = '\n'; /* in the place of the NUL */
	return send_all(socket, text, size + 1, fds, n, err);
}

void passfds_done(struct passfds *p)
{
	array_foreach (d, &p->list) {
		closep(&d->fd);
		json_decref(d->description);
	}
	array_done(&p->list);
}

int passfds_add(struct passfds *p, int fd, json_t *description, struct braid_error *err)
{
	_cleanup_free_ char *text = description ? json_dumps(description, JSON_COMPACT) : NULL;
	struct passed d = {fd, description, text ? strlen(text) + 1 : 0};

	if (text && array_add(&p->list, d))
		return 0;
	closep(&fd);
	json_decref(description);
	return error_oom(err);
}

/* How many of the @n make a message. */
static size_t message_length(const struct passed *d, size_t n)
{
	size_t length = 0, size = 0;

	while (length < n && length < PASSFDS_MAX_FDS && size <= PASSFDS_ENOUGH)
		size += d[length++].size;
	return length;
}

static int send_some(const struct passed *d, size_t n, int socket, struct braid_error *err)
{
	json_t *list = json_array();
	int fds[PASSFDS_MAX_FDS];

	for (size_t i = 0; i < n; i++) {
		json_array_append(list, d[i].description);
		fds[i] = d[i].fd;
	}
	return send_message(
		socket, json_pack("{s:i, s:o}", "braid-fds", PASSFDS_VERSION, "descriptors", list),
		fds, n, err);
}

int passfds_send(const struct passfds *p, int socket, struct braid_error *err)
{
	int r = 0;

	for (size_t i = 0, n; i < p->list.n && !r; i += n) {
		n = message_length(p->list.v + i, p->list.n - i);
		r = send_some(p->list.v + i, n, socket, err);
	}
	return r;
}

int braid_fds_send_end(int socket, const struct braid_error *failed, struct braid_error *err)
{
	json_t *j = json_pack("{s:i, s:b}", "braid-fds", PASSFDS_VERSION, "end", 1);
	ERROR_SCRATCH(err);

	if (j && failed)
		json_object_set_new(j, "error",
				    json_pack("{s:i, s:s?, s:s?, s:s?, s:s?}", "code", failed->code,
					      "where", failed->where, "what", failed->what, "why",
					      failed->why, "hint", failed->hint));
	return send_message(socket, j, NULL, 0, err);
}
