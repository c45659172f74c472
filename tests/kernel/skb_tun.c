/* SPDX-License-Identifier: GPL-2.0-only */
/* A tun device in a network namespace. */
#include "skb_tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "net.h"
#include "run.h"
#include "tap.h"

int tun_open(const char *ns, const char *ifname)
{
	struct ifreq req = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	_net_in_(there, ns);
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", ifname);
	if (ioctl(fd, TUNSETIFF, &req))
		bail_out("cannot make a tun device: %s", strerror(errno));
	must_run("ip link set %s up", ifname);
	return fd;
}
