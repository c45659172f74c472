/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/xdp_features.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/iface.h"
#include "kernel/netlink.h"

/* Of family "netdev", which Debian 12's headers do not have yet. */
enum { DEV_GET = 1, DEV_IFINDEX = 1, DEV_XDP_FEATURES = 3 };

enum { ANSWER_SIZE = 8192 };

static void begin(struct netlink_request *req, unsigned short family, __u8 command)
{
	struct genlmsghdr head = {.cmd = command, .version = 1};

	netlink_begin(req, family, 0, &head, sizeof(head));
}

/* @answer: of ANSWER_SIZE bytes. */
static int ask(const struct netlink_request *req, struct nlmsghdr *answer)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	ssize_t n = -1;

	if (fd < 0 || send(fd, req, req->head.nlmsg_len, 0) < 0)
		return -errno;
	do
		n = recv(fd, answer, ANSWER_SIZE, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (!NLMSG_OK(answer, n))
		return -EBADMSG;
	if (answer->nlmsg_type != NLMSG_ERROR)
		return 0;
	if (answer->nlmsg_len < NLMSG_LENGTH(sizeof(int)))
		return -EBADMSG;
	return *(const int *)NLMSG_DATA(answer) ?: -EBADMSG;
}

static int find_family(struct nlmsghdr *answer, unsigned short *ret)
{
	struct netlink_request req;
	const struct rtattr *id;
	int r;

	begin(&req, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	netlink_put(&req, CTRL_ATTR_FAMILY_NAME, "netdev", sizeof("netdev"));
	r = ask(&req, answer);
	if (r)
		return r == -ENOENT ? -EOPNOTSUPP : r;
	id = netlink_get(netlink_attrs(answer, sizeof(struct genlmsghdr)), CTRL_ATTR_FAMILY_ID,
			 sizeof(*ret));
	if (!id)
		return -EBADMSG;
	memcpy(ret, RTA_DATA(id), sizeof(*ret));
	return 0;
}

/* Acts in the network namespace of the calling thread. */
static int read_features(__u32 ifindex, __u64 *ret)
{
	_cleanup_free_ struct nlmsghdr *answer = malloc(ANSWER_SIZE);
	struct netlink_request req;
	const struct rtattr *features;
	unsigned short family;
	int r = answer ? find_family(answer, &family) : -ENOMEM;

	if (r)
		return r;
	begin(&req, family, DEV_GET);
	netlink_put(&req, DEV_IFINDEX, &ifindex, sizeof(ifindex));
	r = ask(&req, answer);
	if (r)
		return r;
	features = netlink_get(netlink_attrs(answer, sizeof(struct genlmsghdr)), DEV_XDP_FEATURES,
			       sizeof(*ret));
	if (!features)
		return -EBADMSG;
	memcpy(ret, RTA_DATA(features), sizeof(*ret));
	return 0;
}

int xdp_features_read(const struct netns *ns, __u32 ifindex, __u64 *ret, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_free_ char *where = iface_where(ns, ifindex);
	int r = netns_enter(ns, &guard, err);

	if (r)
		return r;
	r = read_features(ifindex, ret);
	if (!r)
		return 0;
	error_errno(err, r, where, "cannot ask what the driver can do with XDP");
	if (r == -EOPNOTSUPP)
		error_why(err, "the kernel does not tell (it does since Linux 6.3)");
	return r;
}
