/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/rtnl.h"

#include <errno.h>
#include <linux/if_link.h>
#include <sys/socket.h>

#include "kernel/netlink.h"

static int set_xdp(__u32 ifindex, int fd, int expected_fd, __u32 flags, char **ret_message)
{
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex};
	struct netlink_request req;
	struct rtattr *nest;

	netlink_begin(&req, RTM_SETLINK, 0, &link, sizeof(link));
	nest = netlink_nest(&req, IFLA_XDP);
	netlink_put(&req, IFLA_XDP_FD, &fd, sizeof(fd));
	netlink_put(&req, IFLA_XDP_FLAGS, &flags, sizeof(flags));
	if (flags & XDP_FLAGS_REPLACE)
		netlink_put(&req, IFLA_XDP_EXPECTED_FD, &expected_fd, sizeof(expected_fd));
	netlink_nest_end(&req, nest);
	return netlink_talk(&req, ret_message);
}

int rtnl_xdp_detach(__u32 ifindex, int expected_fd, __u32 mode_flag, char **ret_message)
{
	return set_xdp(ifindex, -1, expected_fd, mode_flag | XDP_FLAGS_REPLACE, ret_message);
}

int rtnl_xdp_attach(__u32 ifindex, int fd, __u32 mode_flag, char **ret_message)
{
	return set_xdp(ifindex, fd, -1, mode_flag | XDP_FLAGS_UPDATE_IF_NOEXIST, ret_message);
}

int rtnl_xdp_replace(__u32 ifindex, int expected_fd, int fd, __u32 mode_flag, char **ret_message)
{
	return set_xdp(ifindex, fd, expected_fd, mode_flag | XDP_FLAGS_REPLACE, ret_message);
}

/* One mode only has no list of ids by mode in older kernels. */
static void read_ids(struct netlink_attrs xdp, struct rtnl_xdp *ret)
{
	const struct rtattr *at = netlink_get(xdp, IFLA_XDP_ATTACHED, 1);
	__u8 attached = at ? *(__u8 *)RTA_DATA(at) : XDP_ATTACHED_NONE;
	__u32 id = netlink_get_u32(xdp, IFLA_XDP_PROG_ID);

	ret->native_id = netlink_get_u32(xdp, IFLA_XDP_DRV_PROG_ID);
	ret->generic_id = netlink_get_u32(xdp, IFLA_XDP_SKB_PROG_ID);
	ret->hardware_id = netlink_get_u32(xdp, IFLA_XDP_HW_PROG_ID);
	if (attached == XDP_ATTACHED_DRV)
		ret->native_id = id;
	else if (attached == XDP_ATTACHED_SKB)
		ret->generic_id = id;
	else if (attached == XDP_ATTACHED_HW)
		ret->hardware_id = id;
}

static int read_link(void *ctx, const struct nlmsghdr *msg)
{
	struct rtnl_xdps *all = ctx;
	const struct ifinfomsg *link;
	struct rtnl_xdp one = {};
	struct netlink_attrs attrs;

	if (!msg) {
		all->list.n = 0;
		return 0;
	}
	if (msg->nlmsg_type != RTM_NEWLINK || msg->nlmsg_len < NLMSG_LENGTH(sizeof(*link)))
		return 0;
	link = NLMSG_DATA(msg);
	attrs = netlink_attrs(msg, sizeof(*link));
	one.ifindex = link->ifi_index;
	netlink_get_text(attrs, IFLA_IFNAME, one.name, sizeof(one.name));
	read_ids(netlink_inside(netlink_get(attrs, IFLA_XDP, 0)), &one);
	if (!one.native_id && !one.generic_id && !one.hardware_id)
		return 0;
	return array_add(&all->list, one) ? 0 : -ENOMEM;
}

int rtnl_xdp_list(struct rtnl_xdps *ret, char **ret_message)
{
	struct ifinfomsg all = {.ifi_family = AF_UNSPEC};
	struct rtnl_xdps found = {};
	struct netlink_request req;
	int r;

	netlink_begin(&req, RTM_GETLINK, NLM_F_DUMP, &all, sizeof(all));
	r = netlink_ask(&req, read_link, &found, ret_message);
	if (r) {
		array_done(&found.list);
		return r;
	}
	*ret = found;
	return 0;
}
