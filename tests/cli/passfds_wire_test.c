/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors over sockets of both kinds: all of them arrive, each with its description; and
 * what a receiver is told when they do not. No privilege: the descriptors are those of files.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "braid/fds.h"
#include "live/passfds.h"
#include "tap.h"

static void make_pair(int type, int ret[2])
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ret))
		bail_out("socketpair: %s", strerror(errno));
}

/* File @i of the test: an unlinked one with @i bytes. */
static int make_file(size_t i)
{
	int fd = memfd_create("passed", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, i))
		bail_out("memfd: %s", strerror(errno));
	return fd;
}

static size_t file_size(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? (size_t)-1 : (size_t)st.st_size;
}

struct sender {
	int socket;
	size_t n;
	int status;
};

/* Sends @n files, and the mark; in a thread, since a socket holds only so much. */
static void *send_files(void *arg)
{
	struct sender *s = arg;
	_cleanup_passfds_ struct passfds p = {};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

	for (size_t i = 0; i < s->n && !s->status; i++)
		s->status = passfds_add(&p, make_file(i),
					json_pack("{s:s, s:s, s:I}", "kind", "map", "name", "file",
						  "number", (json_int_t)i),
					&err);
	s->status = s->status ?: passfds_send(&p, s->socket, &err);
	s->status = s->status ?: braid_fds_send_end(s->socket, NULL, &err);
	return NULL;
}

/* All @n arrive in their order. */
static void test_files(int type, const char *what, size_t n)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_fds *f = NULL;
	struct sender s = {.n = n};
	size_t wrong = 0;
	pthread_t thread;
	int ends[2];

	make_pair(type, ends);
	s.socket = ends[1];
	pthread_create(&thread, NULL, send_files, &s);
	if (!is_int(braid_fds_receive(ends[0], &f, &err), 0, "%s: %zu descriptors", what, n))
		bail_out("%s: %s", err.what, err.why);
	pthread_join(thread, NULL);
	is_int(s.status, 0, "the sender is done");
	is_int(braid_fds_count(f), n, "all are here");
	for (size_t i = 0; i < braid_fds_count(f); i++) {
		json_t *j = json_loads(braid_fds_json(f, i), 0, NULL);

		wrong += file_size(braid_fds_get(f, i)) != i ||
			 json_integer_value(json_object_get(j, "number")) != (json_int_t)i ||
			 !(fcntl(braid_fds_get(f, i), F_GETFD) & FD_CLOEXEC);
		json_decref(j);
	}
	is_int(wrong, 0, "each is what its description says, and closed on exec");
	braid_fds_free(f);
	close(ends[0]);
	close(ends[1]);
}

/* What is behind the mark belongs to somebody else. */
static void test_behind(int type, const char *what)
{
	struct braid_fds *f = NULL;
	struct sender s = {.n = 3};
	char rest[8] = "";
	int ends[2], fd;

	make_pair(type, ends);
	s.socket = ends[1];
	send_files(&s);
	is_int(send(ends[1], "more", 4, 0), 4, "%s: something behind the mark", what);
	is_int(braid_fds_receive(ends[0], &f, NULL), 0, "the descriptors are received");
	is_int(recv(ends[0], rest, sizeof(rest), 0), 4, "the rest is still there");
	is_str(rest, "more", "unread");
	is_int(braid_fds_find(f, "map", NULL, NULL, "file"), 0, "the first of a name");
	is_int(braid_fds_find(f, "link", NULL, NULL, NULL), -1, "none of that kind");
	is_int(braid_fds_find(f, "map", "edge", NULL, NULL), -1, "none of that owner");
	fd = braid_fds_take(f, 2);
	is_int(file_size(fd), 2, "one is taken");
	is_int(braid_fds_get(f, 2), -1, "once");
	braid_fds_free(f);
	is_int(file_size(fd), 2, "and outlives the rest");
	close(fd);
	close(ends[0]);
	close(ends[1]);
}

static int receive_from(int socket, const char *what, struct braid_error *err)
{
	struct braid_fds *f = NULL;
	int r = braid_fds_receive(socket, &f, err);

	ok(!f, "%s: nothing is returned", what);
	return r;
}

static void test_error(void)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_error failed = {.code = -EBUSY, .what = "something", .hint = "wait"};
	int ends[2];

	make_pair(SOCK_SEQPACKET, ends);
	is_int(braid_fds_send_end(ends[1], &failed, NULL), 0, "the sender says what went wrong");
	is_int(receive_from(ends[0], "an error", &err), -EBUSY, "it is the receiver's error");
	is_str(err.what, "something", "what");
	is_str(err.why, NULL, "no reason");
	is_str(err.hint, "wait", "what to do");
	close(ends[0]);
	close(ends[1]);
}

