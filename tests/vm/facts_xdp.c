/* SPDX-License-Identifier: GPL-2.0-only */
/* XDP on interfaces: links, frames in fragments, programs bound to a device. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "facts.h"
#include "net.h"
#include "tap.h"

#ifndef BPF_F_XDP_DEV_BOUND_ONLY
#define BPF_F_XDP_DEV_BOUND_ONLY (1U << 6) /* since Linux 6.3 */
#endif

static const struct bpf_insn pass[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
	{.code = BPF_JMP | BPF_EXIT},
};

static int load(const struct bpf_prog_load_opts *opts)
{
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "facts", "GPL", pass, 2, opts);

	return fd < 0 ? -errno : fd;
}

static void test_link(int ifindex)
{
	_cleanup_close_ int one = load(NULL), two = load(NULL);
	_cleanup_close_ int link = bpf_link_create(one, ifindex, BPF_XDP, NULL);
	LIBBPF_OPTS(bpf_link_update_opts, wrong, .flags = BPF_F_REPLACE, .old_prog_fd = two);

	if (!fact(link < 0 ? -errno : 0, "XDP link: it attaches"))
		return;
	is_int(bpf_link_update(link, two, &wrong) ? -errno : 0, -EPERM, "BPF_LINK_UPDATE compares");
	is_int(bpf_link_update(link, two, NULL), 0, "and replaces");
}

static void test_flags(int ifindex)
{
	LIBBPF_OPTS(bpf_prog_load_opts, frags, .prog_flags = BPF_F_XDP_HAS_FRAGS);
	LIBBPF_OPTS(bpf_prog_load_opts, bound, .prog_flags = BPF_F_XDP_DEV_BOUND_ONLY,
		    .prog_ifindex = ifindex);
	_cleanup_close_ int fragged = load(&frags), own = load(&bound);

	if (fact(fragged < 0 ? fragged : 0, "XDP: a program for frames in fragments"))
		is_int(bpf_xdp_attach(ifindex, fragged, XDP_FLAGS_DRV_MODE, NULL), 0,
		       "it attaches");
	bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, NULL);
	if (fact(own < 0 ? own : 0, "XDP: a program bound to a device"))
		is_int(bpf_xdp_attach(ifindex, own, XDP_FLAGS_DRV_MODE, NULL), 0, "it attaches");
	bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, NULL);
}

/* Frames that are sent on, not only looked at */
static void test_live_frames(int ifindex)
{
	__u8 frame[64] = {};
	struct xdp_md ctx = {.data_end = sizeof(frame), .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = 4,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	_cleanup_close_ int fd = load(NULL);

	fact(bpf_prog_test_run_opts(fd, &run), "BPF_PROG_TEST_RUN: live frames");
}

static void test_cookie(void)
{
	_cleanup_close_ int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	__u64 cookie = 0;

	if (fact(getsockopt(s, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &(socklen_t){sizeof(cookie)})
			 ? -errno
			 : 0,
		 "a network namespace has a cookie"))
		ok(cookie, "which is a number");
}

void facts_xdp(void)
{
	int ifindex;

	net_add("xdp-left");
	net_add("xdp-right");
	net_veth("xdp-left", "l0", "xdp-right", "r0");
	ifindex = net_ifindex("xdp-right", "r0");
	_net_in_(right, "xdp-right");
	test_link(ifindex);
	test_flags(ifindex);
	test_live_frames(ifindex);
	test_cookie();
}
