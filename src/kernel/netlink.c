/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

enum { ANSWER_SIZE = 32768 /* what the kernel fills at most */, DUMP_TRIES = 10 };

void netlink_begin(struct netlink_request *req, unsigned short type, unsigned short flags,
		   const void *family, size_t size)
{
	*req = (struct netlink_request){
		.head.nlmsg_len = NLMSG_LENGTH(size),
		.head.nlmsg_type = type,
		.head.nlmsg_flags = NLM_F_REQUEST | flags,
	};
	memcpy(req->body, family, size);
}

struct rtattr *netlink_put(struct netlink_request *req, unsigned short type, const void *data,
			   size_t size)
{
	size_t start = NLMSG_ALIGN(req->head.nlmsg_len);
	struct rtattr *at = (void *)((char *)req + start);

	if (start + RTA_SPACE(size) > sizeof(*req))
		abort();
	at->rta_type = type;
	at->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(at), data, size);
	req->head.nlmsg_len = start + RTA_LENGTH(size);
	return at;
}

struct rtattr *netlink_nest(struct netlink_request *req, unsigned short type)
{
	return netlink_put(req, type | NLA_F_NESTED, NULL, 0);
}

void netlink_nest_end(struct netlink_request *req, struct rtattr *nest)
{
	nest->rta_len = (char *)req + req->head.nlmsg_len - (char *)nest;
}

/* The text among the attributes that follow an error, @at bytes into @msg. */
static char *find_message(const struct nlmsghdr *msg, size_t at)
{
	while (at + sizeof(struct nlattr) <= msg->nlmsg_len) {
		const struct nlattr *attr = (const void *)((const char *)msg + at);

		if (attr->nla_len < sizeof(*attr) || attr->nla_len > msg->nlmsg_len - at)
			break;
		if (attr->nla_type == NLMSGERR_ATTR_MSG)
			return strndup((const char *)(attr + 1), attr->nla_len - sizeof(*attr));
		at += NLA_ALIGN(attr->nla_len);
	}
	return NULL;
}

/* The last message of an answer. Return: what the kernel says; -EBADMSG. */
static int read_end(const struct nlmsghdr *msg, char **ret_message)
{
	const struct nlmsgerr *e = NLMSG_DATA(msg);
	bool is_error = msg->nlmsg_type == NLMSG_ERROR; /* else the end of a list: a number only */
	size_t at = NLMSG_HDRLEN + (is_error ? sizeof(*e) : NLMSG_ALIGN(sizeof(e->error)));

	if (msg->nlmsg_len < at)
		return is_error ? -EBADMSG : 0;
	if (is_error && !(msg->nlmsg_flags & NLM_F_CAPPED))
		at += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (e->error && msg->nlmsg_flags & NLM_F_ACK_TLVS)
		*ret_message = find_message(msg, at);
	return e->error;
}

static int send_request(const struct netlink_request *req, int *ret_fd)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int yes = 1;

	if (fd < 0)
		return -errno;
	/* without these the answer repeats the request, or says no more than a number */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof(yes));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof(yes));
	if (send(fd, req, req->head.nlmsg_len, 0) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static ssize_t receive(int fd, void *answer, size_t size)
{
	ssize_t n;

	do
		n = recv(fd, answer, size, MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n > (ssize_t)size ? -EMSGSIZE : n;
}

/* Return: 0, also when the list changed while it was read: then @ret_again. */
static int ask_once(const struct netlink_request *req,
		    int (*each)(void *ctx, const struct nlmsghdr *msg), void *ctx, bool *ret_again,
		    char **ret_message)
{
	_cleanup_free_ char *answer = malloc(ANSWER_SIZE);
	_cleanup_close_ int fd = -1;
	int r = send_request(req, &fd);

	if (!answer)
		return -ENOMEM;
	while (!r) {
		ssize_t n = receive(fd, answer, ANSWER_SIZE);
		struct nlmsghdr *msg = (void *)answer;

		if (n < 0)
			return n;
		if (!NLMSG_OK(msg, n))
			return -EBADMSG;
		for (; !r && NLMSG_OK(msg, n); msg = NLMSG_NEXT(msg, n)) {
			*ret_again |= !!(msg->nlmsg_flags & NLM_F_DUMP_INTR);
			if (msg->nlmsg_type == NLMSG_ERROR || msg->nlmsg_type == NLMSG_DONE)
				return read_end(msg, ret_message);
			r = each(ctx, msg);
		}
	}
	return r;
}

int netlink_ask(struct netlink_request *req, int (*each)(void *ctx, const struct nlmsghdr *msg),
		void *ctx, char **ret_message)
{
	/* a single answer has no end of its own */
	if ((req->head.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		req->head.nlmsg_flags |= NLM_F_ACK;
	for (int i = 0; i < DUMP_TRIES; i++) {
		bool again = false;
		int r = ask_once(req, each, ctx, &again, ret_message);

		if (r || !again)
			return r;
		r = each(ctx, NULL);
		if (r)
			return r;
	}
	return -EAGAIN;
}

static int nothing(void *ctx, const struct nlmsghdr *msg)
{
	return 0;
}

int netlink_talk(struct netlink_request *req, char **ret_message)
{
	return netlink_ask(req, nothing, NULL, ret_message);
}

struct netlink_attrs netlink_attrs(const struct nlmsghdr *msg, size_t size)
{
	if (msg->nlmsg_len < NLMSG_SPACE(size))
		return (struct netlink_attrs){};
	return (struct netlink_attrs){
		.first = (const void *)((const char *)msg + NLMSG_SPACE(size)),
		.size = msg->nlmsg_len - NLMSG_SPACE(size),
	};
}

struct netlink_attrs netlink_inside(const struct rtattr *nest)
{
	if (!nest)
		return (struct netlink_attrs){};
	return (struct netlink_attrs){.first = RTA_DATA(nest), .size = RTA_PAYLOAD(nest)};
}

const struct rtattr *netlink_get(struct netlink_attrs attrs, unsigned short type, size_t size)
{
	const struct rtattr *at = attrs.first;
	int left = attrs.size;

	if (!at)
		return NULL;
	for (; RTA_OK(at, left); at = RTA_NEXT(at, left))
		if ((at->rta_type & NLA_TYPE_MASK) == type)
			return RTA_PAYLOAD(at) >= size ? at : NULL;
	return NULL;
}

__u32 netlink_get_u32(struct netlink_attrs attrs, unsigned short type)
{
	const struct rtattr *at = netlink_get(attrs, type, sizeof(__u32));
	__u32 value = 0;

	if (at)
		memcpy(&value, RTA_DATA(at), sizeof(value));
	return value;
}

void netlink_get_text(struct netlink_attrs attrs, unsigned short type, char *ret, size_t size)
{
	const struct rtattr *at = netlink_get(attrs, type, 1);
	size_t n = at ? strnlen(RTA_DATA(at), RTA_PAYLOAD(at)) : 0;

	if (n >= size)
		n = size - 1;
	if (n)
		memcpy(ret, RTA_DATA(at), n);
	ret[n] = '\0';
}