static void test_gone(void)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct sender s = {.n = 1};
	int ends[2];

	make_pair(SOCK_STREAM, ends);
	send(ends[1], "{\"braid-fds\": 1, \"desc", 22, 0);
	close(ends[1]);
	is_int(receive_from(ends[0], "half a message", &err), -ECONNRESET, "the sender is gone");
	close(ends[0]);

	make_pair(SOCK_SEQPACKET, ends);
	s.socket = ends[1];
	close(ends[0]);
	send_files(&s);
	is_int(s.status, -EPIPE, "the receiver is gone: no signal, an error");
	close(ends[1]);
}

/* A message that is not ours, or not as it says. */
static void test_strange(const char *text, const char *what)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	int ends[2];

	make_pair(SOCK_SEQPACKET, ends);
	if (send(ends[1], text, strlen(text), 0) < 0)
		bail_out("send: %s", strerror(errno));
	is_int(receive_from(ends[0], what, &err), -EPROTO, "%s: refused", what);
	ok(err.why, "with a reason: %s", err.why);
	close(ends[0]);
	close(ends[1]);
}

/* A line without an end is not read for ever. */
static void *send_blanks(void *arg)
{
	static const char blanks[4096];

	while (send(*(int *)arg, blanks, sizeof(blanks), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static void test_endless(void)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	pthread_t thread;
	int ends[2];

	make_pair(SOCK_STREAM, ends);
	pthread_create(&thread, NULL, send_blanks, &ends[1]);
	is_int(receive_from(ends[0], "no end", &err), -EPROTO, "a message that is too long");
	close(ends[0]);
	pthread_join(thread, NULL);
	close(ends[1]);
}

static void test_too_many_files(void)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct sender s = {.n = 20};
	struct rlimit old, few;
	int ends[2], next;

	make_pair(SOCK_STREAM, ends);
	s.socket = ends[1];
	send_files(&s);
	getrlimit(RLIMIT_NOFILE, &old);
	next = dup(0);
	close(next);
	few = (struct rlimit){next + 5, old.rlim_max};
	setrlimit(RLIMIT_NOFILE, &few);
	is_int(receive_from(ends[0], "too many", &err), -EMFILE, "no room for all files");
	setrlimit(RLIMIT_NOFILE, &old);
	is_int(dup(0), next, "those that came are closed");
	close(next);
	close(ends[0]);
	close(ends[1]);
}

static void test_no_socket(void)
{
	int ends[2], file = make_file(0), pipes[2], lonely = socket(AF_UNIX, SOCK_STREAM, 0);

	if (pipe(pipes) || lonely < 0)
		bail_out("pipe, socket: %s", strerror(errno));
	is_int(braid_fds_check(file, NULL), -ENOTSOCK, "a file is no socket");
	is_int(braid_fds_check(pipes[1], NULL), -ENOTSOCK, "nor is a pipe");
	is_int(braid_fds_check(lonely, NULL), -ENOTCONN, "a socket without another end");
	close(lonely);
	is_int(braid_fds_check(lonely, NULL), -EBADF, "a closed one");
	make_pair(SOCK_DGRAM, ends);
	is_int(braid_fds_check(ends[0], NULL), -EPROTOTYPE, "one of datagrams");
	close(ends[0]);
	close(ends[1]);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	is_int(braid_fds_check(ends[0], NULL), -EPROTOTYPE, "one of the network");
	close(ends[0]);
	close(pipes[0]);
	close(pipes[1]);
	close(file);
}

int main(void)
{
	test_files(SOCK_STREAM, "a stream", 3);
	test_files(SOCK_STREAM, "a stream", 600);
	test_files(SOCK_SEQPACKET, "packets", 600);
	test_files(SOCK_SEQPACKET | SOCK_NONBLOCK, "packets, without waiting", 600);
	test_files(SOCK_STREAM | SOCK_NONBLOCK, "a stream, without waiting", PASSFDS_MAX_FDS);
	test_files(SOCK_STREAM, "nothing", 0);
	test_behind(SOCK_STREAM, "a stream");
	test_behind(SOCK_SEQPACKET, "packets");
	test_error();
	test_gone();
	test_strange("hello\n", "no JSON");
	test_strange("{\"braid-fds\": 2, \"end\": true}\n", "another version");
	test_strange("{\"braid-fds\": 1, \"descriptors\": [{}]}\n",
		     "a descriptor that is not there");
	test_strange("{\"braid-fds\": 1, \"end\": true, \"error\": {}}\n", "an empty error");
	test_endless();
	test_too_many_files();
	test_no_socket();
	return done();
}
