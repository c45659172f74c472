/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/rtnl.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

struct request {
	struct nlmsghdr head;
	struct ifinfomsg link;
	char attributes[64];
};

static struct rtattr *put(struct request *req, unsigned short type, const void *data, size_t size)
{
	struct rtattr *at = (void *)((char *)req + NLMSG_ALIGN(req->head.nlmsg_len));

	at->rta_type = type;
	at->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(at), data, size);
	req->head.nlmsg_len = NLMSG_ALIGN(req->head.nlmsg_len) + RTA_LENGTH(size);
	return at;
}

/* The text among the attributes behind the error; @size counts from @msg. */
static char *find_message(const struct nlmsghdr *msg, size_t size)
{
	const struct nlmsgerr *e = NLMSG_DATA(msg);
	size_t at = NLMSG_HDRLEN + sizeof(*e);

	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(msg->nlmsg_flags & NLM_F_CAPPED))
		at += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	while (at + sizeof(struct nlattr) <= size) {
		const struct nlattr *attr = (const void *)((const char *)msg + at);

		if (attr->nla_len < sizeof(*attr) || attr->nla_len > size - at)
			break;
		if (attr->nla_type == NLMSGERR_ATTR_MSG)
			return strndup((const char *)(attr + 1), attr->nla_len - sizeof(*attr));
		at += NLA_ALIGN(attr->nla_len);
	}
	return NULL;
}

/* Sends @req and reads its acknowledgement. */
static int talk(const struct request *req, char **ret_message)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	_Alignas(struct nlmsghdr) char answer[1024];
	struct nlmsghdr *msg = (void *)answer;
	struct nlmsgerr *e = NLMSG_DATA(msg);
	int yes = 1;
	ssize_t n;

	if (fd < 0)
		return -errno;
	/* without these the answer repeats the request, or says no more than a number */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof(yes));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof(yes));
	if (send(fd, req, req->head.nlmsg_len, 0) < 0)
		return -errno;
	do
		n = recv(fd, answer, sizeof(answer), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n < (ssize_t)(NLMSG_HDRLEN + sizeof(*e)) || msg->nlmsg_type != NLMSG_ERROR)
		return -EBADMSG;
	if (e->error)
		*ret_message = find_message(msg, n);
	return e->error;
}

static int set_xdp(__u32 ifindex, int fd, int expected_fd, __u32 flags, char **ret_message)
{
	struct rtattr *nest;
	struct request req = {
		.head.nlmsg_len = NLMSG_LENGTH(sizeof(req.link)),
		.head.nlmsg_type = RTM_SETLINK,
		.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.link.ifi_family = AF_UNSPEC,
		.link.ifi_index = ifindex,
	};

	nest = put(&req, IFLA_XDP | NLA_F_NESTED, NULL, 0);
	put(&req, IFLA_XDP_FD, &fd, sizeof(fd));
	put(&req, IFLA_XDP_FLAGS, &flags, sizeof(flags));
	if (flags & XDP_FLAGS_REPLACE)
		put(&req, IFLA_XDP_EXPECTED_FD, &expected_fd, sizeof(expected_fd));
	nest->rta_len = (char *)&req + req.head.nlmsg_len - (char *)nest;
	return talk(&req, ret_message);
}

int rtnl_xdp_detach(__u32 ifindex, int expected_fd, __u32 mode_flag, char **ret_message)
{
	return set_xdp(ifindex, -1, expected_fd, mode_flag | XDP_FLAGS_REPLACE, ret_message);
}

int rtnl_xdp_attach(__u32 ifindex, int fd, __u32 mode_flag, char **ret_message)
{
	return set_xdp(ifindex, fd, -1, mode_flag | XDP_FLAGS_UPDATE_IF_NOEXIST, ret_message);
}
